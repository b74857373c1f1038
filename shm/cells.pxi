# What a strategy gets of an instrument's cells: its quote, its book.

cdef double _nan = float("nan")


cdef double _microprice(double bid, double bid_size, double ask, double ask_size) noexcept:
    """Between bid and ask, nearer to the side with the smaller size: that one gives way first."""
    cdef double sizes = bid_size + ask_size
    return (bid * ask_size + ask * bid_size) / sizes if sizes > 0 else (bid + ask) / 2


cdef class _Cell:
    """What quotes and books have in common."""
    cdef readonly Instrument instrument
    cdef uint8_t state_, reason_, status_
    cdef readonly uint32_t definition
    cdef readonly int64_t exchange_ns, sent_ns, receive_ns, publish_ns, state_ns, age_ns, heartbeat_age_ns
    cdef readonly uint64_t ring_sequence, venue_sequence, epoch
    cdef readonly int price_exponent, size_exponent

    @property
    def state(self):
        return _member(_State, self.state_)

    @property
    def reason(self):
        return _member(_Reason, self.reason_)

    @property
    def live(self):
        return self.state_ == FH_STATE_LIVE and self.heartbeat_age_ns < FH_DEAD_NS

    @property
    def status(self):
        return _member(_Status, self.status_)

    @property
    def tradable(self):
        return self.live and self.status_ == FH_STATUS_ACTIVE


cdef class _QuoteBase(_Cell):
    cdef readonly double mark, index, underlying, bid_iv, ask_iv, mark_iv
    cdef readonly double delta, gamma, vega, theta, rho, funding, open_interest, volume
    cdef readonly double predicted_funding
    cdef readonly int64_t next_funding_ns
    cdef readonly int64_t last_ns, stats_ns, data_ns
    cdef uint8_t last_side_
    cdef bint traded
    cdef uint8_t source_

    @property
    def last_side(self):
        return _member(_TradeSide, self.last_side_) if self.traded else None

    @property
    def source(self):
        return _member(_Source, self.source_)

    cdef void fill(self, const fh_quote *q) noexcept:
        self.state_ = q.state
        self.reason_ = q.reason
        self.status_ = q.status
        self.definition = q.definition
        self.exchange_ns = q.exchange_ns
        self.sent_ns = q.sent_ns
        self.receive_ns = q.receive_ns
        self.publish_ns = q.publish_ns
        self.state_ns = q.state_ns
        self.ring_sequence = q.ring_sequence
        self.venue_sequence = q.venue_sequence
        self.price_exponent = q.price_exponent
        self.size_exponent = q.size_exponent
        self.mark = q.mark
        self.index = q.index
        self.underlying = q.underlying
        self.bid_iv = q.bid_iv
        self.ask_iv = q.ask_iv
        self.mark_iv = q.mark_iv
        self.delta = q.delta
        self.gamma = q.gamma
        self.vega = q.vega
        self.theta = q.theta
        self.rho = q.rho
        self.funding = q.funding
        self.open_interest = q.open_interest
        self.volume = q.volume
        self.predicted_funding = q.predicted_funding
        self.next_funding_ns = q.next_funding_ns
        self.last_ns = q.last_ns
        self.last_side_ = q.last_side
        self.traded = q.last_price != FH_NONE
        self.source_ = q.source
        self.stats_ns = q.stats_ns
        self.data_ns = q.data_ns


cdef class Quote(_QuoteBase):
    cdef readonly double bid, bid_size, ask, ask_size, last, last_size

    @property
    def mid(self):
        return (self.bid + self.ask) / 2

    @property
    def spread(self):
        return self.ask - self.bid

    @property
    def microprice(self):
        return _microprice(self.bid, self.bid_size, self.ask, self.ask_size)

    def __repr__(self):
        return (f"<Quote {self.instrument.symbol} {self.bid} x {self.bid_size} | {self.ask} x "
                f"{self.ask_size} {self.state!r} {self.reason!r} age={self.age_ns / 1e6:.1f} ms>")


cdef class RawQuote(_QuoteBase):
    cdef int64_t prices[6]

    @property
    def bid(self):
        return None if self.prices[0] == FH_NONE else self.prices[0]

    @property
    def bid_size(self):
        return None if self.prices[0] == FH_NONE else self.prices[1]

    @property
    def ask(self):
        return None if self.prices[2] == FH_NONE else self.prices[2]

    @property
    def ask_size(self):
        return None if self.prices[2] == FH_NONE else self.prices[3]

    @property
    def last(self):
        return None if self.prices[4] == FH_NONE else self.prices[4]

    @property
    def last_size(self):
        return None if self.prices[4] == FH_NONE else self.prices[5]

    def __repr__(self):
        return (f"<RawQuote {self.instrument.symbol} {self.bid} x {self.bid_size} | {self.ask} x "
                f"{self.ask_size} e{self.price_exponent}/e{self.size_exponent} {self.state!r}>")


cdef class Book(_Cell):
    cdef readonly object bids, asks
    cdef readonly uint32_t bids_total, asks_total
    cdef uint32_t known[2]

    @property
    def bids_known(self):
        return None if self.known[0] == FH_KNOWN_WHOLE else self.known[0]

    @property
    def asks_known(self):
        return None if self.known[1] == FH_KNOWN_WHOLE else self.known[1]

    @property
    def sequence(self):
        return self.venue_sequence

    @property
    def mid(self):
        return float(self.bids[0, 0] + self.asks[0, 0]) / 2 if self._two_sided() else _nan

    @property
    def spread(self):
        return float(self.asks[0, 0] - self.bids[0, 0]) if self._two_sided() else _nan

    @property
    def microprice(self):
        if not self._two_sided():
            return _nan
        return _microprice(self.bids[0, 0], self.bids[0, 1], self.asks[0, 0], self.asks[0, 1])

    cdef bint _two_sided(self):
        return len(self.bids) > 0 and len(self.asks) > 0

    def __repr__(self):
        return (f"<{type(self).__name__} {self.instrument.symbol} {len(self.bids)} bids, "
                f"{len(self.asks)} asks, {self.state!r} {self.reason!r}>")


cdef class RawBook(Book):
    pass
