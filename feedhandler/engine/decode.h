/* What decoders are written with: symbols to markets, messages, numbers.
 *
 * An item is the smallest thing about one instrument in a document (a book message, a trade, a row
 * of option statistics). Read it with ENGINE_ITEM: when one of its numbers needs more digits than
 * the instrument has, the reader goes on to find out how many, the instrument is widened, and the
 * item is read again from its start.
 */
#ifndef FEEDHANDLER_ENGINE_DECODE_H
#define FEEDHANDLER_ENGINE_DECODE_H

#include "instruments.h"
#include "roles.h"
#include "numbers.h"
#include "session.h"
#include "time_text.h"

/* ---- symbols ------------------------------------------------------------------------------------ */

COLD market *engine_unknown(engine *e, const text *symbol)
{
    if (e->auto_add && symbol->type == TEXT_STRING && symbol->length > 0 &&
        symbol->length <= SYMBOL_BYTES &&
        memchr(symbol->at, 0, symbol->length) == NULL) {
        fh_instrument entry;
        memset(&entry, 0, sizeof entry);
        memcpy(entry.symbol, symbol->at, symbol->length);
        entry.contract_size = 1.0;
        market *m = engine_add(e, &entry, true);
        if (m != NULL) {
            market_attention(e, m, ADDED, 0);
            return m;
        }
    }
    e->unknown++;
    return NULL;
}

/* The market of a symbol as the payload has it; NULL (counted) when it is not ours. */
static inline market *engine_market(engine *e, const text *symbol)
{
    market *m = symbol->type == TEXT_STRING ? symbol_find(e, symbol->at, symbol->length) : NULL;
    return LIKELY(m != NULL) ? m : engine_unknown(e, symbol);
}

/* Name the book that the frame is about, should it turn out to be malformed. */
static inline void engine_subject(engine *e, market *m)
{
    e->subject = m;
}

/* A document about no book at all: a malformed one condemns none. */
static inline void engine_no_book(engine *e) { e->book_frame = false; }

/* One about the best bid and offer of `m`. */
static inline void engine_about_quote(engine *e, market *m)
{
    e->book_frame = false;
    e->subject = m;
}

/* ---- messages ------------------------------------------------------------------------------------ */

/* Begin a message; it is complete when the next begins or the document ends. Never NULL: when memory
 * has run out it is a scrap that nobody applies. */
static inline message *engine_message(engine *e, market *m, int kind, int channel)
{
    static message scrap;
    if (UNLIKELY(!ARRAY_RESERVE(e, e->messages, e->message_count, e->message_room,
                                e->message_count + 1)))
        return &scrap;
    message *msg = &e->messages[e->message_count++];
    memset(msg, 0, sizeof *msg);
    msg->market = m;
    msg->kind = (uint8_t)kind;
    msg->channel = (uint8_t)channel;
    msg->precision = m->precision;
    msg->levels = kind == MESSAGE_STATS ? e->stat_count : e->level_count;
    return msg;
}

static inline level *engine_levels(engine *e, message *msg, uint32_t count)
{
    static level scrap[2];
    if (UNLIKELY(!LEVELS_RESERVE(e, e->level_count + count)))
        return scrap;
    level *at = e->levels + e->level_count;
    e->level_count += count;
    msg->count += count;
    return at;
}

/* All levels of the message are there: room for the id of each, at e->ids[msg->levels] and on. */
static inline bool engine_ids(engine *e, message *msg)
{
    msg->keyed = e->unusual = true;
    return ARRAY_RESERVE(e, e->ids, 0, e->id_room, e->level_count ? e->level_count : 1);
}

/* ---- items --------------------------------------------------------------------------------------- */

typedef struct item_mark {
    cursor at;
    uint32_t messages, levels, stats, unknown;
} item_mark;

static inline item_mark engine_item_begin(engine *e, const cursor *c)
{
    e->short_of = NULL;
    e->need_price = e->need_size = DECIMAL_EXPONENT_MAX;
    e->need_room = e->need_too_much = e->forgot = false;
    e->tries = 0;
    return (item_mark){*c, e->message_count, e->level_count, e->stat_count, e->unknown};
}

/* Is what was read of it a book of `m`? */
static inline bool item_is_book(const engine *e, const market *m, const item_mark *mark)
{
    for (uint32_t i = mark->messages; i < e->message_count; i++) {
        const message *msg = &e->messages[i];
        if (msg->market == m && (msg->kind == MESSAGE_DELTA || msg->kind == MESSAGE_SNAPSHOT ||
                                 (msg->kind == MESSAGE_FULL && !m->incremental)))
            return m->has_book;
    }
    return false;
}

enum { ITEM_TRIES = 4 }; /* a finer price, a finer size, and the same again for a full book */

/* True: read the item again. */
COLD bool engine_item_again(engine *e, cursor *c, const item_mark *mark)
{
    market *m = e->short_of;
    scale need = {e->need_price, e->need_size};
    bool room = e->need_room, never = e->need_too_much;
    /* an answer for a book that is in step is no part of it yet */
    bool book = item_is_book(e, m, mark) && (e->book_frame || !continuity_based(&m->sequence));
    cursor whole;
    e->short_of = NULL;
    if (c->error || !document_valid(c->begin, (size_t)(c->end - c->begin), &whole))
        return false; /* nothing is done for a document that is refused: the caller meets the error */
    e->message_count = mark->messages;
    e->level_count = mark->levels;
    e->stat_count = mark->stats;
    fh_counter_add(e->writer, FH_COUNTER_PRECISION, 1);
    bool again = !never && ++e->tries <= ITEM_TRIES && market_refit(e, m, need, room);
    if (!again && m->has_book && !book) { /* it costs no book */
        e->odd = WIRE_RANGE;
        e->odd_at = mark->at.at;
    } else if (!again) {
        market_unfit(e, m);
        again = !never && !e->forgot;
        e->forgot = true;
        e->tries = 0;
    }
    if (!again)
        return false; /* the item is dropped; its instrument says why */
    e->unknown = mark->unknown;
    e->need_price = e->need_size = DECIMAL_EXPONENT_MAX;
    e->need_room = e->need_too_much = false;
    *c = mark->at;
    return true;
}

