"""The checksum of a book by what its venue declares of it, from the texts that it sends."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import chain, zip_longest

from feedhandler.adapter.checksum import Checksum, Number, Order
from feedhandler.sim.market.book import ASK, BID, Book
from feedhandler.sim.market.instrument import Instrument, fixed, plain

Text = Callable[[int, int], str]
"""From a mantissa and its decimals."""


def checksum(rule: Checksum, instrument: Instrument, book: Book) -> int:
    """CRC-32 of the best levels."""
    lot, lot_digits = instrument.lot_mantissa
    price_text = _style(rule.number, instrument.price_mantissa(1)[1])
    size_text = _style(rule.number, lot_digits)
    bids, asks = (
        [
            (
                price_text(*instrument.price_mantissa(grid)),
                ("-" if rule.signed_asks and side == ASK else "")
                + size_text(lots * lot, lot_digits),
            )
            for grid, lots in book.levels(side, rule.levels)
        ]
        for side in (BID, ASK)
    )
    if rule.order is Order.PAIRS:
        levels = [each for pair in zip_longest(bids, asks) for each in pair if each is not None]
    else:
        levels = [*bids, *asks] if rule.order is Order.BIDS else [*asks, *bids]
    crc = zlib.crc32(rule.separator.join(chain.from_iterable(levels)).encode())
    return crc - (1 << 32) if rule.signed and crc >> 31 else crc


def padded(rule: Checksum | None) -> bool:
    """Whether the venue writes numbers with all their decimals."""
    return rule is not None and rule.number in (Number.WRITTEN, Number.DIGITS)


def _style(number: Number, places: int) -> Text:
    if number is Number.PLAIN:
        return plain
    if number is Number.SCRIPT:
        return _script
    whole = fixed(places)
    if number is Number.WRITTEN:
        return whole
    return lambda mantissa, digits: whole(mantissa, digits).replace(".", "").lstrip("0")


def _script(mantissa: int, digits: int) -> str:
    """As JavaScript makes text of a Number: with an exponent below 0.000001."""
    text = plain(mantissa, digits)
    if not mantissa or mantissa * 10**6 >= 10**digits:
        return text
    figures = str(mantissa).rstrip("0")
    exponent = len(str(mantissa)) - 1 - digits
    point = "." if len(figures) > 1 else ""
    return f"{figures[0]}{point}{figures[1:]}e{exponent}"
