/* One record after the other: into the ring, and into what its instrument's cells are made of. */
#ifndef FEEDHANDLER_MIRROR_RECORDS_H
#define FEEDHANDLER_MIRROR_RECORDS_H

#include "mirror.h"

#define MIRROR_FIELD(type, row, name) REBUILT_READ(type, row, m->fields.name)

/* How far a side is known that a full book began: as far as it goes, where the feed says of this instrument that
 * its sides have an end. */
static void mirror_filled(const mirrored *i, rebuilt_book *b)
{
    for (int side = 0; side < 2; side++) {
        rebuilt_side *s = &b->sides[side];
        if (i->known[side] != FH_KNOWN_WHOLE && s->count)
            s->limit = s->levels[0].price;
    }
}

/* The feed's own word, at a mark: how deep it is known, and in which state it is. */
static void mirror_marked(mirror *m, uint32_t instrument, uint32_t bids, uint32_t asks, uint8_t state,
                          uint8_t reason)
{
    mirrored *i = &m->at[instrument];
    rebuilt_book *b = rebuilt_find(&m->books, instrument);
    const uint32_t known[2] = {bids, asks};
    for (int side = 0; side < 2; side++) {
        i->known[side] = known[side];
        if (b == NULL || !b->begun)
            continue;
        rebuilt_side *s = &b->sides[side];
        uint32_t count = known[side] < s->count ? known[side] : s->count;
        if (known[side] != FH_KNOWN_WHOLE)
            s->limit = count ? s->levels[s->count - count].price : side ? -INT64_MAX : INT64_MAX;
    }
    i->head.state = i->quote.state = state;
    i->head.reason = i->quote.reason = reason;
    mirror_dirty(m, instrument);
}

static void mirror_state(mirror *m, mirrored *i, const uint8_t *row, uint32_t instrument)
{
    int64_t state = MIRROR_FIELD(int64_t, row, price), reason = MIRROR_FIELD(int64_t, row, size);
    int64_t now = MIRROR_FIELD(int64_t, row, receive_ns);
    if (state < 0 || state >= FH_STATE_END || reason < 0 || reason >= FH_REASON_END)
        return;
    if (i == NULL) { /* a connection's */
        uint32_t at = REBUILT_READ(uint32_t, row, m->aux);
        if (row[m->fields.side] != 1 || at >= m->writer->header->connections.count)
            return;
        fh_connection c = {.id = at, .state = (uint8_t)state, .reason = (uint8_t)reason, .since_ns = now};
        fh_connection_store(m->writer, at, &c);
        return;
    }
    fh_quote *q = &i->quote;
    i->head.state = q->state = (uint8_t)state;
    i->head.reason = q->reason = (uint8_t)reason;
    i->head.state_ns = q->state_ns = now;
    if (!i->has_book && state == FH_STATE_STALE && reason == FH_REASON_MALFORMED) {
        q->bid_price = q->ask_price = FH_NONE;
        q->bid_size = q->ask_size = 0;
        q->source = FH_SOURCE_NONE;
    }
    mirror_dirty(m, instrument);
}

static void mirror_trade(mirror *m, mirrored *i, const uint8_t *row)
{
    fh_quote *q = &i->quote;
    uint64_t id = MIRROR_FIELD(uint64_t, row, venue_sequence);
    if (row[m->fields.kind] == FH_KIND_LIQUIDATION && id == 0)
        return; /* an order that is announced is no print */
    int price = (int8_t)row[m->fields.price_exponent], size = (int8_t)row[m->fields.size_exponent];
    const rebuilt_level said = {MIRROR_FIELD(int64_t, row, price), MIRROR_FIELD(int64_t, row, size)};
    rebuilt_level last = said;
    if (!rebuilt_scaled(&last.price, price, q->price_exponent) ||
        !rebuilt_scaled(&last.size, size, q->size_exponent)) {
        mirror_scale(q, price, size);
        last = said;
    }
    q->last_price = last.price;
    q->last_size = last.size;
    int64_t exchange_ns = MIRROR_FIELD(int64_t, row, exchange_ns);
    q->last_side = row[m->fields.side] & 1;
    q->last_ns = exchange_ns ? exchange_ns : MIRROR_FIELD(int64_t, row, receive_ns);
}

