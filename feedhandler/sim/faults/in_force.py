"""The faults of one venue: which are in force, whom they meet, and what became of them.

The market and the truth under ``/sim/`` never take part in a fault; only what is sent does.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from feedhandler.sim.faults.malform import malform
from feedhandler.sim.faults.order import Order
from feedhandler.sim.faults.shaping import Shape

_REMEMBERED = 1000


class Delivery(Enum):
    """What happens to one book message."""

    SEND = "send"
    SKIP = "gap"
    TWICE = "duplicate"
    LATER = "reorder"
    CROSSED = "crossed"
    CHECKSUM = "bad_checksum"
    CUT = "garbage"

    @property
    def lost(self) -> bool:
        """Whether nobody gets it whole and in its turn."""
        return self in (Delivery.SKIP, Delivery.LATER, Delivery.CUT)


_PER_BOOK = tuple(verdict for verdict in Delivery if verdict is not Delivery.SEND)


@dataclass(eq=False)
class Fault:
    """One order carried out. Times are unix ns, 0 while they have not come."""

    number: int
    order: Order
    source: str
    began_ns: int
    remaining: int | None
    ends: float | None
    """Monotonic time at which it ends by itself."""
    first_ns: int = 0
    last_ns: int = 0
    ended_ns: int = 0
    hits: int = 0
    numbers: int = 0
    """Of the venue's count of a book or a connection, in what it kept back or spoilt."""
    targets: list[Any] = field(default_factory=list)
    """Whom it met, where that matters at its end."""

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.order.kind

    def __getitem__(self, key: str) -> Any:
        return self.order.values.get(key)

    def hit(self, count: int = 1) -> None:
        """Count what it did."""
        now = time.time_ns()
        self.first_ns = self.first_ns or now
        self.last_ns = now
        self.hits += count
        if self.remaining is not None:
            self.remaining -= count

    def meets(self, symbol: str | None, channel: str | None) -> bool:
        """Whether it is about this symbol's or this channel's messages."""
        wanted, topic = self["symbol"], self["channel"]
        return (wanted is None or wanted == symbol) and (topic is None or topic == channel)

    def told(self) -> dict[str, Any]:
        """For ``/sim/stats``."""
        return {
            "id": self.number,
            "kind": self.kind,
            **self.order.said(),
            "source": self.source,
            "began_ns": self.began_ns,
            "first_ns": self.first_ns or None,
            "last_ns": self.last_ns or None,
            "ended_ns": self.ended_ns or None,
            "hits": self.hits,
            "numbers": self.numbers,
        }


