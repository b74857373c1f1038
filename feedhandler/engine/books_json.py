"""Full-depth books as the JSON that people and tests compare."""

from typing import Any

from feedhandler.engine import _engine
from shm import Reason, State


def books_json(engine: _engine.Engine) -> dict[str, dict[str, Any]]:
    """Every instrument that had a book: `{symbol: {state, reason, venue_sequence, bids, asks}}`.

    Levels are `[price, size]` at full depth, best first, decimal strings without exponent or
    trailing zeros.
    """
    seen = engine.activity()[:, _engine.CHANNEL_BOOK]
    books: dict[str, dict[str, Any]] = {}
    for symbol in engine.symbols():
        instrument = engine.instrument_id(symbol)
        bids, asks, sequence, price, size = engine.book(instrument)
        if not seen[instrument] and not len(bids) and not len(asks):
            continue
        state, reason = engine.state(instrument)
        books[symbol] = {
            "state": State(state).name,
            "reason": Reason(reason).name,
            "venue_sequence": sequence,
            "bids": _levels(bids.tolist(), price, size),
            "asks": _levels(asks.tolist(), price, size),
        }
    return books


def _levels(levels: list[list[int]], price: int, size: int) -> list[list[str]]:
    return [[decimal_text(level[0], price), decimal_text(level[1], size)] for level in levels]


def decimal_text(value: int, exponent: int) -> str:
    """`value * 10**exponent` without exponent or trailing zeros."""
    if exponent >= 0:
        return str(value * 10**exponent)
    digits = str(abs(value)).rjust(1 - exponent, "0")
    fraction = digits[exponent:].rstrip("0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:exponent]}.{fraction}" if fraction else f"{sign}{digits[:exponent]}"
