"""What a view of the page shows, as one document: made once for all who look at the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from feedhandler.connection.state import ConnectionState
from feedhandler.number_text import decimal, figures, stepped
from feedhandler.page.history import History
from feedhandler.view.believable import word
from feedhandler.view.book import lined_up, read_book
from feedhandler.view.instrument_fields import FIELDS
from feedhandler.view.instruments import Instruments
from feedhandler.view.mirrored import said as mirrored
from feedhandler.view.watch import VenueLook, Watch
from feedhandler.view.words import meaning, shown_state
from shm import NONE, OptionType, Reason, State, UnknownInstrument
from shm._native import READ_OK, Instrument
from shm.chains import Chains
from shm.inspect import Memory
from shm.names import Kind

_ROWS: Final = 200  #: instruments at most; more are found by a filter
_DEPTH: Final = 25
_TRADES: Final = 30
_RECORDS: Final = 20_000  # of the ring are searched for trades
_PRICES: Final = ("bid", "ask")
_STATISTICS: Final = ("mark", "mark_iv", "delta", "open_interest")

Query = Mapping[str, str]


class GoneError(LookupError):
    """What a view was asked for is not there."""


class Views:
    """`looks` are of the last look; whoever calls keeps them new."""

    def __init__(self, namespace: str, watch: Watch, history: History) -> None:
        self.namespace = namespace
        self.looks: Sequence[VenueLook] = ()
        self._watch = watch
        self._history = history
        self._instruments: dict[str, Instruments] = {}
        self._chains: dict[str, tuple[int, int, Chains]] = {}

    def show(self, view: str, query: Query) -> dict[str, Any]:
        """The document of a view. Raises GoneError."""
        show = {
            "venues": self._venues,
            "venue": self._venue,
            "book": self._book,
            "chain": self._chain,
            "readers": self._readers,
        }.get(view)
        if show is None:
            raise GoneError(f"no view {view!r}")
        return {"view": view, "namespace": self.namespace, "at_ns": time.time_ns()} | show(query)

    def _look(self, query: Query) -> VenueLook:
        venue = query.get("venue", "")
        found = next((look for look in self.looks if look.venue == venue), None)
        if found is None:
            raise GoneError(f"there is no venue {venue!r}")
        return found

    def _memory(self, query: Query) -> Memory:
        memory = self._watch.memory(self._look(query).venue)
        if memory is None:
            raise GoneError(f"nothing of {query.get('venue')} is in memory")
        return memory

    def _venues(self, _: Query) -> dict[str, Any]:
        return {"venues": [self._summary(look) for look in self.looks]}

    def _summary(self, look: VenueLook) -> dict[str, Any]:
        status, worst = look.status, look.worst
        return {
            "venue": look.venue,
            "state": shown_state(status),
            "reason": status["reason"],
            "trouble": look.trouble,
            "mirror": mirrored(status, time.time_ns()),
            "since_ns": status.get("since_ns", 0),
            "live": status["live"],
            "instruments": status["instruments"],
            "connections": status.get("connections"),
            "frames": round(look.frames, 1),
            "bytes": round(look.bytes),
            "lag_ns": [look.lag.p50, look.lag.p99],
            "publish_ns": [look.publish.p50, look.publish.p99],
            "gaps": look.gaps,
            "heals": look.heals,
            "counted_since_ns": look.since_ns,
            "worst": worst and {"id": worst["id"], "state": word(ConnectionState, worst["state"])},
            "point": self._history.newest(look.venue),
            "quality": look.quality,
        }

    def _venue(self, query: Query) -> dict[str, Any]:
        look = self._look(query)
        found: dict[str, Any] = {
            "venue": self._summary(look),
            "connections": [_connection(row) for row in look.connections],
            "instruments": [],
            "total": 0,
            "underlyings": [],
        }
        memory = self._watch.memory(look.venue)
        if memory is None:
            return found
        instruments = self._instruments.setdefault(look.venue, Instruments())
        instruments.look(memory)
        by = query.get("sort") or None
        if by is not None and by not in FIELDS:
            raise GoneError(f"nothing is sorted by {by!r}")
        symbols = instruments.symbols(query.get("filter", ""), by, query.get("order") == "down")
        return found | {
            "instruments": [instruments.row(symbol) for symbol in symbols[:_ROWS]],
            "total": len(symbols),
            "underlyings": self._chains_of(memory).underlyings(),
        }

    def _book(self, query: Query) -> dict[str, Any]:
        memory, symbol = self._memory(query), query.get("symbol", "")
        names = memory.segment.names(0)
        row = next((at for at, both in enumerate(names) if symbol in both), None)
        if row is None:
            raise GoneError(f"{memory.venue} has no instrument {symbol!r}")
        instrument = memory.segment.instrument(row)
        book = read_book(memory, instrument, _DEPTH)
        return {
            "venue": memory.venue,
            "symbol": instrument.symbol,
            "name": instrument.name,
            "tick": instrument.tick,
            "lot": instrument.lot,
            "meaning": meaning(book["reason"]),
            **lined_up(book, instrument.tick, instrument.lot),
            **_records(memory, instrument),
        }

    def _readers(self, _: Query) -> dict[str, Any]:
        fields = ("name", "pid", "alive", "lag", "lost", "overruns", "updated_ns")
        rows: list[dict[str, Any]] = []
        for look in self.looks:
            for reader in self._watch.readers(look.venue):
                its: dict[str, Any] = dict(reader)
                rows.append({"venue": look.venue, **{name: its[name] for name in fields}})
        return {"readers": rows}

    # ---- options

    def _chains_of(self, memory: Memory) -> Chains:
        """The options of a venue by underlying; made anew when the directory has grown."""
        epoch, count, chains = self._chains.get(memory.venue, (-1, -1, None))
        if chains is None or epoch != memory.epoch or count != memory.segment.instruments:
            listed = memory.instruments()
            chains = Chains(listed, len(listed))
            self._chains[memory.venue] = memory.epoch, len(listed), chains
        return chains

    def _chain(self, query: Query) -> dict[str, Any]:
        memory = self._memory(query)
        chains, name = self._chains_of(memory), query.get("underlying", "")
        try:
            expiries = [int(each) for each in chains.expiries(name, 0)]
            coming = [each for each in expiries if each > time.time_ns()] or expiries[-1:]
            expiry = int(query["expiry"]) if query.get("expiry", "").isdigit() else coming[0]
            options = chains.options(name, expiry)
        except (UnknownInstrument, ValueError, IndexError) as error:
            raise GoneError(str(error)) from None
        quotes = memory.quotes()
        alive = memory.writer == "alive"
        sides = [_option(option, quotes[option.id], alive) for option in options]
        _line_up(sides, min(option.tick for option in options))
        strikes: dict[float, dict[str, Any]] = {}
        for option, side in zip(options, sides, strict=True):
            row = strikes.setdefault(option.strike, {"strike": option.strike})
            row["put" if option.option == OptionType.PUT else "call"] = side
        shown = stepped([f"{strike:.10g}" for strike in strikes])
        for row, text in zip(strikes.values(), shown, strict=True):
            row["shown"] = text
        underlying = _median(quotes[[option.id for option in options]]["underlying"])
        return {
            "venue": memory.venue,
            "underlying": name,
            "price": underlying,
            "expiry_ns": expiry,
            "expiries_ns": coming,
            "strikes": [strikes[strike] for strike in sorted(strikes)],
        }


def _connection(row: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        *("id", "url", "detail", "since_ns", "connected_ns", "connects", "disconnects", "live"),
        *("pending", "failed", "frames_per_second", "bytes_per_second", "rtt_p50_ns"),
        *("rtt_p99_ns", "behind_ns", "queue_bytes", "next_rotation_ns", "slow_frames", "frames"),
    )
    state, reason = word(ConnectionState, row["state"]), word(Reason, row["reason"])
    return {name: row[name] for name in names} | {"state": state, "reason": reason}


def _records(memory: Memory, instrument: Instrument) -> dict[str, Any]:
    """The last trades and states that the ring has of an instrument, newest first."""
    last = memory.segment.published
    first = max(1, last - min(memory.segment.slots, _RECORDS) + 1)
    if last < first:
        return {"trades": [], "states": []}
    slots = memory.slots(first, last)
    ours = slots[(slots["instrument"] == instrument.id) & (slots["status"] == READ_OK)]
    trades = ours[np.isin(ours["kind"], (int(Kind.TRADE), int(Kind.LIQUIDATION)))][-_TRADES:]
    states = ours[ours["kind"] == int(Kind.STATE)][-10:]
    return {
        "trades": _trades(trades[::-1], instrument),
        "states": [
            {
                "at_ns": int(slot["receive_ns"]),
                "state": word(State, int(slot["price"])),
                "reason": word(Reason, int(slot["size"])),
            }
            for slot in states[::-1]
        ],
    }


def _trades(slots: npt.NDArray[np.void], instrument: Instrument) -> list[dict[str, Any]]:
    pairs = slots["precision"] & 7
    scaled = zip(slots["price"].tolist(), slots["size"].tolist(), pairs.tolist(), strict=True)
    texts = [
        (
            decimal(price, instrument.price_exponents[pair]),
            decimal(size, instrument.size_exponents[pair]),
        )
        for price, size, pair in scaled
    ]
    prices = stepped([price for price, _ in texts], instrument.tick)
    sizes = stepped([size for _, size in texts], instrument.lot)
    return [
        {
            "at_ns": int(slot["exchange_ns"]) or int(slot["receive_ns"]),
            "side": "sell" if int(slot["side"]) & 1 else "buy",
            "price": price,
            "size": size,
            "liquidation": int(slot["kind"]) == int(Kind.LIQUIDATION),
        }
        for slot, price, size in zip(slots, prices, sizes, strict=True)
    ]


def _option(option: Instrument, quote: np.void, alive: bool) -> dict[str, Any]:
    """A side of a strike: exact decimal texts of prices, statistics as numbers; null where the
    venue says nothing."""
    found: dict[str, Any] = {"symbol": option.symbol, **dict.fromkeys((*_PRICES, *_STATISTICS))}
    found["state"] = word(State, int(quote["state"])) if alive else "STALE"
    if not quote["stamp"]:
        return found
    for name in _PRICES:
        value = int(quote[f"{name}_price"])
        if value != NONE:
            found[name] = decimal(value, int(quote["price_exponent"]))
    for name in _STATISTICS:
        number = float(quote[name])
        found[name] = None if np.isnan(number) else number
    return found


def _line_up(sides: Sequence[dict[str, Any]], tick: float) -> None:
    """Texts instead, in each column with one number of places."""
    there = [(side, name) for side in sides for name in _PRICES if side[name] is not None]
    texts = stepped([side[name] for side, name in there], tick)
    for (side, name), text in zip(there, texts, strict=True):
        side[name] = text
    for name, worded in _WORDED.items():
        for side, text in zip(sides, worded([side[name] for side in sides]), strict=True):
            side[name] = text


def _amounts(values: Sequence[float | None]) -> list[str]:
    known = iter(stepped([f"{value:.10g}" for value in values if value is not None]))
    return ["" if value is None else next(known) for value in values]


_WORDED: Final[Mapping[str, Callable[[Sequence[float | None]], list[str]]]] = {
    "mark": partial(figures, count=4),
    "mark_iv": lambda values: ["" if v is None else f"{100 * v:.1f}" for v in values],
    "delta": lambda values: ["" if v is None else f"{v:.3f}" for v in values],
    "open_interest": _amounts,
}


def _median(values: Any) -> float | None:
    known = values[~np.isnan(values) & (values > 0)]
    return float(np.median(known)) if len(known) else None
