/* feedhandler_shm.h - the shared-memory contract of feedhandler, complete in one header.
 *
 * Layout, and both halves of the protocol, for C11 and C++17 (GCC, Clang); the structs alone for
 * Rust bindgen and the like. Linux, little-endian, 64-bit. No allocation, no locks, no errno
 * beyond the futex.
 *
 * POSIX shared-memory objects of a venue, by who may write them:
 *
 *   control /<namespace>.<venue>           the writer's user; stable; who the writer is, its epoch, and
 *                                          the lock by which readers see that it lives
 *   data    /<namespace>.<venue>.<epoch>   the writer's user; one per writer start
 *   readers /<namespace>.<venue>.readers   readers too: their sleep flag and their registry
 *   lock    /<namespace>.<venue>.lock      nobody else may even open it: who holds it is the writer
 *
 * Nothing that is read from the readers' object is believed: who may write it can at worst keep other
 * readers asleep until their time-out, and take their rows of the registry.
 *
 *   data:  | header 4096 | directory | quote cells | book cells | connections | histograms | ring |
 *
 * Every region is found by the offset, stride and count in the header, never by sizeof.
 *
 * One protocol for a ring slot and a copy of a latched cell, message n >= 1 (Boehm, "Can seqlocks
 * get along with programming language memory models?", MSPC 2012):
 *
 *   writer  store(stamp, 2n-1, relaxed); fence(release); store words relaxed; store(stamp, 2n, release)
 *   reader  s = load(stamp, acquire)      s < 2n-1 empty | s == 2n-1 busy | s > 2n lapped
 *           load words relaxed; fence(acquire); valid iff load(stamp, relaxed) == s
 *
 * Words are 64-bit relaxed atomics, never a racing memcpy. A latch is two copies: the writer fills
 * the one that is not current and then flips, so that a writer that dies at any instruction never
 * makes a reader wait.
 *
 * The field tables below (FH_*_FIELDS) are the only place where the layout is written down: the C
 * structs, the layout hash and Python's dtypes are made from them.
 *
 * Version: MAJOR differs - refuse. MINOR - only reserved bytes gain meaning. Readers skip record
 * kinds that they do not know.
 */
