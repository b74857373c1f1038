"""OKX's channels: which there are, and what a subscription's arg means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.market import Market

INSTRUMENT_TYPES: Final = ("SPOT", "SWAP", "FUTURES", "OPTION", "MARGIN")
INTERVALS: Final[Mapping[str, float]] = {
    "books5": 0.1,
    "tickers": 0.1,
    "mark-price": 0.2,
    "index-tickers": 0.1,
    "opt-summary": 1.0,
    "open-interest": 3.0,
    "funding-rate": 30.0,
}
"""Seconds between the messages of a channel."""
ON_CHANGE: Final = ("books5", "tickers")
"""Of these only what has changed is sent."""
_INDEXES = ("USD", "USDT")
_BY_INSTRUMENT = ("books", "books5", "bbo-tbt", "trades", "tickers", "mark-price", "open-interest")
_OF_MANY = ("opt-summary", "index-tickers", "instruments")
SUBJECTS: Final = {"opt-summary": "instFamily", "instruments": "instType"}
_MOVED = (
    "This channel has been migrated to the '/business' URL. Please subscribe using the new URL."
)


class ArgError(Exception):
    """A subscription that cannot be: the venue's code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def options_of(market: Market, family: str) -> list[Instrument]:
    """The listed options of a family, such as BTC-USD."""
    instruments = market.instruments.values()
    return [i for i in instruments if i.kind == "option" and i.family == family]


def known(market: Market, channel: str, subject: str) -> bool:
    """Whether there is such a channel."""
    if channel == "instruments":
        return subject in INSTRUMENT_TYPES
    if channel == "opt-summary":
        return bool(options_of(market, subject))
    if channel == "index-tickers":
        base, _, quote = subject.partition("-")
        return quote in _INDEXES and base in market.bases
    instrument = market.instruments.get(subject)
    if instrument is None:
        return False
    if channel == "funding-rate":
        return instrument.kind == "perpetual"
    if channel == "open-interest":
        return instrument.kind != "spot"
    return channel == "trades-all" or channel in _BY_INSTRUMENT


def symbol_of(key: str) -> str | None:
    """The instrument of a ``channel:subject`` that is about one."""
    channel, _, subject = key.partition(":")
    return None if channel in _OF_MANY else subject


def resolve(market: Market, arg: Mapping[str, Any], business: bool) -> tuple[str, str]:
    """Channel and subject of an arg; ``business``: it came over that socket. Raises ArgError."""
    channel = arg.get("channel")
    named = ",".join(f"{key}:{value}" for key, value in arg.items())
    unknown = ArgError(
        "60018",
        f"Wrong URL or {named} doesn't exist. Please use the correct URL, channel and "
        "parameters referring to API document.",
    )
    subject = arg.get(SUBJECTS.get(str(channel), "instId"))
    if not isinstance(channel, str) or not isinstance(subject, str):
        raise unknown
    if channel == "trades-all" and not business:
        raise ArgError("64001", _MOVED)
    if business != (channel == "trades-all") or not known(market, channel, subject):
        raise unknown
    return channel, subject
