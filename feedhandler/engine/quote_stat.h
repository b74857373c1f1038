/* Which field of a quote cell holds a statistic. */
#ifndef FEEDHANDLER_ENGINE_QUOTE_STAT_H
#define FEEDHANDLER_ENGINE_QUOTE_STAT_H

#include "feedhandler_shm.h"

/* NULL: a time, or a statistic that this contract does not know. */
static inline double *quote_stat(fh_quote *q, uint32_t field)
{
    switch (field) {
    case FH_STAT_MARK: return &q->mark;
    case FH_STAT_INDEX: return &q->index;
    case FH_STAT_UNDERLYING: return &q->underlying;
    case FH_STAT_BID_IV: return &q->bid_iv;
    case FH_STAT_ASK_IV: return &q->ask_iv;
    case FH_STAT_MARK_IV: return &q->mark_iv;
    case FH_STAT_DELTA: return &q->delta;
    case FH_STAT_GAMMA: return &q->gamma;
    case FH_STAT_VEGA: return &q->vega;
    case FH_STAT_THETA: return &q->theta;
    case FH_STAT_RHO: return &q->rho;
    case FH_STAT_FUNDING: return &q->funding;
    case FH_STAT_OPEN_INTEREST: return &q->open_interest;
    case FH_STAT_VOLUME: return &q->volume;
    case FH_STAT_PREDICTED_FUNDING: return &q->predicted_funding;
    default: return NULL;
    }
}

/* The same of those that are times, in unix ns; 0: there is none. */
static inline int64_t *quote_due(fh_quote *q, uint32_t field)
{
    return field == FH_STAT_NEXT_FUNDING ? &q->next_funding_ns : NULL;
}

/* Nothing is said of any of them. */
static inline void quote_says_nothing(fh_quote *q)
{
    for (uint32_t field = 1; field < FH_STAT_END; field++) {
        double *cell = quote_stat(q, field);
        int64_t *due = quote_due(q, field);
        if (cell)
            *cell = __builtin_nan("");
        if (due)
            *due = 0;
    }
}

#endif
