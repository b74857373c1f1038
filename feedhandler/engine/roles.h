/* What a value of a frame is to us: `feedhandler/shape/frame.py` has the same numbers. */
#ifndef FEEDHANDLER_ENGINE_ROLES_H
#define FEEDHANDLER_ENGINE_ROLES_H

enum role {
    ROLE_SKIP,
    ROLE_WORD,
    ROLE_NEVER,
    ROLE_SYMBOL,
    ROLE_FIRST,
    ROLE_FINAL,
    ROLE_PREVIOUS,
    ROLE_PREVIOUS_SIGNED,
    ROLE_PLACE,
    ROLE_CHECKSUM,
    ROLE_TIME_MS,
    ROLE_SENT_MS,
    ROLE_ID,
    ROLE_ID_OR_PLACE,
    ROLE_ID_TAIL,
    ROLE_PRICE,
    ROLE_SIZE,
    ROLE_TAKER,
    ROLE_BID,
    ROLE_BID_SIZE,
    ROLE_ASK,
    ROLE_ASK_SIZE,
    ROLE_BIDS,
    ROLE_ASKS,
    ROLE_DIGITS,
    ROLE_WINDOW,
    ROLE_CHANNEL,
    ROLE_CONN,
    ROLE_TIME_S,
    ROLE_TIME_US,
    ROLE_TIME_NS,
    ROLE_TIME_ISO,
    ROLE_SENT_S,
    ROLE_SENT_US,
    ROLE_SENT_NS,
    ROLE_SENT_ISO,
    ROLE_AMOUNT,
    ROLE_LEVELS,
    ROLE_SIDE,
    ROLE_VERB,
    ROLE_COUNT,
    ROLE_FORCED,
    ROLE_ID_NAME,
    ROLE_SORT,
    ROLE_STATUS,
    ROLE_INDEX_NAME,
    ROLES
};

/* Those of statistics: FH_STAT_*, as it is written, or in percent; a volume that is not said in units of size:
 * in the base or the quote currency, or of both sides of each trade; a time. */
enum {
    ROLE_STAT = 64,
    ROLE_PERCENT = 96,
    ROLE_VOLUME_BASE = 128,
    ROLE_VOLUME_QUOTE,
    ROLE_VOLUME_BOTH,
    ROLE_NEXT_FUNDING_MS,
    ROLE_NEXT_FUNDING_S,
    ROLE_NEXT_FUNDING_ISO
};

#endif