#define ENGINE_READ(e, c, mark, read) \
    do {                              \
        read;                         \
    } while (UNLIKELY((e)->short_of != NULL) && engine_item_again((e), (c), (mark)))

#define ENGINE_ITEM(e, c, read)                             \
    do {                                                    \
        item_mark item_mark_ = engine_item_begin((e), (c)); \
        ENGINE_READ((e), (c), &item_mark_, read);           \
    } while (0)

/* The error of valid JSON that is not what the channel has. */
static inline bool wire_meant(int error)
{
    return error == WIRE_TYPE || error == WIRE_DECIMAL || error == WIRE_RANGE ||
           error == WIRE_AHEAD || error == WIRE_MISSING;
}

/* Nothing of the item was read; `at`: where it turned out to be none. */
static inline void engine_item_odd(engine *e, const item_mark *mark, const cursor *at)
{
    e->message_count = mark->messages;
    e->level_count = mark->levels;
    e->stat_count = mark->stats;
    e->unknown = mark->unknown;
    e->short_of = NULL;
    e->odd = at->error;
    e->odd_at = at->error_at;
}

/* ---- the small messages -------------------------------------------------------------------------- */

/* The venue's word for what may be done with the instrument, where it stands in the frame. */
static inline void message_word(cursor *c, message *msg, const text *t)
{
    if (t->type == TEXT_NONE || text_empty(t))
        return;
    bool here = t->at >= c->begin && t->at < c->end; /* not: made plain of escapes */
    if (t->type != TEXT_STRING || !here || t->length > sizeof msg->market->word) {
        text_fail(c, WIRE_RANGE, t); /* nobody knows it */
        return;
    }
    msg->word = (uint32_t)(t->at - c->begin);
    msg->word_length = t->length;
}

/* One statistic of a MESSAGE_STATS. The record has it as the venue wrote it; the cell times
 * 10^shift (a volatility in percent becomes a fraction). Nothing is added when the key did not come;
 * null, "" and words ("expired") say that there is none. */
static inline void engine_stat(engine *e, message *msg, uint32_t field, const text *t, int shift)
{
    const uint8_t *stop;
    if (t->type == TEXT_NONE ||
        !ARRAY_RESERVE(e, e->stats, e->stat_count, e->stat_room, e->stat_count + 1))
        return;
    statistic *s = &e->stats[e->stat_count];
    s->field = field;
    s->exact = false;
    s->of = 0;
    s->cell = __builtin_nan("");
    if (text_present(t)) {
        int result = decimal_natural(t->at, t->at + t->length, &s->value, &stop);
        if (result == DECIMAL_SYNTAX || stop != t->at + t->length)
            return;
        bool volatility = field >= FH_STAT_BID_IV && field <= FH_STAT_MARK_IV; /* of 0 is none */
        if (result == DECIMAL_OK && !(volatility && s->value.mantissa <= 0)) {
            s->exact = true;
            s->cell = decimal_double(s->value.mantissa, s->value.exponent + shift);
        } /* more digits than an int64 holds: no statistic needs them, no record pretends to */
    }
    e->stat_count++;
    msg->count++;
}

/* When something is due: the record has it in unix ns. What is no time says that it is not. */
static inline void engine_stat_due(engine *e, message *msg, int role, const text *t)
{
    int64_t ns = 0, unit = role == ROLE_NEXT_FUNDING_S ? 1000000000 : 1000000;
    if (t->type == TEXT_NONE ||
        !ARRAY_RESERVE(e, e->stats, e->stat_count, e->stat_room, e->stat_count + 1))
        return;
    bool read = role == ROLE_NEXT_FUNDING_ISO ? time_iso(t, &ns) : time_decimal(t, unit, &ns);
    e->stats[e->stat_count++] = (statistic){.field = FH_STAT_NEXT_FUNDING, .exact = read && ns > 0,
                                            .value = {.mantissa = ns}, .cell = __builtin_nan("")};
    msg->count++;
}

/* The same of a hole. Half of what counts both sides of each trade has one digit more, and is exact. */
static inline void engine_stat_of(engine *e, message *msg, int role, const text *t)
{
    bool percent = role >= ROLE_PERCENT && role < ROLE_VOLUME_BASE;
    uint32_t count = e->stat_count;
    if (role >= ROLE_NEXT_FUNDING_MS) {
        engine_stat_due(e, msg, role, t);
        return;
    }
    if (role < ROLE_VOLUME_BASE) {
        engine_stat(e, msg, (uint32_t)(role - (percent ? ROLE_PERCENT : ROLE_STAT)), t, percent ? -2 : 0);
        return;
    }
    engine_stat(e, msg, FH_STAT_VOLUME, t, 0);
    statistic *s = &e->stats[count];
    if (e->stat_count == count)
        return;
    s->of = role == ROLE_VOLUME_BOTH ? 0 : role == ROLE_VOLUME_BASE ? 1 : 2;
    if (role == ROLE_VOLUME_BOTH && s->exact) {
        s->exact = !__builtin_mul_overflow(s->value.mantissa, 5, &s->value.mantissa);
        s->value.exponent--;
        s->cell /= 2;
    }
}

#endif
