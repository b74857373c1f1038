# An instrument: its directory row as Python has it.

cdef class Instrument:
    cdef readonly uint32_t id, definition
    cdef readonly uint64_t epoch
    cdef uint64_t head
    cdef readonly str venue, symbol, name, base, quote, settle
    cdef readonly object kind, option, contract_type, status
    cdef readonly bint has_book
    cdef readonly int precision, price_exponent, size_exponent
    cdef readonly tuple price_exponents, size_exponents, tick_bands
    cdef readonly double tick, lot, contract_size, strike
    cdef readonly int64_t expiry_ns

    def tick_at(self, double price):
        cdef double tick = self.tick
        for begin, step in self.tick_bands:
            if price < begin:
                break
            tick = step
        return tick

    @property
    def expiry(self):
        if not self.expiry_ns:
            return None
        return _datetime.fromtimestamp(self.expiry_ns // 1000000000, _utc)

    def days_to_expiry(self, now_ns=None):
        cdef int64_t now = fh_now_ns() if now_ns is None else now_ns
        return (self.expiry_ns - now) / 86400e9 if self.expiry_ns else _nan

    def to_coins(self, size, price=None):
        return _contracts().coins(self, size, price)

    def to_contracts(self, coins, price=None):
        return _contracts().contracts(self, coins, price)

    def notional(self, size, price, currency="settle"):
        return _contracts().notional(self, size, price, currency)

    def round_price(self, price, side=None):
        return _steps().price_on(self, price, side)

    def round_size(self, size):
        return _steps().size_on(self, size)

    def __eq__(self, other):
        if not isinstance(other, Instrument):
            return NotImplemented
        return (self.symbol == (<Instrument>other).symbol
                and self.venue == (<Instrument>other).venue)

    def __hash__(self):
        return hash((self.venue, self.symbol))

    def __repr__(self):
        return f"<Instrument {self.venue} {self.symbol} ({self.name}) id={self.id}>"


def _contracts():
    """What a quantity is in coins and money: Python, and imported when it is first asked for."""
    from shm import contracts

    return contracts


def _steps():
    from shm import steps

    return steps


cdef Instrument _instrument(Segment segment, uint32_t id):
    """Of the row as it is now. The caller has checked `id` against the rows in use."""
    cdef fh_instrument *entry = segment.entry(id)
    cdef Instrument made = Instrument.__new__(Instrument)
    cdef unsigned precision = entry.precision & 7
    made.id = id
    made.epoch = segment.epoch
    made.head = segment.entry_heads[id]
    made.venue = segment.venue
    made.symbol = _string(entry.symbol, 64)
    made.name = _string(entry.name, 64)
    made.kind = _member(_InstrumentKind, entry.kind)
    made.option = _member(_OptionType, entry.option_type)
    made.contract_type = _member(_ContractType, entry.contract_type)
    made.status = _member(_Status, entry.status)
    made.definition = entry.definition
    made.has_book = entry.has_book != 0
    made.precision = entry.precision
    made.price_exponent = entry.price_exponents[precision]
    made.size_exponent = entry.size_exponents[precision]
    made.price_exponents = tuple([entry.price_exponents[i] for i in range(8)])
    made.size_exponents = tuple([entry.size_exponents[i] for i in range(8)])
    made.tick = entry.tick
    made.tick_bands = tuple([(entry.band_from[i], entry.band_tick[i])
                             for i in range(min(entry.bands, FH_BANDS))])
    made.lot = entry.lot
    made.contract_size = entry.contract_size
    made.strike = entry.strike
    made.expiry_ns = entry.expiry_ns
    made.base = _string(entry.base, 16)
    made.quote = _string(entry.quote, 16)
    made.settle = _string(entry.settle, 16)
    return made


cdef str _string(const char *field, size_t size):
    cdef size_t n = 0
    while n < size and field[n]:
        n += 1
    return field[:n].decode("utf-8", "replace")
