/* A decoder with nothing but what sessions and books by id need of one: {"n":number,"c":channel,"w":word,
 * "s":symbol,"k":"book"|"snapshot"|"check","l":[[id,"b"|"a",price,size], ...]}; each key may be missing, and
 * a price null. Bids come first. */
#include "feedhandler/engine/decode.h"

#include "feedhandler/engine/engine.h"

static void level_read(engine *e, cursor *c, market *m, message *msg, int64_t *id)
{
    text values[4];
    int count = 0;
    cursor_array(c);
    while (cursor_item(c) && count < 4)
        cursor_scalar(c, &values[count++]);
    level *out = engine_levels(e, msg, 1);
    out->price = FH_NONE;
    if (count < 4)
        return;
    text_id(c, &values[0], id);
    if (values[2].type != TEXT_NULL)
        text_price(e, c, m, &values[2], &out->price);
    text_scaled(e, c, m, false, &values[3], &out->size);
    msg->first_count += *values[1].at == 'b';
}

static void book_read(engine *e, cursor *c, market *m, const text *kind, int64_t number)
{
    int64_t ids[1024];
    uint32_t count = 0;
    message *msg = engine_message(e, m, text_equals(kind, "snapshot", 8) ? MESSAGE_SNAPSHOT : MESSAGE_DELTA,
                                  CHANNEL_BOOK);
    cursor_array(c);
    while (cursor_item(c) && count < 1024)
        level_read(e, c, m, msg, &ids[count++]);
    if (number >= 0) { /* the book counts itself */
        msg->numbers = (sequence){.first = number, .final = number, .previous = number - 1, .numbered = true};
        return;
    }
    if (engine_ids(e, msg))
        memcpy(e->ids + msg->levels, ids, count * sizeof *ids);
}

static int seams_decode(engine *e, cursor *c)
{
    text key, symbol = {0}, word = {0}, kind = {0};
    int64_t number = -1, channel = -1, own = -1;
    cursor levels = {0};
    int result = FEED_CONTROL;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        text value;
        if (*key.at == 'l') {
            levels = *c;
            cursor_skip(c);
            continue;
        }
        cursor_scalar(c, &value);
        switch (*key.at) {
        case 'n': text_id(c, &value, &number); break;
        case 'o': text_id(c, &value, &own); break;
        case 'c': text_id(c, &value, &channel); break;
        case 's': symbol = value; break;
        case 'w': word = value; break;
        default: kind = value;
        }
    }
    if (!cursor_finish(c))
        return FEED_DATA;
    if (number >= 0 && !engine_number(e, number))
        result |= FEED_GAP;
    if (levels.at == NULL)
        return result;
    market *m = NULL;
    if (channel >= 0) {
        const bound *b = channel_find(e->connection, channel);
        if (b && bound_is(b, (const char *)word.at, word.length))
            m = b->market;
        else
            e->unknown++;
    } else {
        m = engine_market(e, &symbol);
    }
    if (m) {
        const uint8_t *end = c->at;
        *c = levels;
        engine_subject(e, m);
        ENGINE_ITEM(e, c, book_read(e, c, m, &kind, own));
        c->at = end;
    }
    return FEED_DATA | (result & FEED_GAP);
}

static void seams_snapshot(engine *e, cursor *c, market *m)
{
    (void)e, (void)m;
    cursor_skip(c);
}

const fh_decoder seams = {.name = "seams", .numbers = TEXT_NUMBER, .decode = seams_decode,
                          .snapshot = seams_snapshot};
const unsigned long long seams_engine_bytes = sizeof(engine);
