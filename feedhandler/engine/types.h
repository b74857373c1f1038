/* What the engine is made of. Nothing here knows Python, sockets or a particular venue. */
#ifndef FEEDHANDLER_ENGINE_TYPES_H
#define FEEDHANDLER_ENGINE_TYPES_H

#include "feedhandler_shm.h" /* first: it asks for _GNU_SOURCE */

#include "../book/backlog.h"
#include "../book/checksum.h"
#include "../book/continuity.h"
#include "../book/keyed.h"
#include "../book/known_depth.h"
#include "../wire/cursor.h"
#include "../wire/decimal.h"
#include "clock.h"
#include "copies.h"
#include "quality.h"

/* What feed answers: a sum of these. */
enum feed_result {
    FEED_DATA = 1, FEED_CONTROL = 2, FEED_MALFORMED = 4,
    FEED_UNKNOWN = 8, FEED_ATTENTION = 16, FEED_GAP = 32,
};

enum attention {
    NEED_RESYNC = 1,
    NEED_SNAPSHOT,
    SNAPSHOT_TOO_OLD,
    BECAME_LIVE,
    WIDENED,
    ADDED,
    UNCONFIRMED,
    STATED, /* the venue's word for the instrument's status is another one */
    WORN,
    FOREIGN,
    ATTENTION_END
};

enum channel {
    CHANNEL_BOOK = 0,
    CHANNEL_TRADES,
    CHANNEL_TICKER,
    CHANNEL_QUOTE,
    CHANNEL_LIQUIDATIONS, /* these are of venues where they are channels of their own */
    CHANNEL_MARK,
    CHANNEL_FUNDING,
    CHANNEL_INTEREST,
    CHANNEL_GREEKS, CHANNEL_VOLUME, CHANNEL_INDEX,
    CHANNELS
};

enum { NO_CONNECTION = -1, CONNECTIONS = 64 /* that can feed one book at the same time */, INDEX_BYTES = 40 };

/* An instrument as the engine holds it. The private master copies (`entry`, `quote`, `head`) are what
 * is stored in the shared cells; nothing is ever read back from there. */
typedef struct market {
    uint32_t id;
    fh_instrument entry;
    int price_exponent, size_exponent;
    decimal_scale price_scale, size_scale;
    uint8_t price_length; /* how long the price of the last level was */
    uint8_t precision; /* which pair of exponents is in force: an index into the entry's lists */
    uint8_t pairs;     /* that there are */
    uint8_t symbol_length /* 0: see symbol_plain */, word_length, index_length;
    char word[31]; /* the venue's own for its status, as its stream says */
    char index_name[INDEX_BYTES]; /* what the venue calls the index that it follows */
    int64_t index_ns;             /* when that was told last */
    bool has_book;
    bool signed_prices; /* they may be 0 and below: of a combination of instruments, a spread */
    bool incremental; /* deltas were seen: full books of other channels are only quotes then */
    uint8_t state, reason;
    int owner;        /* the connection that last fed it */
    uint64_t feeders; /* bit per connection: with what it brings from now on alone the book stays right */
    int64_t ahead_ns; /* since when a connection is ahead of the book; 0: none is */
    int64_t old_ns;   /* since when all that comes is older than the book; 0: it is not */
    recent recent[RECENT];
    uint32_t recents;
    trade_window *trades; /* NULL until the first */
    trade_names *names;   /* the same of a venue whose ids are names */
    lead quote_leads[2];  /* of quotes without and with a number */
    lead stat_leads[FH_STAT_END];
    lead liquidation_lead; /* of orders announced beside the trades */

    continuity sequence;
    backlog backlog;
    bool asked; /* NEED_SNAPSHOT was raised for this backlog */
    book book;
    keyed keyed; /* of a venue whose levels have ids */
    int price_written, size_written; /* exponents of the last decimals that the venue writes: */
    bool written_listed;             /* as it says, else the last that were seen */
    checksum_book *checked;          /* NULL until a checksum came */
    depth_range drawn[2]; /* dirty ranges of the previous store of the book cell */
    uint32_t window;      /* its channel has the best so many levels a side; 0: all */
    uint32_t thin[2];     /* fewer levels that are known are too few; 0: its messages renew them */
    bool deepening;       /* a deeper base was asked for; what was applied since is in `since` */
    uint8_t since_precision;
    int64_t since_id; /* the last message before that */
    backlog since;

    fh_quote quote;
    uint8_t quote_whole; /* stores of the quote cell that have to write all of it */
    fh_book_head head;
    int64_t probe, probe_ns; /* the oldest quote that the book has not reached: see quote.h; ns 0: none */
    bool doubted;            /* the quotes' numbers: the book did not reach one in time */
    level heard[2]; /* the last best bid and offer without a number, of one with a book: see frozen.h */
    int64_t heard_at, heard_ns; /* by the venue's clock, and when it was received */
    int64_t looked_ns;          /* the last message of the book, as it was looked at last */
    uint8_t looks, patience;    /* that have shown it to stand still; and more of them that are needed */
    int64_t activity[CHANNELS];
    uint64_t brought[CHANNELS]; /* bit per connection: since that was asked last */
    uint8_t dumb; /* of one without a book that is not LIVE since a channel is silent: that, and 1 */
    uint64_t load; /* bytes of the frames that it was in */

    struct market *timed_next; /* of the engine's list of those that time may change */
    bool timed;

    quality quality;
    struct market *news_next; /* of the engine's lists of those to be looked at */
    bool news;

    struct market *held_next; /* of the engine's list of those whose cells are not stored yet */
    uint8_t held;             /* HELD_*: which of them */

    uint32_t pending; /* attention: bit per event */
    int64_t details[ATTENTION_END];
} market;