/* The end of a message about an instrument. */
static void mirror_message(mirror *m, mirrored *i, const uint8_t *row, uint32_t instrument)
{
    rebuilt_book *b = rebuilt_find(&m->books, instrument);
    int64_t now = MIRROR_FIELD(int64_t, row, receive_ns);
    bool begun = b != NULL && b->begun && !b->fault;
    bool based = begun && i->head.state == FH_STATE_LIVE;
    fh_quote *q = &i->quote;
    int64_t exchange_ns = MIRROR_FIELD(int64_t, row, exchange_ns);
    int64_t sent_ns = fh_sent_ns(row[m->fields.kind], exchange_ns, REBUILT_READ(uint32_t, row, m->aux));
    bool kept = q->source == FH_SOURCE_QUOTE && now - q->receive_ns <= MIRROR_QUOTE_NS;
    if (i->touched && begun) {
        if (i->cleared)
            mirror_filled(i, b);
        i->head.exchange_ns = b->exchange_ns;
        i->head.sent_ns = sent_ns;
        i->head.receive_ns = b->receive_ns;
        i->head.venue_sequence = b->venue_sequence;
        if (i->cleared || !kept || q->venue_sequence <= i->head.venue_sequence)
            mirror_quote_book(i, b);
    } else if (i->has_book && based && q->source == FH_SOURCE_QUOTE && !kept) {
        mirror_quote_book(i, b);
    }
    if (i->quoted == 3)
        mirror_quote_own(i, b, based, MIRROR_FIELD(uint64_t, row, venue_sequence),
                         exchange_ns, sent_ns, now, (int8_t)row[m->fields.price_exponent],
                         (int8_t)row[m->fields.size_exponent]);
    i->touched = i->cleared = false;
    i->quoted = 0;
    i->head.publish_ns = q->publish_ns = now + REBUILT_READ(uint32_t, row, m->publish_delta);
    mirror_dirty(m, instrument);
}

/* What of a record, or of a base, is in its instrument's cells. */
static void mirror_take(mirror *m, const uint8_t *row, bool ends)
{
    uint32_t instrument = MIRROR_FIELD(uint32_t, row, instrument);
    uint8_t kind = row[m->fields.kind];
    bool base = m->fields.has_base && row[m->fields.base];
    mirrored *i = instrument < m->count && m->at[instrument].defined ? &m->at[instrument] : NULL;
    if (i == NULL) {
        if (kind == FH_KIND_STATE)
            mirror_state(m, NULL, row, instrument);
        return;
    }
    if (!base && row[m->precision] < FH_PRECISIONS)
        i->precision = row[m->precision];
    switch (kind) {
    case FH_KIND_CLEAR:
    case FH_KIND_LEVEL:
        rebuilt_apply(&m->books, row, 1, 0, &m->fields);
        i->touched = true;
        i->cleared |= kind == FH_KIND_CLEAR && !base;
        break;
    case FH_KIND_TRADE:
    case FH_KIND_LIQUIDATION: mirror_trade(m, i, row); break;
    case FH_KIND_QUOTE: {
        uint8_t side = row[m->fields.side] & 1;
        i->top[side] = (rebuilt_level){MIRROR_FIELD(int64_t, row, price), MIRROR_FIELD(int64_t, row, size)};
        i->quoted |= (uint8_t)(1u << side);
        break;
    }
    case FH_KIND_STAT: {
        uint32_t stat = REBUILT_READ(uint32_t, row, m->aux);
        double *value = quote_stat(&i->quote, stat);
        int64_t exponent = MIRROR_FIELD(int64_t, row, size) - (stat < 64 && m->percent >> stat & 1 ? 2 : 0);
        if (value != NULL && exponent > -400 && exponent < 400)
            *value = fh_value(MIRROR_FIELD(int64_t, row, price), (int)exponent);
        else if (value == NULL && quote_due(&i->quote, stat) != NULL)
            *quote_due(&i->quote, stat) = MIRROR_FIELD(int64_t, row, price);
        i->quote.stats_ns = MIRROR_FIELD(int64_t, row, receive_ns);
        break;
    }
    case FH_KIND_STATE: mirror_state(m, i, row, instrument); break;
    default: break;
    }
    if (kind != FH_KIND_STATE && kind != FH_KIND_DEFINITION && !base)
        i->quote.data_ns = MIRROR_FIELD(int64_t, row, receive_ns);
    if (ends || base)
        mirror_message(m, i, row, instrument);
}