#ifndef FEEDHANDLER_SHM_H
#define FEEDHANDLER_SHM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* syscall, clock_gettime under -std=c11; include this header first there */
#endif
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
#define FH_STATIC_ASSERT static_assert
extern "C" {
#else
#define FH_STATIC_ASSERT _Static_assert
#endif

#define FH_VERSION_MAJOR 2
#define FH_VERSION_MINOR 0
#define FH_MAGIC_DATA 0x3154414448534846ull    /* "FHSHDAT1" */
#define FH_MAGIC_CONTROL 0x314C544348534846ull /* "FHSHCTL1" */
#define FH_MAGIC_READERS 0x3152445248534846ull /* "FHSHRDR1" */
#define FH_HEADER_BYTES 4096
#define FH_CONTROL_BYTES 4096
#define FH_READERS_BYTES 8192
#define FH_READERS_ROWS 1024 /* where the registry's rows begin */
#define FH_READERS 56
#define FH_WAKE_NEXT 2          /* so many does a reader wake that was woken, before it reads */
#define FH_WAKE_AGAIN_NS 100000 /* after so long the writer wakes another one: a reader may have died */
#define FH_PACE_MOST_NS 512000  /* a longer time between two batches counts as this */
#define FH_NAP_BELOW_NS 128000  /* at a quicker pace readers nap before they ask to be woken */
#define FH_NAP_LEAST_NS 20000   /* nobody naps for less, and what comes quicker is one batch to the pace */
#define FH_NAPS 4               /* so many times, each for half the pace */
#define FH_READER_CLAIMED 0x80000000u /* with the pid: that process is filling the row */
#define FH_COUNTERS 64
#define FH_HISTOGRAMS 8
#define FH_HISTOGRAM_BUCKETS 512
#define FH_PRECISIONS 8
#define FH_BANDS 12 /* of ticks by price */
#define FH_EARLIER 12 /* epochs before this one that are remembered */
#define FH_NO_INSTRUMENT 0xFFFFFFFFu
#define FH_NONE INT64_MIN /* a price that is not there */
#define FH_KNOWN_WHOLE UINT32_MAX /* a side of a book is known to its end */

/* ---------------------------------------------------------------- vocabularies ------------- */

#define FH_KINDS(F) /* of a record */                                                          \
    F(LEVEL, 1)       /* one level of a book: price, size (0 = removed), side */                \
    F(CLEAR, 2)       /* the book is empty now; the levels of a snapshot follow */              \
    F(TRADE, 3)       /* price, size; side = taker */                                           \
    F(LIQUIDATION, 4) /* a trade that is one, or the order as announced; side = taker */        \
    F(QUOTE, 5)       /* best bid, then best ask, as the venue's own top-of-book channel says */ \
    F(STAT, 6)        /* aux = FH_STAT_*, value = price * 10^size, exactly as the venue wrote */ \
    F(STATE, 7)       /* price = FH_STATE_*, size = FH_REASON_*; side 0: the instrument's, side  \
                         1: a connection's, its row in aux */                                   \
    F(WRITER, 8)      /* price 1: the writer starts; 0: it stops, in order */                   \
    F(DEFINITION, 9)  /* since 2.0: the venue changed the instrument's terms, the directory row    \
                         has them: price = FH_STATUS_*, size = sum of FH_CHANGE_*, aux = the       \
                         number of the definition */                                               \
    F(ABSENT, 10)     /* since 2.0: of a mirror that carries less than its source: a record of     \
                         which it has the number only */

#define FH_STATES(F)                                                                           \
    F(NONE, 0)    /* nothing yet */                                                             \
    F(SYNCING, 1) /* subscribed, no full book yet */                                            \
    F(LIVE, 2)    /* in exact step with the venue */                                            \
    F(STALE, 3)   /* was LIVE; see the reason */                                                \
    F(CROSSED, 4) /* best bid >= best ask: something is wrong, a resync is under way */         \
    F(DEGRADED, 5) /* polled, not streamed */                                                   \
    F(CLOSED, 6)  /* ended in order: the writer stopped, the instrument expired */

#define FH_REASONS(F)                                                                              \
    F(NONE, 0)                                                                                     \
    F(START, 1)           /* the first synchronisation */                                          \
    F(GAP, 2)             /* the venue's sequence has a hole */                                    \
    F(CHECKSUM, 3)        /* the venue's checksum does not match */                                \
    F(PRECISION, 4)       /* a value needs more digits than the exponents hold; they are           \
                             widened, then it heals */                                             \
    F(CROSSED, 5)         /* see the state */                                                      \
    F(DISCONNECTED, 6)    /* the connection is down */                                             \
    F(SILENT, 7)          /* the socket is open, but no byte comes */                              \
    F(SUBSCRIPTION, 8)    /* the socket lives, this subscription is dead */                        \
    F(NO_SNAPSHOT, 9)     /* the snapshot did not come in time */                                  \
    F(MALFORMED, 10)      /* the venue sent a message that breaks its own rules */                 \
    F(REJECTED, 11)       /* the venue refused the subscription */                                 \
    F(OVERFLOW, 12)       /* more was buffered than the bound allows */                            \
    F(EXPIRED, 13)        /* the instrument expired or was delisted */                             \
    F(UNSUBSCRIBED, 14)   /* nobody asks for it any more */                                        \
    F(STOPPED, 15)        /* the writer was asked to stop */                                       \
    F(FAILED, 16)         /* the writer died or gave up; its log says why */                       \
    F(HEARTBEAT, 17)      /* no answer to heartbeats */                                            \
    F(LIFETIME, 18)       /* the venue's session lifetime, or its notice of a restart */           \
    F(RATE_LIMIT, 19)     /* waiting for the venue's budget */                                     \
    F(AUDIT, 20)          /* a snapshot taken beside the stream disagrees */                       \
    F(CAPACITY, 21)       /* since 2.0: messages come faster than they are read; of a connection,  \
                             or of a venue that is LIVE */                                         \
    F(UNANSWERED, 22)     /* since 2.0: the venue has not answered the subscription; it is         \
                             asked again and again */                                              \
    F(NO_DATA, 23)        /* since 2.0: subscribed, but what the channel promises has not come;    \
                             of a venue or a connection that is LIVE: its books are right, but     \
                             another channel is silent */                                          \
    F(UNCONFIRMED, 24)    /* since 2.0: a full book that was asked for is shown, but the stream    \
                             has not reached it yet; it is asked for again and again */            \
    F(NO_ROW, 25)         /* since 2.0: the directory has no row left for an instrument that       \
                             was asked for; of a venue */                                          \
    F(LINK, 26)           /* since 2.0: this is a mirror, and what it has of its source is more    \
                             than a second old: the link is cut, silent, or behind */

#define FH_STATS(F)                                                                            \
    F(MARK, 1) F(INDEX, 2) F(UNDERLYING, 3) F(BID_IV, 4) F(ASK_IV, 5) F(MARK_IV, 6)            \
    F(DELTA, 7) F(GAMMA, 8) F(VEGA, 9) F(THETA, 10) F(RHO, 11) F(FUNDING, 12)                  \
    F(OPEN_INTEREST, 13)                                                                       \
    F(VOLUME, 14)     /* since 2.0: traded in the last 24 hours, in units of size */            \
    F(PREDICTED_FUNDING, 15) /* since 2.0: what funding may be after that which FUNDING is for */ \
    F(NEXT_FUNDING, 16) /* since 2.0: when FUNDING is due, unix ns */

#define FH_COUNTER_NAMES(F)                                                                    \
    F(FRAMES, 0) F(BYTES, 1) F(LEVELS, 2) F(MESSAGES, 3) F(CONTROL, 4) F(MALFORMED, 5)         \
    F(UNKNOWN, 6) F(GAPS, 7) F(CHECKSUM_BAD, 8) F(CHECKSUM_OK, 9) F(CROSSED, 10)               \
    F(PRECISION, 11) F(DUPLICATES, 12) F(RESYNCS, 13) F(SNAPSHOTS, 14) F(BUFFERED, 15)         \
    F(BUFFER_DROPPED, 16) F(TRADES, 17) F(CONNECTS, 18) F(DISCONNECTS, 19) F(RESUBSCRIBES, 20) \
    F(REST_REQUESTS, 21) F(REST_ERRORS, 22) F(STALE_SNAPSHOTS, 23) F(WAKES, 24) F(REJECTED, 25) \
    F(AUDITS, 26) F(AUDIT_BAD, 27)                                                             \
    F(SPLITS, 28)   /* since 2.0: connections that were split, since they could not keep up */  \
    F(BEHIND, 29)   /* since 2.0: how often splitting was no help, or was not to be had */

#define FH_HISTOGRAM_NAMES(F)                                                                  \
    F(RECEIVE_PUBLISH, 0) F(EXCHANGE_RECEIVE, 1) F(RTT, 2)

#define FH_INSTRUMENT_KINDS(F)                                                                 \
    F(UNKNOWN, 0) F(SPOT, 1) F(PERPETUAL, 2) F(FUTURE, 3) F(OPTION, 4) F(COMBO, 5)
#define FH_CONTRACT_TYPES(F) /* what a size of 1 is, times the contract size */                \
    F(NONE, 0)    /* base currency: a pair */                                                   \
    F(LINEAR, 1)  /* base currency */                                                           \
    F(INVERSE, 2) /* quote currency; of options base currency. It settles in base currency */   \
    F(QUANTO, 3)  /* currency of settlement for each unit of the price */
#define FH_OPTION_TYPES(F) F(NONE, 0) F(CALL, 1) F(PUT, 2)
#define FH_QUOTE_SOURCES(F) /* since 2.0: what a quote cell's bid and ask are of */              \
    F(NONE, 0)  /* there are none yet */                                                        \
    F(BOOK, 1)  /* the best levels of the book */                                               \
    F(QUOTE, 2) /* a channel of best bids and offers, ahead of the book or without one */
#define FH_INSTRUMENT_STATUSES(F) /* what the venue does with orders; only ACTIVE is open */   \
    F(ACTIVE, 0)      /* it trades */                                                           \
    F(EXPIRED, 1)     /* it is over: expired, delivered, delisted */                            \
    F(HALTED, 2)      /* trading is suspended */                                                \
    F(UNKNOWN, 3)     /* since 2.0: the venue uses a word that this writer does not know */     \
    F(PRE_OPEN, 4)    /* since 2.0: listed, trading has not begun */                            \
    F(AUCTION, 5)     /* since 2.0: orders are gathered, not matched one by one */              \
    F(POST_ONLY, 6)   /* since 2.0: orders that would match at once are refused */              \
    F(CANCEL_ONLY, 7) /* since 2.0: orders may be cancelled, none placed */                     \
    F(SETTLING, 8)    /* since 2.0: settlement or delivery is under way */
#define FH_CHANGES(F) /* since 2.0: what another definition has changed */                     \
    F(STATUS, 1) F(TICK, 2) F(LOT, 4) F(CONTRACT_SIZE, 8) F(EXPIRY, 16)                        \
    F(IDENTITY, 32)   /* kind, names, currencies, strike: another instrument under the same name */
#define FH_FLAGS(F)                                                                            \
    F(FIRST, 1)    /* first record of a venue message */                                        \
    F(LAST, 2)     /* last one: the message is whole */                                         \
    F(SNAPSHOT, 4) /* part of a full book */                                                    \
    F(REPLAY, 8)   /* from a capture, or from a buffer: older than its place */                 \
    F(MORE, 16)    /* the message was longer than a quarter of the ring: its next part follows */

#define FH_ENUM_KIND(n, v) FH_KIND_##n = v,
#define FH_ENUM_STATE(n, v) FH_STATE_##n = v,
#define FH_ENUM_REASON(n, v) FH_REASON_##n = v,
#define FH_ENUM_STAT(n, v) FH_STAT_##n = v,
#define FH_ENUM_COUNTER(n, v) FH_COUNTER_##n = v,
#define FH_ENUM_HISTOGRAM(n, v) FH_HISTOGRAM_##n = v,
#define FH_ENUM_INSTRUMENT(n, v) FH_INSTRUMENT_##n = v,
#define FH_ENUM_CONTRACT(n, v) FH_CONTRACT_##n = v,
#define FH_ENUM_OPTION(n, v) FH_OPTION_##n = v,
#define FH_ENUM_STATUS(n, v) FH_STATUS_##n = v,
#define FH_ENUM_SOURCE(n, v) FH_SOURCE_##n = v,
#define FH_ENUM_CHANGE(n, v) FH_CHANGE_##n = v,
#define FH_ENUM_FLAG(n, v) FH_FLAG_##n = v,
enum fh_kind { FH_KINDS(FH_ENUM_KIND) FH_KIND_END };
enum fh_state { FH_STATES(FH_ENUM_STATE) FH_STATE_END };
enum fh_reason { FH_REASONS(FH_ENUM_REASON) FH_REASON_END };
enum fh_stat { FH_STATS(FH_ENUM_STAT) FH_STAT_END };
enum fh_counter { FH_COUNTER_NAMES(FH_ENUM_COUNTER) FH_COUNTER_END };
enum fh_histogram { FH_HISTOGRAM_NAMES(FH_ENUM_HISTOGRAM) FH_HISTOGRAM_END };
enum fh_instrument_kind { FH_INSTRUMENT_KINDS(FH_ENUM_INSTRUMENT) FH_INSTRUMENT_END };
enum fh_contract_type { FH_CONTRACT_TYPES(FH_ENUM_CONTRACT) FH_CONTRACT_END };
enum fh_option_type { FH_OPTION_TYPES(FH_ENUM_OPTION) FH_OPTION_END };
enum fh_status { FH_INSTRUMENT_STATUSES(FH_ENUM_STATUS) FH_STATUS_END };
enum fh_source { FH_QUOTE_SOURCES(FH_ENUM_SOURCE) FH_SOURCE_END };
enum fh_change { FH_CHANGES(FH_ENUM_CHANGE) FH_CHANGE_END };
enum fh_flag { FH_FLAGS(FH_ENUM_FLAG) FH_FLAG_END };
enum fh_side { FH_BID = 0, FH_ASK = 1, FH_BUY = 0, FH_SELL = 1 };

/* ---------------------------------------------------------------- layout ------------------- */

/* F(type, name, offset). Gaps are named: reserved bytes are zero until a minor version names them. */

#define FH_SLOT_FIELDS(F) /* the ring: one record a slot, 64 bytes */                          \
    F(u64, stamp, 0)            /* 2n when record n is whole */                                 \
    F(u32, instrument, 8)       /* row in the directory, or FH_NO_INSTRUMENT */                 \
    F(u8, kind, 12)             /* FH_KIND_* */                                                 \
    F(u8, flags, 13)            /* FH_FLAG_* */                                                 \
    F(u8, side, 14)             /* FH_BID, FH_ASK; of a trade the taker's: FH_BUY, FH_SELL */   \
    F(u8, precision, 15)        /* which pair of the directory entry's exponents */             \
    F(i64, exchange_ns, 16)     /* when it was so at the venue, by its clock; 0 = it says none */   \
    F(i64, receive_ns, 24)      /* unix time by ours */                                         \
    F(u64, venue_sequence, 32)  /* the venue's number: update id, trade id */                   \
    F(i64, price, 40)           /* scaled by the exponents */                                   \
    F(i64, size, 48)                                                                           \
    F(u32, publish_delta_ns, 56) /* publish - receive, saturating */                            \
    F(u32, aux, 60)             /* by kind; of LEVEL to QUOTE since 2.0 an i32: microseconds from       \
                                   exchange_ns to when the venue sent it, saturating; 0 = it says no other time */

#define FH_QUOTE_FIELDS(F) /* one copy of a quote cell, 320 bytes */                           \
    F(u64, stamp, 0)                                                                           \
    F(u64, ring_sequence, 8)    /* the last record that this cell reflects */                   \
    F(u64, venue_sequence, 16)                                                                 \
    F(i64, exchange_ns, 24)     /* of the last change of bid or ask */                          \
    F(i64, receive_ns, 32)                                                                     \
    F(i64, publish_ns, 40)                                                                     \
    F(u8, state, 48) F(u8, reason, 49) F(i8, price_exponent, 50) F(i8, size_exponent, 51)      \
    F(u8, last_side, 52) F(u8, precision, 53)                                                  \
    F(u8, source, 54)           /* since 2.0: FH_SOURCE_*, what bid and ask are of */             \
    F(u8, status, 55)           /* since 2.0: FH_STATUS_*, what the venue does with orders */   \
    F(i64, bid_price, 56) F(i64, bid_size, 64) F(i64, ask_price, 72) F(i64, ask_size, 80)      \
    F(i64, last_price, 88) F(i64, last_size, 96) F(i64, last_ns, 104) /* the last trade */      \
    F(f64, mark, 112) F(f64, index, 120) F(f64, underlying, 128)       /* NaN = none */         \
    F(f64, bid_iv, 136) F(f64, ask_iv, 144) F(f64, mark_iv, 152)       /* 0.65 is 65 % */       \
    F(f64, delta, 160) F(f64, gamma, 168) F(f64, vega, 176) F(f64, theta, 184) F(f64, rho, 192) \
    F(f64, funding, 200) F(f64, open_interest, 208)                                            \
    F(i64, stats_ns, 216)       /* receive time of the last statistic */                        \
    F(i64, state_ns, 224)       /* since when this state */                                     \
    F(i64, data_ns, 232)        /* receive time of the last message of any channel */           \
    F(i64, sent_ns, 240)        /* since 2.0: when the venue sent it, by its clock; 0 = it says none */ \
    F(u32, definition, 248)     /* since 2.0: of the directory row that this is under; 0 = unsaid */ \
    F(u32, reserved3, 252)                                                                     \
    F(f64, volume, 256)         /* since 2.0: of the last 24 hours, in units of size; NaN = none */ \
    F(f64, predicted_funding, 264) /* since 2.0: of the interval after that of `funding` */     \
    F(i64, next_funding_ns, 272) /* since 2.0: when `funding` is due; 0 = the venue does not say */ \
    F(u64, reserved6, 280)                                                                     \
    F(u64, reserved7, 288) F(u64, reserved8, 296) F(u64, reserved9, 304) F(u64, reserved10, 312)

#define FH_BOOK_FIELDS(F) /* head of a copy of a book cell; depth x {price, size} bids, then asks */ \
    F(u64, stamp, 0)                                                                           \
    F(u64, ring_sequence, 8)                                                                   \
    F(u64, venue_sequence, 16)                                                                 \
    F(i64, exchange_ns, 24)                                                                    \
    F(i64, receive_ns, 32)                                                                     \
    F(i64, publish_ns, 40)                                                                     \
    F(u8, state, 48) F(u8, reason, 49) F(i8, price_exponent, 50) F(i8, size_exponent, 51)      \
    F(u8, precision, 52)                                                                       \
    F(u8, status, 53)           /* since 2.0: FH_STATUS_* */                                    \
    F(u16, reserved2, 54)                                                                      \
    F(u16, bids, 56) F(u16, asks, 58)                        /* levels in use */                \
    F(u32, definition, 60)      /* since 2.0: of the directory row that this is under; 0 = unsaid */ \
    F(i64, state_ns, 64)                                                                       \
    F(u32, bids_total, 72) F(u32, asks_total, 76)            /* levels of the full book */      \
    F(u32, bids_known, 80)      /* since 2.0: levels from the best between which none is missing */ \
    F(u32, asks_known, 84)      /* since 2.0: likewise; FH_KNOWN_WHOLE: the venue has no others */ \
    F(i64, sent_ns, 88)         /* since 2.0: when the venue sent it, by its clock; 0 = it says none */

#define FH_INSTRUMENT_FIELDS(F) /* one copy of a directory row, 448 bytes */                   \
    F(u64, stamp, 0)                                                                           \
    F(u32, id, 8) F(u8, kind, 12) F(u8, option_type, 13) F(u8, contract_type, 14)              \
    F(u8, status, 15)           /* FH_STATUS_* */                                               \
    F(u8, precision, 16)        /* the pair of exponents in force */                            \
    F(u8, has_book, 17)                                                                        \
    F(u8, bands, 18)            /* since 2.0: how many bands of ticks follow; most have none */ \
    F(u8, reserved, 19)                                                                        \
    F(u32, definition, 20)      /* since 2.0: the number of these terms, from 1; 0 = unsaid */  \
    F(i8x8, price_exponents, 24) F(i8x8, size_exponents, 32) /* by precision */                 \
    F(f64, tick, 40)            /* of prices below the first band */                            \
    F(f64, lot, 48)                                                                            \
    F(f64, contract_size, 56)   /* what a size of 1 is: see FH_CONTRACT_TYPES */                \
    F(f64, strike, 64)                                                                         \
    F(i64, expiry_ns, 72)       /* expiry, delivery or announced delisting; 0 = none known */   \
    F(char64, symbol, 80)       /* the venue's name, UTF-8, zero-padded */                      \
    F(char64, name, 144)        /* the normalised name */                                       \
    F(char16, base, 208) F(char16, quote, 224) F(char16, settle, 240)                          \
    F(f64x12, band_from, 256)   /* since 2.0: from this price on, ascending, ... */             \
    F(f64x12, band_tick, 352)   /* since 2.0: ... the tick is this, up to the next band */

#define FH_CONNECTION_FIELDS(F) /* one copy of a row of the connection table, 512 bytes */     \
    F(u64, stamp, 0)                                                                           \
    F(u32, id, 8) F(u8, state, 12) F(u8, reason, 13) F(u16, reserved, 14)                      \
    F(char128, url, 16)                                                                        \
    F(i64, since_ns, 144)       /* of this state */                                             \
    F(i64, connected_ns, 152)   /* of this session; 0 = not connected */                        \
    F(i64, first_ns, 160)       /* of the first attempt */                                      \
    F(u64, connects, 168) F(u64, disconnects, 176) F(u64, transitions, 184)                    \
    F(u64, frames, 192) F(u64, bytes, 200) F(u64, levels, 208)                                 \
    F(i64, last_receive_ns, 216)                                                               \
    F(i64, rtt_ns, 224) F(i64, rtt_p50_ns, 232) F(i64, rtt_p99_ns, 240)                        \
    F(u32, live, 248) F(u32, pending, 252) F(u32, failed, 256) F(u32, queue_bytes, 260)        \
    F(i64, oldest_unread_ns, 264) F(i64, next_rotation_ns, 272) F(i64, uptime_ns, 280)         \
    F(f64, frames_per_second, 288) F(f64, bytes_per_second, 296)                               \
    F(f64, levels_per_second, 304) F(f64, budget, 312)                                         \
    F(char128, detail, 320)     /* why, in words */                                             \
    F(u64, wins, 448)           /* since 2.0: book messages that another connection brought later */ \
    F(i64, lead_p50_ns, 456)    /* since 2.0: by how much, the median; 0 = none yet */          \
    F(i64, behind_ns, 464)      /* since 2.0: how much later than usual is what it brings; 0 = none */ \
    F(u64, slow_frames, 472)    /* since 2.0: of books, trades and quotes, of no known skeleton */ \
    F(u64, reserved6, 480) F(u64, reserved7, 488) F(u64, reserved8, 496) F(u64, reserved9, 504)

#define FH_HEADER_FIELDS(F) /* the data object */                                              \
    F(u64, magic, 0)            /* stored last, with release: all else is filled */             \
    F(u16, version_major, 8) F(u16, version_minor, 10) F(u32, header_bytes, 12)                \
    F(u64, layout_hash, 16) F(u64, total_bytes, 24)                                            \
    F(char16, boot_id, 32)                                                                     \
    F(u64, epoch, 48) F(u64, writer_start_ticks, 56) F(i64, created_ns, 64)                    \
    F(u32, writer_pid, 72) F(u32, book_depth, 76) F(u32, replay, 80) F(u32, reserved, 84)      \
    F(u64, reserved2, 88)                                                                      \
    F(char64, venue, 96) F(char64, space, 160)                                                 \
    F(char32, reserved3, 224)                                                                  \
    F(region, directory, 256) F(region, quotes, 272) F(region, books, 288)                     \
    F(region, connections, 304) F(region, histograms, 320) F(region, ring, 336)                \
    F(char32, reserved4, 352)                                                                  \
    F(u64x12, earlier, 384)     /* since 2.0: the epochs before this one, newest first; 0 = none */ \
    F(char32, reserved5, 480)                                                                  \
    F(u64, published, 512)      /* the last record of the last whole message */                 \
    F(char120, reserved6, 520)                                                                 \
    F(u32, wake, 640)           /* the futex word */                                            \
    F(u32, pace_ns, 644)        /* since 2.0: how quickly batches follow each other; 0 = not known */ \
    F(char120, reserved7, 648)                                                                 \
    F(i64, heartbeat_ns, 768)                                                                  \
    F(u32, state, 776) F(u32, reason, 780) F(i64, state_ns, 784)                               \
    F(u32, superseded, 792)     /* a newer epoch exists, or the writer stopped in order */      \
    F(u32, instruments, 796) F(u32, connection_rows, 800) F(u32, reserved8, 804)               \
    F(i64, last_receive_ns, 808) F(char128, detail, 816) F(char80, reserved9, 944)             \
    F(counters, counters, 1024)                                                                \
    F(u32, mirror, 1536)        /* since 2.0: 0 = a feed's own; else another host's feed, over so many links */ \
    F(u32, reserved10, 1540)                                                                   \
    F(i64, clock_offset_ns, 1544) /* since 2.0: of a mirror: the clock of all times here less this host's */ \
    F(i64, clock_error_ns, 1552)  /* since 2.0: by how much that may be wrong */                 \
    F(u64, reserved11, 1560) F(char32, reserved12, 1568)                                       \
    F(i64, late_ns, 1600)       /* since 2.0: from the source's publication to here, the most of the last second */ \
    F(i64, heard_ns, 1608)      /* since 2.0: when the source was heard last, by this host's clock */ \
    F(u64, lost, 1616)          /* since 2.0: records of this epoch that came once and could not be had here */ \
    F(u64, repaired, 1624)      /* since 2.0: how often something was missing and was had after all */ \
    F(char32, reserved13, 1632)                                                                \
    F(char128, source, 1664)    /* since 2.0: whose: its name, and its namespace */            \
    F(char128, link, 1792)      /* since 2.0: over which link */

#define FH_CONTROL_FIELDS(F) /* the control object */                                          \
    F(u64, magic, 0)                                                                           \
    F(u16, version_major, 8) F(u16, version_minor, 10) F(u32, header_bytes, 12)                \
    F(u64, layout_hash, 16) F(u64, total_bytes, 24)                                            \
    F(char16, boot_id, 32) F(char16, reserved, 48)                                             \
    F(char64, venue, 64) F(char64, space, 128) F(char64, reserved2, 192)                       \
    F(char256, reserved3, 256)                                                                 \
    F(u64, epoch, 512)          /* the newest data object; 0 = none */                          \
    F(u32, writer_pid, 520) F(u32, reserved4, 524) F(u64, writer_start_ticks, 528)             \
    F(u64x12, earlier, 536)     /* since 2.0: the epochs before that one, newest first; 0 = none */ \
    F(u64, reserved5, 632)

#define FH_READERS_FIELDS(F) /* the readers' object; FH_READERS rows from FH_READERS_ROWS on */ \
    F(u64, magic, 0) F(char120, reserved, 8)                                                   \
    F(u32, sleepers, 128)       /* a reader sleeps, or did: the only word readers share */      \
    F(u32, reserved2, 132) F(char120, reserved3, 136)

#define FH_READER_FIELDS(F) /* a row of the readers' registry, 128 bytes */                    \
    F(u32, pid, 0)              /* 0 = free; claimed by compare-and-swap */                     \
    F(u32, reserved, 4) F(u64, start_ticks, 8) F(u64, epoch, 16) F(u64, cursor, 24)            \
    F(u64, lost, 32) F(u64, overruns, 40) F(i64, updated_ns, 48) F(char64, name, 56)           \
    F(u64, reserved2, 120)

typedef struct fh_region { uint64_t offset; uint32_t stride; uint32_t count; } fh_region;

#define FH_MEMBER_u64(n) uint64_t n;
#define FH_MEMBER_i64(n) int64_t n;
#define FH_MEMBER_u32(n) uint32_t n;
#define FH_MEMBER_u16(n) uint16_t n;
#define FH_MEMBER_u8(n) uint8_t n;
#define FH_MEMBER_i8(n) int8_t n;
#define FH_MEMBER_f64(n) double n;
#define FH_MEMBER_i8x8(n) int8_t n[8];
#define FH_MEMBER_f64x12(n) double n[12];
#define FH_MEMBER_u64x12(n) uint64_t n[12];
#define FH_MEMBER_char16(n) char n[16];
#define FH_MEMBER_char32(n) char n[32];
#define FH_MEMBER_char64(n) char n[64];
#define FH_MEMBER_char80(n) char n[80];
#define FH_MEMBER_char120(n) char n[120];
#define FH_MEMBER_char128(n) char n[128];
#define FH_MEMBER_char256(n) char n[256];
#define FH_MEMBER_region(n) fh_region n;
#define FH_MEMBER_counters(n) uint64_t n[FH_COUNTERS];
#define FH_MEMBER(type, name, offset) FH_MEMBER_##type(name)

typedef struct fh_slot { FH_SLOT_FIELDS(FH_MEMBER) } fh_slot;
typedef struct fh_quote { FH_QUOTE_FIELDS(FH_MEMBER) } fh_quote;
typedef struct fh_book_head { FH_BOOK_FIELDS(FH_MEMBER) } fh_book_head;
typedef struct fh_instrument { FH_INSTRUMENT_FIELDS(FH_MEMBER) } fh_instrument;
typedef struct fh_connection { FH_CONNECTION_FIELDS(FH_MEMBER) } fh_connection;
typedef struct fh_header { FH_HEADER_FIELDS(FH_MEMBER) } fh_header;
typedef struct fh_control { FH_CONTROL_FIELDS(FH_MEMBER) } fh_control;
typedef struct fh_readers { FH_READERS_FIELDS(FH_MEMBER) } fh_readers;
typedef struct fh_reader_row { FH_READER_FIELDS(FH_MEMBER) } fh_reader_row;

#define FH_CHECK(structure, name, offset) \
    FH_STATIC_ASSERT(offsetof(structure, name) == offset, #structure "." #name " moved");
#define FH_CHECK_SLOT(t, n, o) FH_CHECK(fh_slot, n, o)
#define FH_CHECK_QUOTE(t, n, o) FH_CHECK(fh_quote, n, o)
#define FH_CHECK_BOOK(t, n, o) FH_CHECK(fh_book_head, n, o)
#define FH_CHECK_INSTRUMENT(t, n, o) FH_CHECK(fh_instrument, n, o)
#define FH_CHECK_CONNECTION(t, n, o) FH_CHECK(fh_connection, n, o)
#define FH_CHECK_HEADER(t, n, o) FH_CHECK(fh_header, n, o)
#define FH_CHECK_CONTROL(t, n, o) FH_CHECK(fh_control, n, o)
#define FH_CHECK_READERS(t, n, o) FH_CHECK(fh_readers, n, o)
#define FH_CHECK_READER(t, n, o) FH_CHECK(fh_reader_row, n, o)
FH_SLOT_FIELDS(FH_CHECK_SLOT)
FH_QUOTE_FIELDS(FH_CHECK_QUOTE)
FH_BOOK_FIELDS(FH_CHECK_BOOK)
FH_INSTRUMENT_FIELDS(FH_CHECK_INSTRUMENT)
FH_CONNECTION_FIELDS(FH_CHECK_CONNECTION)
FH_HEADER_FIELDS(FH_CHECK_HEADER)
FH_CONTROL_FIELDS(FH_CHECK_CONTROL)
FH_READERS_FIELDS(FH_CHECK_READERS)
FH_READER_FIELDS(FH_CHECK_READER)
FH_STATIC_ASSERT(sizeof(fh_slot) == 64, "slot");
FH_STATIC_ASSERT(sizeof(fh_quote) == 320, "quote");
/* The words of a quote that have a meaning: those behind them are reserved, and nobody need read them. */
#define FH_QUOTE_WORDS (offsetof(fh_quote, next_funding_ns) / 8 + 1)
FH_STATIC_ASSERT(sizeof(fh_book_head) == 96, "book head");
FH_STATIC_ASSERT(sizeof(fh_instrument) == 448, "instrument");
FH_STATIC_ASSERT(sizeof(fh_connection) == 512, "connection");
FH_STATIC_ASSERT(sizeof(fh_header) <= FH_HEADER_BYTES, "header");
FH_STATIC_ASSERT(sizeof(fh_control) <= 1024, "control");
FH_STATIC_ASSERT(sizeof(fh_readers) <= FH_READERS_ROWS, "readers");
FH_STATIC_ASSERT(sizeof(fh_reader_row) == 128, "reader row");
FH_STATIC_ASSERT(FH_READERS_ROWS + FH_READERS * 128 == FH_READERS_BYTES, "registry");
FH_STATIC_ASSERT(FH_COUNTER_END <= FH_COUNTERS + 1, "counters");

/* The layout as text, for the hash, the golden test and readers in other languages. */
#define FH_TEXT(type, name, offset) #name ":" #type "@" #offset ";"
#define FH_LAYOUT_SLOT FH_SLOT_FIELDS(FH_TEXT)
#define FH_LAYOUT_QUOTE FH_QUOTE_FIELDS(FH_TEXT)
#define FH_LAYOUT_BOOK FH_BOOK_FIELDS(FH_TEXT)
#define FH_LAYOUT_INSTRUMENT FH_INSTRUMENT_FIELDS(FH_TEXT)
#define FH_LAYOUT_CONNECTION FH_CONNECTION_FIELDS(FH_TEXT)
#define FH_LAYOUT_HEADER FH_HEADER_FIELDS(FH_TEXT)
#define FH_LAYOUT_CONTROL FH_CONTROL_FIELDS(FH_TEXT)
#define FH_LAYOUT_READERS FH_READERS_FIELDS(FH_TEXT)
#define FH_LAYOUT_READER FH_READER_FIELDS(FH_TEXT)
#define FH_LAYOUT                                                                              \
    "slot{" FH_LAYOUT_SLOT "}quote{" FH_LAYOUT_QUOTE "}book{" FH_LAYOUT_BOOK "}instrument{"    \
    FH_LAYOUT_INSTRUMENT "}connection{" FH_LAYOUT_CONNECTION "}header{" FH_LAYOUT_HEADER       \
    "}control{" FH_LAYOUT_CONTROL "}readers{" FH_LAYOUT_READERS "}reader{" FH_LAYOUT_READER "}"

/* FNV-1a, 64 bits, of FH_LAYOUT. */
static inline uint64_t fh_layout_hash(void) {
    uint64_t hash = 0xcbf29ce484222325ull;
    const char *text = FH_LAYOUT;
    for (; *text; text++) hash = (hash ^ (uint8_t)*text) * 0x100000001b3ull;
    return hash;
}

/* Cells: a head word (how often it was stored) alone on its line, then the two copies. */
#define FH_CELL_HEAD 64
static inline uint32_t fh_cell_stride(uint32_t copy_bytes) {
    return (FH_CELL_HEAD + 2 * copy_bytes + 127u) & ~127u;
}
static inline uint32_t fh_book_copy_bytes(uint32_t depth) {
    return (uint32_t)sizeof(fh_book_head) + depth * 32u;
}

/* ---------------------------------------------------------------- atomics ------------------ */

/* The only words for shared memory; the compiler builtins are the same in C and in C++. Tests name a
 * header of theirs in FH_KILL_POINTS, in which each of the seven is a point to be killed or stopped at. */
#ifdef FH_KILL_POINTS
#include FH_KILL_POINTS
#else
#define FH_LOAD(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define FH_LOAD_ACQUIRE(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define FH_STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define FH_STORE_RELEASE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define FH_SWAP(p, seen, v) /* `*seen` is stored over with what is there if that is another */        \
    __atomic_compare_exchange_n((p), (seen), (v), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
#define FH_FUTEX(word, operation, value, timeout, bits) \
    syscall(SYS_futex, (word), (operation), (value), (timeout), NULL, (bits))
#define FH_NAP(time) clock_nanosleep(CLOCK_MONOTONIC, 0, (time), NULL)
#define FH_BARE_WORDS /* no point at each of them: they may be moved by two */
#endif
#define FH_FENCE_ACQUIRE() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define FH_FENCE_RELEASE() __atomic_thread_fence(__ATOMIC_RELEASE)
#define FH_FENCE_FULL() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define FH_FENCE_COMPILER() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define FH_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define FH_LIKELY(x) __builtin_expect(!!(x), 1)
#define FH_INLINE inline __attribute__((always_inline))

typedef uint64_t __attribute__((may_alias)) fh_word; /* structs are moved word by word */

/* Two words at once, for what lies between stamps: in which order they get there, and whether together,
 * says nothing. They stay between the fences like any other store or load; x86-64 keeps the order of
 * vector stores and loads too. */
#if defined(__SSE2__) && defined(FH_BARE_WORDS)
typedef uint64_t __attribute__((vector_size(16), aligned(8), may_alias)) fh_two;
#define FH_STORE_TWO(p, from) ((void)(*(volatile fh_two *)(p) = *(const fh_two *)(from)))
#define FH_LOAD_TWO(p, to) ((void)(*(fh_two *)(to) = *(const volatile fh_two *)(p)))
#else
#define FH_STORE_TWO(p, from) (FH_STORE(p, (from)[0]), FH_STORE((p) + 1, (from)[1]))
#define FH_LOAD_TWO(p, to) ((to)[0] = FH_LOAD(p), (to)[1] = FH_LOAD((p) + 1))
#endif

static inline int64_t fh_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static FH_INLINE void fh_words_in(fh_word *shared, const fh_word *from, size_t words) {
    size_t i = 0;
    for (; i + 2 <= words; i += 2) FH_STORE_TWO(shared + i, from + i);
    if (i < words) FH_STORE(shared + i, from[i]);
}
static FH_INLINE void fh_words_out(const fh_word *shared, fh_word *to, size_t words) {
    size_t i = 0;
    for (; i + 2 <= words; i += 2) FH_LOAD_TWO(shared + i, to + i);
    if (i < words) to[i] = FH_LOAD(shared + i);
}

/* ---------------------------------------------------------------- latched cells ------------ */

/* Writer. Returns the copy to fill; its words are those of TWO stores ago. */
static inline fh_word *fh_latch_begin(fh_word *cell, size_t copy_bytes) {
    FH_FENCE_COMPILER(); /* the last flip stays before this stamp, also for who is killed between */
    uint64_t n = FH_LOAD(cell) + 1;
    fh_word *copy = cell + FH_CELL_HEAD / 8 + (n & 1) * (copy_bytes / 8);
    FH_STORE(copy, 2 * n - 1);
    FH_FENCE_RELEASE();
    return copy;
}
static inline void fh_latch_end(fh_word *cell, size_t copy_bytes) {
    uint64_t n = FH_LOAD(cell) + 1;
    fh_word *copy = cell + FH_CELL_HEAD / 8 + (n & 1) * (copy_bytes / 8);
    FH_STORE_RELEASE(copy, 2 * n);
    FH_STORE_RELEASE(cell, n);
}

#define FH_READ_RETRIES 1000000
enum fh_read { FH_READ_OK = 0, FH_READ_EMPTY = 1, FH_READ_BUSY = 2, FH_READ_LAPPED = 3 };

/* Reader. Copies the current copy, stamp included: `words` of it, from its start. EMPTY: never
 * stored. BUSY: the writer overtook every one of FH_READ_RETRIES tries, or the memory is damaged. */
static inline int fh_latch_read(const fh_word *cell, size_t copy_bytes, fh_word *out, size_t words) {
    for (int tries = 0; tries < FH_READ_RETRIES; tries++) {
        uint64_t n = FH_LOAD_ACQUIRE(cell);
        if (2 * n == 0) return n == 0 ? FH_READ_EMPTY : FH_READ_BUSY; /* no copy's stamp is 0 */
        const fh_word *copy = cell + FH_CELL_HEAD / 8 + (n & 1) * (copy_bytes / 8);
        uint64_t stamp = FH_LOAD_ACQUIRE(copy);
        if (stamp != 2 * n) continue; /* overtaken: two stores since the head was read */
        fh_words_out(copy + 1, out + 1, words - 1);
        FH_FENCE_ACQUIRE();
        if (FH_LOAD(copy) == stamp) {
            out[0] = stamp;
            return FH_READ_OK;
        }
    }
    return FH_READ_BUSY;
}

/* ---------------------------------------------------------------- writer ------------------- */

/* A writer's private handle on one data object. One thread of one process owns it. */
typedef struct fh_writer {
    unsigned char *base;
    fh_header *header;
    fh_control *control;
    uint32_t *sleepers; /* of the readers' object */
    fh_slot *ring;
    uint64_t mask;
    uint64_t next;  /* the sequence of the next record, >= 1 */
    uint64_t first; /* of the open message */
    uint64_t limit; /* records of one message before it is split */
    uint64_t *counters;
    unsigned char *quotes, *books, *histograms;
    uint32_t quote_stride, book_stride, histogram_stride, depth, instruments;
    uint32_t book_bytes;
    /* the open message: the words all its records share, and the record not yet written */
    uint64_t head;
    int64_t exchange_ns, receive_ns;
    uint64_t venue_sequence;
    uint64_t delta; /* publish - receive; in its upper half the `aux` of records that say nothing else there */
    int64_t publish_ns;
    int64_t woke_ns; /* when readers were woken last, if somebody slept */
    int64_t batch_ns; /* when the batch before was published */
    int32_t pace_ns;
    int woke;
    int held;
    uint64_t held_kind_side;
    int64_t held_price, held_size;
    uint64_t held_aux;
} fh_writer;

/* Take hold of a filled header (regions in place, checked by who created it). */
static inline void fh_writer_open(fh_writer *w, void *data, void *control, void *readers) {
    memset(w, 0, sizeof *w);
    w->base = (unsigned char *)data;
    w->header = (fh_header *)data;
    w->control = (fh_control *)control;
    w->sleepers = &((fh_readers *)readers)->sleepers;
    w->ring = (fh_slot *)(w->base + w->header->ring.offset);
    w->mask = w->header->ring.count - 1;
    w->next = 1;
    w->limit = w->header->ring.count / 4;
    w->counters = w->header->counters;
    w->quotes = w->base + w->header->quotes.offset;
    w->books = w->base + w->header->books.offset;
    w->histograms = w->base + w->header->histograms.offset;
    w->quote_stride = w->header->quotes.stride;
    w->book_stride = w->header->books.stride;
    w->histogram_stride = w->header->histograms.stride;
    w->depth = w->header->book_depth;
    w->book_bytes = fh_book_copy_bytes(w->depth);
    w->instruments = w->header->directory.count;
    w->pace_ns = FH_PACE_MOST_NS;
}

/* Record n into its slot. `head`: instrument, kind, flags, side and precision; `tail`: publish delta, aux. */
static FH_INLINE void fh_slot_write(fh_slot *ring, uint64_t mask, uint64_t n, uint64_t head,
                                    int64_t exchange_ns, int64_t receive_ns, uint64_t venue_sequence,
                                    int64_t price, int64_t size, uint64_t tail) {
    fh_word *slot = (fh_word *)&ring[n & mask];
    FH_STORE(slot, 2 * n - 1);
    FH_FENCE_RELEASE();
    FH_STORE(slot + 1, head);
    FH_STORE(slot + 2, (uint64_t)exchange_ns);
    FH_STORE(slot + 3, (uint64_t)receive_ns);
    FH_STORE(slot + 4, venue_sequence);
    FH_STORE(slot + 5, (uint64_t)price);
    FH_STORE(slot + 6, (uint64_t)size);
    FH_STORE(slot + 7, tail);
    FH_STORE_RELEASE(slot, 2 * n);
}

/* Record n is not to be had: its place looks as if the record of the next round were being written there. */
static inline void fh_slot_lose(fh_slot *ring, uint64_t mask, uint64_t n) {
    FH_STORE((fh_word *)&ring[n & mask], 2 * (n + mask + 1) - 1);
}

/* The record that was held back. */
static FH_INLINE void fh_held_write(fh_writer *w, uint64_t flags) {
    uint64_t n = w->next++;
    flags |= n == w->first ? FH_FLAG_FIRST : 0;
    fh_slot_write(w->ring, w->mask, n, w->head | w->held_kind_side | flags << 40, w->exchange_ns,
                  w->receive_ns, w->venue_sequence, w->held_price, w->held_size,
                  w->delta | w->held_aux << 32);
}

/* Everything before this becomes visible, in whole messages. Call it after the cells that reflect
 * the messages are stored: a reader that notes `published` and then reads a cell must find at
 * least that much in it. */
static inline void fh_publish(fh_writer *w) {
    FH_STORE_RELEASE(&w->header->published, w->next - 1);
}

static inline uint64_t fh_publish_delta(int64_t publish_ns, int64_t receive_ns) {
    int64_t delta = publish_ns - receive_ns;
    return delta < 0 ? 0 : delta > (int64_t)UINT32_MAX ? UINT32_MAX : (uint64_t)delta;
}

/* A venue message: begin, add (one record each), end. `flags`: SNAPSHOT, REPLAY. */
static inline void fh_message_begin_at(fh_writer *w, uint32_t instrument, uint8_t precision,
                                       uint8_t flags, int64_t exchange_ns, int64_t receive_ns,
                                       uint64_t venue_sequence, int64_t publish_ns) {
    w->publish_ns = publish_ns;
    w->delta = fh_publish_delta(publish_ns, receive_ns);
    w->head = (uint64_t)instrument | (uint64_t)flags << 40 | (uint64_t)precision << 56;
    w->exchange_ns = exchange_ns;
    w->receive_ns = receive_ns;
    w->venue_sequence = venue_sequence;
    w->first = w->next;
    w->held = 0;
}
static inline void fh_message_begin(fh_writer *w, uint32_t instrument, uint8_t precision,
                                    uint8_t flags, int64_t exchange_ns, int64_t receive_ns,
                                    uint64_t venue_sequence) {
    fh_message_begin_at(w, instrument, precision, flags, exchange_ns, receive_ns, venue_sequence,
                        fh_now_ns());
}
/* From when something was so to when it was sent, in whole microseconds: `aux` of LEVEL to QUOTE. */
static inline uint32_t fh_sent_after(int64_t exchange_ns, int64_t sent_ns) {
    if (exchange_ns == 0 || sent_ns == 0) return 0;
    int64_t us = sent_ns / 1000 - exchange_ns / 1000;
    return (uint32_t)(us > INT32_MAX ? INT32_MAX : us < -INT32_MAX ? -INT32_MAX : us);
}
/* When the venue sent a record's message, to the microsecond; 0: it says no other time than exchange_ns. */
static inline int64_t fh_sent_ns(uint8_t kind, int64_t exchange_ns, uint32_t aux) {
    return kind <= FH_KIND_QUOTE && aux != 0 ? exchange_ns + (int64_t)(int32_t)aux * 1000 : 0;
}
/* The open message, of LEVEL to QUOTE: when the venue sent it; 0: it does not say. */
static inline void fh_message_sent(fh_writer *w, int64_t sent_ns) {
    w->delta = (uint32_t)w->delta | (uint64_t)fh_sent_after(w->exchange_ns, sent_ns) << 32;
}
static FH_INLINE void fh_message_add(fh_writer *w, uint8_t kind, uint8_t side, int64_t price,
                                  int64_t size, uint32_t aux) {
    if (w->held) { /* one record is held back, since only the end knows which one is LAST */
        if (FH_UNLIKELY(w->next - w->first + 1 >= w->limit)) {
            fh_held_write(w, FH_FLAG_LAST | FH_FLAG_MORE);
            fh_publish(w);
            w->first = w->next;
        } else {
            fh_held_write(w, 0);
        }
    }
    w->held = 1;
    w->held_kind_side = (uint64_t)kind << 32 | (uint64_t)side << 48;
    w->held_price = price;
    w->held_size = size;
    w->held_aux = aux;
}
/* The sequence of the message's last record (of the last record ever, if it had none). */
static inline uint64_t fh_message_end(fh_writer *w) {
    if (w->held) fh_held_write(w, FH_FLAG_LAST);
    w->held = 0;
    return w->next - 1;
}
/* Levels end the open message: `pairs` are price, size, price, size, ..., the first of them of one side, the others
 * of the other one. Those of a message that need not be split are written in one go. */
static inline void fh_message_levels(fh_writer *w, uint8_t side, const int64_t *pairs, size_t first,
                                     size_t count) {
    if (FH_LIKELY(count != 0 && w->next - w->first + count < w->limit)) {
        const uint64_t other = (uint64_t)1 << 48, begins = (uint64_t)FH_FLAG_FIRST << 40;
        if (FH_UNLIKELY(w->held)) fh_held_write(w, 0);
        const fh_writer local = *w; /* the compiler knows that no store into the ring changes it */
        const int64_t *last = pairs + 2 * count - 2, *turn = pairs + 2 * first;
        uint64_t n = local.next, head = local.head | (uint64_t)FH_KIND_LEVEL << 32 | (uint64_t)side << 48;
        head |= n == local.first ? begins : 0;
        for (; pairs != last; pairs += 2, n++, head &= ~begins) {
            head ^= pairs == turn ? other : 0;
            fh_slot_write(local.ring, local.mask, n, head, local.exchange_ns, local.receive_ns,
                          local.venue_sequence, pairs[0], pairs[1], local.delta);
        }
        head ^= pairs == turn ? other : 0;
        fh_slot_write(local.ring, local.mask, n, head | (uint64_t)FH_FLAG_LAST << 40, local.exchange_ns,
                      local.receive_ns, local.venue_sequence, pairs[0], pairs[1], local.delta);
        w->next = n + 1;
    } else {
        for (size_t i = 0; i < count; i++)
            fh_message_add(w, FH_KIND_LEVEL, side ^ (i >= first), pairs[2 * i], pairs[2 * i + 1], 0);
        if (w->held) fh_held_write(w, FH_FLAG_LAST);
    }
    w->held = 0;
}

/* A message of one record, or of two, the second of the other side: begun, written and ended in one go. `pairs`:
 * price, size, and again. */
static FH_INLINE void fh_message_short(fh_writer *w, uint32_t instrument, uint8_t precision, uint8_t flags,
                                       uint8_t kind, uint8_t side, int64_t exchange_ns, int64_t sent_ns,
                                       int64_t receive_ns, int64_t publish_ns, uint64_t venue_sequence,
                                       const int64_t *pairs, int count) {
    fh_slot *ring = w->ring;
    const uint64_t mask = w->mask, begins = (uint64_t)FH_FLAG_FIRST << 40, ends = (uint64_t)FH_FLAG_LAST << 40;
    uint64_t n = w->next, head = (uint64_t)instrument | (uint64_t)kind << 32 | (uint64_t)flags << 40 |
                                 (uint64_t)side << 48 | (uint64_t)precision << 56 | begins;
    uint64_t tail = fh_publish_delta(publish_ns, receive_ns) |
                    (uint64_t)fh_sent_after(exchange_ns, sent_ns) << 32;
    w->publish_ns = publish_ns;
    w->next = n + (uint64_t)count;
    if (count == 2) {
        fh_slot_write(ring, mask, n++, head, exchange_ns, receive_ns, venue_sequence, pairs[0], pairs[1], tail);
        head ^= begins | (uint64_t)1 << 48;
        pairs += 2;
    }
    fh_slot_write(ring, mask, n, head | ends, exchange_ns, receive_ns, venue_sequence, pairs[0], pairs[1], tail);
}

static inline long fh_futex(const uint32_t *word, int operation, uint32_t value,
                            const struct timespec *timeout, uint32_t bits) {
    return FH_FUTEX(word, operation, value, timeout, bits);
}
static inline long fh_futex_wake(const uint32_t *word, uint32_t count, uint32_t bits) {
    return fh_futex(word, FUTEX_WAKE_BITSET, count, NULL, bits);
}
/* Under which a reader sleeps that loaded this word. */
static inline uint32_t fh_wake_bit(uint32_t word) { return (uint32_t)1 << (word & 31); }

/* The last wake-up found somebody, some time ago. Whether he woke the others is not known: he may be dead. */
static inline int fh_wake_is_due(const fh_writer *w) {
    return w->woke && (uint64_t)(w->publish_ns - w->woke_ns) >= FH_WAKE_AGAIN_NS;
}

/* How quickly batches follow each other, for readers that are about to sleep (fh_wait). What is read at once is
 * one batch, and a clock that was set back is a long pause. Without a branch on the time. */
static inline void fh_pace(fh_writer *w) {
    uint64_t since = (uint64_t)(w->publish_ns - w->batch_ns);
    int64_t counts = -(int64_t)(since >= FH_NAP_LEAST_NS); /* all bits, or none */
    int64_t time = since < FH_PACE_MOST_NS ? (int64_t)since : FH_PACE_MOST_NS;
    w->batch_ns += (int64_t)since & counts;
    w->pace_ns += (int32_t)(((time - w->pace_ns) / 4) & counts);
    FH_STORE(&w->header->pace_ns, (uint32_t)w->pace_ns);
}

/* Once per received batch, after fh_publish. The system call is made only if somebody sleeps, and wakes
 * one, who wakes others before it reads (fh_wait): to the writer eight cost as much as one.
 * The flag is cleared before the second bump: a reader whose flag is lost to the clearing read
 * the word before that bump, so that its FUTEX_WAIT returns at once. */
static inline void fh_wake(fh_writer *w) {
    uint32_t *wake = &w->header->wake;
    fh_pace(w);
    FH_STORE(wake, FH_LOAD(wake) + 1);
    FH_FENCE_FULL();
    if (FH_UNLIKELY(FH_LOAD(w->sleepers) != 0 || fh_wake_is_due(w))) {
        FH_STORE(w->sleepers, 0);
        FH_FENCE_FULL();
        FH_STORE(wake, FH_LOAD(wake) + 1);
        w->woke = fh_futex_wake(wake, 1, FUTEX_BITSET_MATCH_ANY) > 0;
        w->woke_ns = w->publish_ns;
        FH_STORE(&w->counters[FH_COUNTER_WAKES], FH_LOAD(&w->counters[FH_COUNTER_WAKES]) + 1);
    }
}

/* What a new writer does to its predecessor's memory, and a writer that stops to its own, after the
 * rest is stored: readers see that nothing follows, and none goes on sleeping. */
static inline void fh_supersede(fh_header *header) {
    FH_STORE_RELEASE(&header->superseded, 1);
    FH_FENCE_FULL();
    FH_STORE(&header->wake, FH_LOAD(&header->wake) + 1);
    fh_futex_wake(&header->wake, INT_MAX, FUTEX_BITSET_MATCH_ANY);
}

static inline void fh_counter_add(fh_writer *w, unsigned counter, uint64_t n) {
    FH_STORE(&w->counters[counter], FH_LOAD(&w->counters[counter]) + n);
}
/* The counter, and the one behind it. */
static inline void fh_counter_add_two(fh_writer *w, unsigned counter, uint64_t n, uint64_t behind) {
    fh_word *at = &w->counters[counter], sum[2] __attribute__((aligned(16)));
    FH_LOAD_TWO(at, sum);
    sum[0] += n, sum[1] += behind;
    FH_STORE_TWO(at, sum);
}

/* Log-linear buckets, 8 a power of two: exact below 16, within 12.5 % above. */
static inline unsigned fh_histogram_bucket(uint64_t value) {
    if (value < 16) return (unsigned)value;
    unsigned top = 63u - (unsigned)__builtin_clzll(value); /* >= 4 */
    return (top - 2) * 8 + (unsigned)((value >> (top - 3)) & 7);
}
/* The smallest value of a bucket. */
static inline uint64_t fh_histogram_floor(unsigned bucket) {
    if (bucket < 16) return bucket;
    unsigned top = bucket / 8 + 2;
    return (uint64_t)(8 + bucket % 8) << (top - 3);
}
static inline void fh_histogram_add(fh_writer *w, unsigned histogram, uint64_t value, uint64_t times) {
    uint64_t *buckets = (uint64_t *)(w->histograms + (uint64_t)histogram * w->histogram_stride);
    uint64_t *bucket = buckets + fh_histogram_bucket(value);
    FH_STORE(bucket, FH_LOAD(bucket) + times);
}

static inline void fh_quote_store(fh_writer *w, uint32_t instrument, const fh_quote *quote) {
    fh_word *cell = (fh_word *)(w->quotes + (uint64_t)instrument * w->quote_stride);
    fh_word *copy = fh_latch_begin(cell, sizeof *quote);
    fh_words_in(copy + 1, (const fh_word *)quote + 1, FH_QUOTE_WORDS - 1);
    fh_latch_end(cell, sizeof *quote);
}

/* Book cell: begin (head), fill the words of bids and asks that changed since two stores ago with
 * FH_STORE, end. */
static inline fh_word *fh_book_begin(fh_writer *w, uint32_t instrument, const fh_book_head *head) {
    fh_word *cell = (fh_word *)(w->books + (uint64_t)instrument * w->book_stride);
    fh_word *copy = fh_latch_begin(cell, w->book_bytes);
    fh_words_in(copy + 1, (const fh_word *)head + 1, sizeof *head / 8 - 1);
    return copy + sizeof *head / 8;
}
static inline fh_word *fh_book_asks(const fh_writer *w, fh_word *bids) {
    return bids + (size_t)w->depth * 2;
}
static inline void fh_book_end(fh_writer *w, uint32_t instrument) {
    fh_latch_end((fh_word *)(w->books + (uint64_t)instrument * w->book_stride), w->book_bytes);
}

/* Directory: append-only rows, latched: a row may be stored again (exponents widened, terms changed). */
static inline void fh_directory_update(fh_writer *w, uint32_t id, const fh_instrument *entry) {
    const fh_region *region = &w->header->directory;
    fh_word *cell = (fh_word *)(w->base + region->offset + (uint64_t)id * region->stride);
    fh_word *copy = fh_latch_begin(cell, sizeof *entry);
    fh_words_in(copy + 1, (const fh_word *)entry + 1, sizeof *entry / 8 - 1);
    fh_latch_end(cell, sizeof *entry);
}
/* Returns the new row, or -1: the directory is full. `entry->id` is filled in. */
static inline int64_t fh_directory_add(fh_writer *w, fh_instrument *entry) {
    uint32_t id = FH_LOAD(&w->header->instruments);
    if (id >= w->instruments) return -1;
    entry->id = id;
    fh_directory_update(w, id, entry);
    FH_STORE_RELEASE(&w->header->instruments, id + 1);
    return id;
}

static inline void fh_connection_store(fh_writer *w, uint32_t row, const fh_connection *c) {
    const fh_region *region = &w->header->connections;
    fh_word *cell = (fh_word *)(w->base + region->offset + (uint64_t)row * region->stride);
    fh_word *copy = fh_latch_begin(cell, sizeof *c);
    fh_words_in(copy + 1, (const fh_word *)c + 1, sizeof *c / 8 - 1);
    fh_latch_end(cell, sizeof *c);
    if (row >= FH_LOAD(&w->header->connection_rows))
        FH_STORE_RELEASE(&w->header->connection_rows, row + 1);
}

/* ---------------------------------------------------------------- reader ------------------- */

/* One record by its sequence. OK: `out` holds it, stamp included. */
static inline int fh_slot_read(const fh_slot *ring, uint64_t mask, uint64_t n, fh_slot *out) {
    const fh_word *slot = (const fh_word *)&ring[n & mask];
    uint64_t stamp = FH_LOAD_ACQUIRE(slot);
    if (stamp != 2 * n)
        return stamp > 2 * n ? FH_READ_LAPPED : stamp == 2 * n - 1 ? FH_READ_BUSY : FH_READ_EMPTY;
    fh_words_out(slot + 1, (fh_word *)out + 1, 7);
    FH_FENCE_ACQUIRE();
    if (FH_LOAD(slot) != stamp) return FH_READ_LAPPED;
    out->stamp = stamp;
    return FH_READ_OK;
}

/* Where a reader may begin to follow the ring after it reads the cells: after the last published
 * record, but not inside a message that was split (MORE), whose cell is stored only at its end.
 * One try: 0 = the writer is inside such a message, or laps this reader; try later. A writer that
 * died there leaves `*at` as it is: nothing follows anyway. */
static inline int fh_join_try(const fh_header *header, const fh_slot *ring, uint64_t mask,
                              uint64_t *at) {
    fh_slot last;
    uint64_t published = FH_LOAD_ACQUIRE(&header->published);
    *at = published;
    if (published == 0) return 1;
    return fh_slot_read(ring, mask, published, &last) == FH_READ_OK && !(last.flags & FH_FLAG_MORE);
}
/* The same, waiting for it boundedly. */
static inline uint64_t fh_join_point(const fh_header *header, const fh_slot *ring, uint64_t mask) {
    uint64_t published = 0;
    for (int tries = 0; tries < FH_READ_RETRIES; tries++)
        if (fh_join_try(header, ring, mask, &published)) break;
    return published;
}

/* mantissa * 10^exponent, correctly rounded while |mantissa| <= 2^53 and |exponent| <= 22, within
 * one unit in the last place beyond. FH_NONE is NaN. */
static inline double fh_value(int64_t mantissa, int exponent) {
    static const double power[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (FH_UNLIKELY(mantissa == FH_NONE)) return __builtin_nan("");
    if (FH_LIKELY((uint64_t)mantissa + (1ull << 53) <= 1ull << 54)) {
        if (FH_LIKELY(0u - (unsigned)exponent <= 22)) return (double)mantissa / power[-exponent];
        if ((unsigned)exponent <= 22) return (double)mantissa * power[exponent];
    }
    long double value = (long double)mantissa, factor = 1;
    unsigned steps = exponent < 0 ? 0u - (unsigned)exponent : (unsigned)exponent;
    if (steps > 400) steps = 400;
    for (; steps; steps--) factor *= 10; /* exact up to 10^27 */
    return (double)(exponent < 0 ? value / factor : value * factor);
}

/* The readers' registry, for people; the writer never reads it. A row is claimed by its pid: `stale`,
 * which is 0 (free), or what the caller found there of a process that is dead. NULL: somebody else was
 * faster. Fill the row, then store the pid with release: until then it is the pid with
 * FH_READER_CLAIMED, so that of one who dies just there the row can be had, too. */
static inline fh_reader_row *fh_reader_claim_row(fh_reader_row *row, uint32_t stale) {
    return FH_SWAP(&row->pid, &stale, FH_READER_CLAIMED | (uint32_t)getpid()) ? row : NULL;
}
static inline fh_reader_row *fh_reader_claim(fh_readers *readers, uint32_t row, uint32_t stale) {
    fh_reader_row *rows = (fh_reader_row *)((unsigned char *)readers + FH_READERS_ROWS);
    return fh_reader_claim_row(rows + row, stale);
}

/* A short sleep by this core's own timer. The kernel may make 50 us more of it, unless it is told not to. */
static inline void fh_nap(int64_t ns) {
    struct timespec time = {0, (long)ns};
    int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    if (slack > 1000) prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    FH_NAP(&time);
    if (slack > 1000) prctl(PR_SET_TIMERSLACK, (unsigned long)slack, 0, 0, 0);
}

/* Whether something after `seen` is there within a few naps, if batches follow each other so quickly that it
 * may well be. The writer knows nothing of it: to wake somebody costs it as much as many frames. */
static inline int fh_doze(const fh_header *header, uint64_t seen, int64_t timeout_ns) {
    int64_t pace = FH_LOAD(&header->pace_ns), nap = pace / 2;
    if (pace == 0 || pace >= FH_NAP_BELOW_NS) return 0;
    if (nap < FH_NAP_LEAST_NS) nap = FH_NAP_LEAST_NS;
    if (FH_NAPS * nap > timeout_ns) return 0;
    for (int i = 0; i < FH_NAPS; i++) {
        if (FH_LOAD_ACQUIRE(&header->published) != seen || FH_LOAD(&header->superseded)) return 1;
        fh_nap(nap);
    }
    return 0;
}

/* Sleep until something after `seen` is published, at most `timeout_ns` (keep it <= 100 ms: a dead
 * writer wakes nobody). `sleepers` is the readers' object's word, or NULL where it cannot be
 * written: then nobody need wake this one before the time-out.
 * Who is woken wakes others in turn, but nobody who has loaded the word as it is now: he has looked at
 * `published` since, and two readers with nothing to read would wake each other for ever. */
static inline void fh_wait(const fh_header *header, uint32_t *sleepers, uint64_t seen,
                           int64_t timeout_ns) {
    if (fh_doze(header, seen, timeout_ns)) return;
    uint32_t word = FH_LOAD_ACQUIRE(&header->wake);
    if (sleepers) {
        FH_STORE(sleepers, 1);
        FH_FENCE_FULL();
    }
    if (FH_LOAD_ACQUIRE(&header->published) != seen || FH_LOAD(&header->superseded)) return;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    timeout_ns += until.tv_nsec;
    until.tv_sec += timeout_ns / 1000000000;
    until.tv_nsec = timeout_ns % 1000000000;
    if (fh_futex(&header->wake, FUTEX_WAIT_BITSET, word, &until, fh_wake_bit(word)) == 0) {
        uint32_t now = FH_LOAD(&header->wake);
        fh_futex_wake(&header->wake, FH_WAKE_NEXT, ~fh_wake_bit(now));
    }
}

#ifdef __cplusplus
}
#endif
#endif