enum held { HELD_QUOTE = 1, HELD_BOOK = 2 };

enum message_kind {
    MESSAGE_DELTA,    /* changes of a book */
    MESSAGE_SNAPSHOT, /* a full book that starts a chain of deltas */
    MESSAGE_FULL,     /* a full book by itself */
    MESSAGE_TRADE,
    MESSAGE_LIQUIDATION, /* an order that is announced: what it fills are trades of their own */
    MESSAGE_QUOTE,
    MESSAGE_STATS,
};

/* One decoded venue message about one instrument. Its levels are in the engine's arena: a book's in
 * at most two runs (one side, then the other), a trade's single price and size, a quote's bid and ask. */
typedef struct message {
    market *market;
    uint8_t kind, channel, precision;
    uint8_t first_side, runs; /* a trade: the taker's side */
    bool has_checksum, liquidation;
    bool keyed;   /* its levels have ids: see engine_ids */
    bool anew;    /* a quote: the venue says that its numbers begin anew */
    bool rounded; /* prices are grouped: its best is not the best */
    uint16_t window; /* a book's: its channel has the best so many levels a side; 0: all */
    uint32_t word;   /* statistics: where in the frame the venue's word for a status is */
    int64_t checksum; /* as the venue sends it */
    sequence numbers;
    int64_t exchange_ns; /* when it was so at the venue */
    int64_t sent_ns;     /* when the venue sent it; 0: it does not say that apart */
    uint32_t levels, count, first_count; /* in the arena: of levels, or of stats */
    uint32_t word_length; /* 0: it says none */
} message;

typedef struct statistic {
    uint32_t field;
    bool exact; /* the mantissa holds the value as written */
    uint8_t of; /* those alone whose sizes count the base (1), or the quote (2); 0: any */
    decimal value;
    double cell; /* what the quote cell gets */
} statistic;

/* A channel that the venue names by a number: see session.h. */
typedef struct bound {
    int64_t channel;
    market *market; /* NULL: the row is free */
    char word[16];  /* what comes on it, ended by 0 */
} bound;

enum { LEADS_KEPT = 256 };