/* A record into the ring. A message that is too long for it goes in parts. */
static bool mirror_write(mirror *m, const uint8_t *row)
{
    fh_writer *w = m->writer;
    uint64_t n = w->next++;
    uint8_t flags = row[m->flags] | FH_FLAG_REPLAY;
    if (!m->open || flags & FH_FLAG_FIRST) {
        m->first = n;
        flags |= FH_FLAG_FIRST;
    }
    if (!(flags & FH_FLAG_LAST) && n - m->first + 1 >= w->limit)
        flags |= FH_FLAG_LAST | FH_FLAG_MORE;
    m->open = !(flags & FH_FLAG_LAST);
    uint64_t head = (uint64_t)MIRROR_FIELD(uint32_t, row, instrument) | (uint64_t)row[m->fields.kind] << 32 |
                    (uint64_t)flags << 40 | (uint64_t)row[m->fields.side] << 48 |
                    (uint64_t)row[m->precision] << 56;
    uint64_t tail = (uint64_t)REBUILT_READ(uint32_t, row, m->publish_delta) |
                    (uint64_t)REBUILT_READ(uint32_t, row, m->aux) << 32;
    fh_slot_write(w->ring, w->mask, n, head, MIRROR_FIELD(int64_t, row, exchange_ns),
                  MIRROR_FIELD(int64_t, row, receive_ns), MIRROR_FIELD(uint64_t, row, venue_sequence),
                  MIRROR_FIELD(int64_t, row, price), MIRROR_FIELD(int64_t, row, size), tail);
    return (flags & (FH_FLAG_LAST | FH_FLAG_MORE)) == FH_FLAG_LAST;
}

/* Does the directory have the exponents of this record? */
static inline bool mirror_fits(const mirror *m, const uint8_t *row)
{
    uint32_t instrument = MIRROR_FIELD(uint32_t, row, instrument);
    uint8_t kind = row[m->fields.kind], precision = row[m->precision];
    if (instrument == FH_NO_INSTRUMENT || (m->fields.has_base && row[m->fields.base]))
        return true;
    if (instrument >= m->count || !m->at[instrument].defined)
        return false;
    if (kind == FH_KIND_STAT || kind == FH_KIND_STATE || kind == FH_KIND_DEFINITION || precision >= FH_PRECISIONS)
        return true;
    const mirrored *i = &m->at[instrument];
    return i->price_exponents[precision] == (int8_t)row[m->fields.price_exponent] &&
           i->size_exponents[precision] == (int8_t)row[m->fields.size_exponent];
}

/* Take rows until one is of an instrument or in exponents that the directory has not; how many were taken.
 * `recorded`: into the ring, too. What is not whole at the end is shown with what follows it. */
static size_t mirror_play(mirror *m, const uint8_t *row, size_t count, bool recorded)
{
    for (size_t i = 0; i < count; i++, row += m->stride) {
        if (FH_UNLIKELY(!mirror_fits(m, row)))
            return i;
        bool base = m->fields.has_base && row[m->fields.base], ends = row[m->flags] & FH_FLAG_LAST;
        ends &= !(row[m->flags] & FH_FLAG_MORE);
        if (recorded && !base)
            ends = mirror_write(m, row);
        mirror_take(m, row, ends);
        if (ends && recorded && !base) {
            m->whole = m->writer->next - 1;
            if (m->whole - m->shown > m->writer->limit / 2)
                mirror_show(m);
        }
    }
    return count;
}

#endif