class Faults:
    """Faults in force, by kind, oldest first.

    ``active``: some data message may be met. ``silent``: nothing at all is sent. ``timed``: some
    fault ends by the clock. ``shape``: how bytes leave.
    """

    def __init__(self) -> None:
        self.active = False
        self.silent = False
        self.timed = False
        self.shape: Shape | None = None
        self.ordered: Counter[str] = Counter()
        self._in_force: dict[str, list[Fault]] = {}
        self._log: deque[Fault] = deque(maxlen=_REMEMBERED)
        self._number = 0
        self._met: Fault | None = None
        self.on_end: Callable[[Fault], None] = lambda _: None
        """Puts right what a fault did."""

    # -- beginning and ending ----------------------------------------------------------------

    def begin(self, order: Order, source: str, seconds: float | None) -> Fault:
        """Put an order in force until its time is over, its count is spent, or `end`."""
        self._number += 1
        self.ordered[order.kind] += 1
        ends = None if seconds is None else time.monotonic() + seconds
        count = order.values.get("count")
        fault = Fault(self._number, order, source, time.time_ns(), count, ends)
        self._log.append(fault)
        self._in_force.setdefault(order.kind, []).append(fault)
        self._refresh()
        return fault

    def end(self, fault: Fault) -> None:
        """Take a fault out of force; nothing happens to one that has ended."""
        if not fault.ended_ns:
            self._close(fault)
            self.on_end(fault)

    def _close(self, fault: Fault) -> None:
        fault.ended_ns = time.time_ns()
        self._in_force[fault.kind].remove(fault)
        self._refresh()

    def of(self, kind: str) -> list[Fault]:
        """Those of a kind in force, oldest first. Not to be changed."""
        return self._in_force.get(kind, [])

    def __iter__(self) -> Iterator[Fault]:
        return iter([fault for faults in self._in_force.values() for fault in faults])

    def overdue(self, now: float) -> list[Fault]:
        """Those whose time is over."""
        return [fault for fault in self if fault.ends is not None and now >= fault.ends]

    def told(self) -> list[dict[str, Any]]:
        """The last faults in the order of their beginning, ended or not."""
        return [fault.told() for fault in self._log]

    def _refresh(self) -> None:
        of = self.of
        self.silent = any(
            not (f["symbol"] or f["channel"] or f["heartbeats"]) for f in of("silence")
        )
        self.timed = any(fault.ends is not None for fault in self)
        books = any(of(verdict.value) for verdict in _PER_BOOK)
        self.active = bool(books or of("silence") or of("fragment") or of("far") or of("malform"))
        shapes = [of(kind)[-1] for kind in ("delay", "segments", "slow") if of(kind)]
        self.shape = None
        if shapes:
            told = {key: value for f in shapes for key, value in f.order.said().items()}
            self.shape = Shape(
                delay=told.get("ms", 0) / 1000,
                jitter=told.get("jitter_ms", 0) / 1000,
                piece=told.get("bytes", 0),
                gap=told.get("gap_ms", 0) / 1000,
                rate=told.get("bytes_per_second", 0),
            )

    # -- asking ------------------------------------------------------------------------------

    def take(
        self, kind: str, symbol: str | None = None, channel: str | None = None, path: str = ""
    ) -> Fault | None:
        """The fault of a kind that this meets, if any, counted; a spent one ends."""
        for fault in self.of(kind):
            if fault.meets(symbol, channel) and path.startswith(fault["path"] or ""):
                self.spend(fault)
                return fault
        return None

    def spend(self, fault: Fault) -> None:
        """Count one thing that a fault did; a spent one ends, with nothing to put right."""
        fault.hit()
        if fault.remaining == 0:
            self._close(fault)

    def on_book(self, symbol: str) -> Delivery:
        """Decide on the next book message of a symbol, spending at most one fault."""
        for verdict in _PER_BOOK:
            if self.of(verdict.value) and (met := self.take(verdict.value, symbol)) is not None:
                self._met = met
                return verdict
        return Delivery.SEND

    def kept(self, numbers: int) -> None:
        """So many numbers were in the message that was decided on last."""
        if self._met is not None:
            self._met.numbers += numbers

    def silences(self, symbol: str, channel: str) -> bool:
        """Whether a data message is kept back."""
        return bool(self.of("silence")) and self.take("silence", symbol, channel) is not None

    def malformed(self, symbol: str, channel: str, payload: bytes) -> bytes:
        """A data message as a fault has it, if one meets it."""
        for fault in self.of("malform"):
            if (
                fault.meets(symbol, channel)
                and (changed := malform(payload, fault["key"], fault["value"])) is not None
            ):
                self.spend(fault)
                return changed
        return payload

    def spend_fragment(self) -> int:
        """Into how many frames the next data message goes."""
        fault = self.take("fragment")
        return 1 if fault is None else int(fault["pieces"])

    @property
    def fragments(self) -> int:
        """Data messages yet to go out in pieces, where that was counted."""
        return sum(fault.remaining or 0 for fault in self.of("fragment"))

    @property
    def no_heartbeat(self) -> bool:
        """Whether the venue's own heartbeats and their answers are off."""
        return bool(self.of("no_heartbeat"))

    def lag(self, symbol: str, where: str) -> int:
        """Updates by which a snapshot lags; ``where``: rest or stream."""
        for fault in self.of("stale"):
            if fault["where"] in (where, "both") and fault["symbol"] == symbol:
                self.spend(fault)
                return int(fault["updates"])
        return 0