typedef struct connection {
    int index;
    uint64_t bit; /* of those that several can feed one book with; else 0 */
    uint64_t frames, bytes, levels, malformed, unknown;
    uint64_t slow; /* frames of books, trades and quotes that were not of a known skeleton */
    int64_t last_receive_ns;
    int64_t late_ns;   /* the least age of a message, by the venue's clock, since it was last taken */
    int64_t behind_ns; /* its owner says: what it brings is so late */
    bool numbered;     /* the venue numbers what it sends on it: `number` was the last */
    int64_t number, expected, came; /* of the last hole */
    bound *bounds;
    uint32_t bound_mask, bound_count;
    uint64_t wins;             /* book messages of which another connection brought the copy */
    int64_t leads[LEADS_KEPT]; /* by how much: the newest, in ns */
} connection;

struct engine;

/* A venue's decoder. Both read one whole document; what they emit is applied only if the document
 * turns out to be valid to its last byte. `decode` answers FEED_* bits. `snapshot` reads the answer
 * to a request for the book of `m`. */
typedef struct fh_decoder {
    const char *name;
    uint8_t numbers; /* how the venue writes prices and sizes: TEXT_STRING or TEXT_NUMBER */
    bool spreads;    /* it has instruments whose price may be 0 and below */
    int (*decode)(struct engine *e, cursor *c);
    void (*snapshot)(struct engine *e, cursor *c, market *m);
    bool keeps_window; /* documented: what enters the levels of a channel is sent, what leaves removed */
    bool names_trades; /* the ids of its trades are names: the same is the same trade, none is a later one */
    bool uncrosses;    /* its books may be crossed, and are uncrossed by a rule: see uncross.h */
    bool usual; /* declared by its shapes: most of its frames can be read by steps of the usual kind */
} fh_decoder;

/* What was learned of the frames: see skeleton.h. */
struct step;
struct form;
struct level_way;
struct shaped;
enum { LEARN_AT_ONCE = 64, LEARN_A_SECOND = 16 }; /* frames: a microsecond each */
typedef struct iso_time {
    uint8_t text[40];
    uint32_t length;
    int64_t ns;
} iso_time;

typedef struct skeletons {
    struct step *root, *declared; /* by which reader: one of them is NULL */
    struct step *steps;
    struct form *forms;
    uint32_t step_count, form_count;
    uint32_t tickers; /* skeletons of tickers; past TICKERS_KEPT they are read by their keys alone */
    const uint8_t *shapes; /* of the venue's frames: see shape.h */
    size_t shapes_length;
    uint32_t credit; /* so many frames more may be learned from at once */
    int64_t credit_ns;
    void *sketch;
    struct level_way *ways; /* of levels, declared by shapes */
    uint32_t way_count;
    bool trying; /* a frame is read again, and nothing is to come of it */
    level *aside;
    int64_t *aside_ids;
    uint32_t aside_room, aside_id_room;
    iso_time iso;
} skeletons;

