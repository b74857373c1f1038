# Rows of many instruments at once: the board, and chains of options.

ctypedef struct BoardRow:
    uint32_t instrument
    uint8_t kind, option, state, reason
    double strike
    int64_t expiry_ns
    double bid, bid_size, ask, ask_size, last, last_size
    double mark, index, underlying, bid_iv, ask_iv, mark_iv
    double delta, gamma, vega, theta, rho, funding, open_interest
    int64_t last_ns, stats_ns, state_ns, data_ns
    int64_t exchange_ns, receive_ns, publish_ns
    uint64_t venue_sequence, ring_sequence

BOARD = np.dtype([
    ("instrument", "<u4"), ("kind", "u1"), ("option", "u1"), ("state", "u1"), ("reason", "u1"),
    ("strike", "<f8"), ("expiry_ns", "<i8"),
    *[(name, "<f8") for name in (
        "bid", "bid_size", "ask", "ask_size", "last", "last_size",
        "mark", "index", "underlying", "bid_iv", "ask_iv", "mark_iv",
        "delta", "gamma", "vega", "theta", "rho", "funding", "open_interest")],
    *[(name, "<i8") for name in (
        "last_ns", "stats_ns", "state_ns", "data_ns", "exchange_ns", "receive_ns", "publish_ns")],
    ("venue_sequence", "<u8"), ("ring_sequence", "<u8"),
])
assert BOARD.itemsize == sizeof(BoardRow)

cdef fh_quote _NO_QUOTE
memset(&_NO_QUOTE, 0, sizeof(_NO_QUOTE))
_NO_QUOTE.bid_price = _NO_QUOTE.ask_price = _NO_QUOTE.last_price = FH_NONE
_NO_QUOTE.mark = _NO_QUOTE.index = _NO_QUOTE.underlying = NAN
_NO_QUOTE.bid_iv = _NO_QUOTE.ask_iv = _NO_QUOTE.mark_iv = NAN
_NO_QUOTE.delta = _NO_QUOTE.gamma = _NO_QUOTE.vega = _NO_QUOTE.theta = _NO_QUOTE.rho = NAN
_NO_QUOTE.funding = _NO_QUOTE.open_interest = NAN


cdef inline void _board_row(BoardRow *row, const fh_quote *q) noexcept nogil:
    row.state = q.state
    row.reason = q.reason
    row.bid = fh_value(q.bid_price, q.price_exponent)
    row.bid_size = NAN if q.bid_price == FH_NONE else fh_value(q.bid_size, q.size_exponent)
    row.ask = fh_value(q.ask_price, q.price_exponent)
    row.ask_size = NAN if q.ask_price == FH_NONE else fh_value(q.ask_size, q.size_exponent)
    row.last = fh_value(q.last_price, q.price_exponent)
    row.last_size = NAN if q.last_price == FH_NONE else fh_value(q.last_size, q.size_exponent)
    row.mark = q.mark
    row.index = q.index
    row.underlying = q.underlying
    row.bid_iv = q.bid_iv
    row.ask_iv = q.ask_iv
    row.mark_iv = q.mark_iv
    row.delta = q.delta
    row.gamma = q.gamma
    row.vega = q.vega
    row.theta = q.theta
    row.rho = q.rho
    row.funding = q.funding
    row.open_interest = q.open_interest
    row.last_ns = q.last_ns
    row.stats_ns = q.stats_ns
    row.state_ns = q.state_ns
    row.data_ns = q.data_ns
    row.exchange_ns = q.exchange_ns
    row.receive_ns = q.receive_ns
    row.publish_ns = q.publish_ns
    row.venue_sequence = q.venue_sequence
    row.ring_sequence = q.ring_sequence
