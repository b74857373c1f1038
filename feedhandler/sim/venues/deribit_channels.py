"""Deribit's channels: which there are. What is not here is left out of a subscription's answer, as
the venue does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from feedhandler.sim.market.book import ASK, BID, Book
from feedhandler.sim.market.live import Live
from feedhandler.sim.market.market import Market
from feedhandler.sim.venues.deribit_answers import RpcError
from feedhandler.sim.venues.deribit_json import Texts

INTERVALS: Final = ("100ms", "agg2")
CURRENCIES: Final = ("BTC", "ETH")
_KINDS = ("option", "future", "any")
_GROUPS = ("none", "1", "2", "5", "10", "25", "50", "100", "250", "500", "1000", "2500")
_DEPTHS = ("1", "10", "20")
_PRICE_INDEX = "deribit_price_index"


class Grouped(NamedTuple):
    """A grouped book's channel: ``group`` in ticks, 0 for none; so many levels a side."""

    symbol: str
    group: int
    depth: int


def grouped(channel: str) -> Grouped | None:
    """``book.{instrument}.{group}.{depth}.{interval}`` taken apart; None: it is not one."""
    parts = channel.split(".")
    if len(parts) != 5 or parts[0] != "book" or parts[4] not in INTERVALS:
        return None
    if parts[2] not in _GROUPS or parts[3] not in _DEPTHS:
        return None
    return Grouped(parts[1], 0 if parts[2] == "none" else int(parts[2]), int(parts[3]))


def index_of(channel: str) -> str | None:
    """The base of a price index' channel, such as ``deribit_price_index.btc_usd``."""
    name, _, index = channel.partition(".")
    return base_of_index(index) if name == _PRICE_INDEX else None


def base_of_index(name: str) -> str | None:
    """The base of an index such as ``btc_usd``."""
    base, _, quote = name.partition("_")
    found = base.upper()
    return found if quote in ("usd", "usdc") and found in CURRENCIES else None


def symbol_of(channel: str) -> str | None:
    """The instrument that a channel names."""
    parts = channel.split(".")
    named = len(parts) in (2, 3) and parts[0] != _PRICE_INDEX
    return parts[1] if named or grouped(channel) is not None else None


def asked(params: Mapping[str, Any]) -> list[str]:
    """The channels that a request names. Raises RpcError."""
    named = params.get("channels")
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise RpcError(-32602, "Invalid params", {"param": "channels", "reason": "required"})
    return named


def known(market: Market, channel: str) -> bool:
    """Whether a subscription to it is accepted."""
    parts = channel.split(".")
    if channel == "platform_state":
        return True
    if len(parts) == 2 and parts[0] == "quote":
        return parts[1] in market.instruments
    if len(parts) == 3 and parts[0] in ("book", "ticker", "trades"):
        return parts[1] in market.instruments and parts[2] in INTERVALS
    if len(parts) == 4 and parts[0] == "trades":
        return parts[1] in _KINDS and parts[2] in (*CURRENCIES, "any") and parts[3] in INTERVALS
    if len(parts) == 4 and parts[:2] == ["instrument", "state"]:
        return parts[2] in _KINDS and parts[3] in (*CURRENCIES, "any")
    if (found := grouped(channel)) is not None:
        return found.symbol in market.instruments
    return index_of(channel) is not None


def grouped_book(live: Live, texts: Texts, book: Book, how: Grouped) -> str:
    """The best levels, those of ``group`` ticks taken together: bids down, asks up."""
    sides = []
    for side in (BID, ASK):
        levels: dict[int, int] = {}
        for grid, lots in book.levels(side, None if how.group else how.depth):
            place = grid
            if how.group:
                place = grid // how.group * how.group
                if side == ASK and place < grid:
                    place += how.group
            if place not in levels and len(levels) == how.depth:
                break
            levels[place] = levels.get(place, 0) + lots
        sides.append(
            ",".join(f"[{texts.prices[g]},{texts.sizes[lots]}]" for g, lots in levels.items())
        )
    return (
        f'{{"timestamp":{live.clock.ms()},"instrument_name":"{live.instrument.symbol}",'
        f'"change_id":{book.sequence},"bids":[{sides[0]}],"asks":[{sides[1]}]}}'
    )