typedef struct engine {
    fh_writer *writer;
    const fh_decoder *decoder;
    continuity rules; /* the template of every market's */
    bool auto_add, replay;
    bool unusual;      /* its books go by time, have a window of their own, levels with ids, or may be crossed */
    bool keeps_window; /* what enters the levels of a channel is sent; what leaves is sent, or cut */
    uint32_t window;   /* books are cut to so many levels a side; 0: they are not */
    bool polled; /* the answer being taken is of no stream: its book is DEGRADED */
    uint32_t asked; /* so many levels a side were asked for; 0: all */
    size_t buffer_bytes;

    market **markets; /* by id; ids of other owners of the segment's directory are NULL */
    uint32_t room;
    uint32_t *table; /* symbols: open addressing, id + 1 */
    uint32_t table_mask, table_used;
    market *last_market; /* the last one found */

    connection *rows[CONNECTIONS];
    quality holes; /* of what connections count: gaps, missing, unsized */
    market *timed; /* those of which something is to be over soon: see engine_overdue */
    market *news, *looking; /* since the look before something came of them; those of the look that goes on */

    /* the frame being decoded */
    connection *connection;
    unix_clock clock;
    int64_t receive_ns;
    market *subject;  /* the book that a malformed frame would be about */
    bool book_frame;  /* the frame may be about a book: its channel is one, or is not known yet */
    uint32_t unknown; /* symbols or channels in it that are not ours */
    market *crossed;  /* whose best bid and offer in it cannot be */
    uint8_t odd;      /* the error of a row that was left out of it */
    const uint8_t *odd_at;
    message *messages;
    uint32_t message_count, message_room;
    level *levels;
    uint32_t level_count, level_room;
    int64_t *ids; /* of the levels of messages that are keyed */
    uint32_t id_room;
    statistic *stats;
    uint32_t stat_count, stat_room;
    /* what the item being decoded needs beyond its market's exponents */
    market *short_of;
    int need_price, need_size;
    bool need_room;    /* a value is too large for the exponents in force */
    bool need_too_much; /* one that no exponents hold */
    bool forgot;       /* the book was, for this item */
    uint8_t tries;
    spare spare;
    const uint8_t *here; /* where it lies: what its words are counted from */
    uint8_t *frame;      /* a copy of one that did not lie where it can be read past its end */
    size_t frame_room;

    uint32_t *attention; /* ids of markets with something pending */
    uint32_t attention_count, attention_room;
    bool written;         /* by the frame being fed: there is something to show */
    market *held;         /* whose cells are not stored, with records that are not published */
    uint32_t held_frames; /* that wrote those */
    uint64_t shown;       /* the last record that is published */
    uint64_t fed_frames, fed_bytes, fed_levels, fed_messages; /* not in the counters yet */
    bool unwoken;         /* since the last wake */
    int64_t batch_ns; /* when what is being read was received; 0: the next frame begins another read */

    int error; /* the last malformed input */
    size_t error_byte;
    char error_about[96];
    bool out_of_memory;
    checksum *checksum; /* NULL: the venue has none */
    skeletons skeletons;
    struct shaped *shaped; /* what frames are read by; NULL: by a decoder of their own */
} engine;

/* Room for one more element of a growable array. */
#define ARRAY_RESERVE(e, array, count, room, want)                                                  \
    (LIKELY((want) <= (room)) || array_grow((void **)&(array), &(room), (want), sizeof *(array)) || \
     ((e)->out_of_memory = true, false))

/* A frame has no more levels: each costs a search, and a move of all that are better. */
enum { FRAME_LEVELS = 1 << 16 };
#define LEVELS_RESERVE(e, want)                                                          \
    (LIKELY((want) <= (e)->level_room) ||                                                \
     ((want) <= FRAME_LEVELS &&                                                          \
      ARRAY_RESERVE(e, (e)->levels, (e)->level_count, (e)->level_room, want)) ||         \
     ((e)->out_of_memory = true, false))

COLD bool array_grow(void **array, uint32_t *room, uint32_t want, size_t element)
{
    uint32_t grown = *room ? *room : 64;
    while (grown < want)
        grown *= 2;
    void *moved = realloc(*array, (size_t)grown * element);
    if (moved == NULL)
        return false;
    *array = moved;
    *room = grown;
    return true;
}

/* What is known of it by a look is not so any more. */
static inline void market_news(engine *e, market *m)
{
    if (m->news)
        return;
    m->news = true;
    m->news_next = e->news;
    e->news = m;
}

static inline void market_attention(engine *e, market *m, int event, int64_t detail)
{
    if (m->pending == 0) {
        if (!ARRAY_RESERVE(e, e->attention, e->attention_count, e->attention_room,
                           e->attention_count + 1))
            return;
        e->attention[e->attention_count++] = m->id;
    }
    /* what is no longer true is not said */
    if (event == BECAME_LIVE)
        m->pending &= ~(1u << NEED_RESYNC | 1u << NEED_SNAPSHOT | 1u << SNAPSHOT_TOO_OLD |
                        1u << UNCONFIRMED);
    if (event == NEED_RESYNC || event == NEED_SNAPSHOT || event == SNAPSHOT_TOO_OLD)
        m->pending &= ~(1u << BECAME_LIVE | 1u << UNCONFIRMED);
    m->pending |= 1u << event;
    m->details[event] = detail;
}

#endif
