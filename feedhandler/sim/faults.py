"""Misbehaviour on demand: what a venue's server does wrong, and to whom.

The market and the truth under ``/sim/`` never take part in a fault; only what is sent does.
POST /sim/fault takes ``{"kind": ..., ...}``:

gap           ``symbol``, ``count``: that many book messages are not sent
duplicate     ``symbol``, ``count``: sent twice
crossed       ``symbol``, ``count``: sent with a bid above the best ask, which no later one removes
fragment      ``count``: data messages are cut into several WebSocket frames
silence       with ``symbol``: its data stops; without: nothing at all is sent, sockets stay open
unsilence     ends it, for ``symbol`` or for all; without a symbol also ends no_heartbeat
no_heartbeat  no pings, heartbeats and pongs of the venue's own protocol
stale         ``symbol``, ``updates``: REST books lag by so many updates of it; 0 heals
drop          every connection is cut without a close frame
garbage       every client gets one text frame that is not JSON
shutdown      the venue's own notice of a restart, where it has one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Any

KINDS = (
    "gap",
    "duplicate",
    "crossed",
    "silence",
    "unsilence",
    "drop",
    "garbage",
    "shutdown",
    "fragment",
    "no_heartbeat",
    "stale",
)
_PER_BOOK = ("gap", "duplicate", "crossed")


class FaultError(ValueError):
    """A fault request that makes no sense; the text says why."""


class Delivery(Enum):
    """What happens to one book message."""

    SEND = "send"
    SKIP = "skip"
    TWICE = "twice"
    CROSSED = "crossed"


class Faults:
    """The faults now in force. Those of a book are spent one message at a time.

    ``drop``, ``garbage`` and ``shutdown`` happen at once and are the server's to perform.
    """

    def __init__(self) -> None:
        self.active = False
        self.silent = False
        self.silent_symbols: set[str] = set()
        self.no_heartbeat = False
        self.fragments = 0
        self.stale: dict[str, int] = {}
        self._books: dict[str, Counter[str]] = {kind: Counter() for kind in _PER_BOOK}

    def order(self, request: Mapping[str, Any], symbols: Mapping[str, object]) -> str:
        """Put a fault in force and return its kind. Raises FaultError.

        Keys: ``kind``, ``symbol``, ``count`` (messages, default 1), ``updates`` (of ``stale``:
        how far REST books lag; 0 heals).
        """
        kind, symbol = request.get("kind"), request.get("symbol")
        if kind not in KINDS:
            raise FaultError(f"unknown kind {kind!r}; one of {', '.join(KINDS)}")
        if symbol is not None and symbol not in symbols:
            raise FaultError(f"unknown symbol {symbol!r}")
        if symbol is None and (kind in _PER_BOOK or kind == "stale"):
            raise FaultError(f"{kind} needs a symbol")
        count, updates = request.get("count", 1), request.get("updates", 50)
        for name, value, least in (("count", count, 1), ("updates", updates, 0)):
            if not isinstance(value, int) or value < least:
                raise FaultError(f"{name} must be an integer of at least {least}: {value!r}")
        if kind in _PER_BOOK:
            self._books[kind][str(symbol)] += count
        elif kind == "silence":
            if symbol is None:
                self.silent = True
            else:
                self.silent_symbols.add(symbol)
        elif kind == "unsilence":
            if symbol is None:
                self.silent, self.no_heartbeat = False, False
                self.silent_symbols.clear()
            else:
                self.silent_symbols.discard(symbol)
        elif kind == "fragment":
            self.fragments += count
        elif kind == "no_heartbeat":
            self.no_heartbeat = True
        elif kind == "stale":
            self.stale[str(symbol)] = updates
        self._refresh()
        return str(kind)

    def on_book(self, symbol: str) -> Delivery:
        """Decide on the next book message of a symbol, spending at most one fault."""
        for kind, verdict in zip(
            _PER_BOOK, (Delivery.SKIP, Delivery.TWICE, Delivery.CROSSED), strict=True
        ):
            waiting = self._books[kind]
            if waiting[symbol] > 0:
                waiting[symbol] -= 1
                self._refresh()
                return verdict
        return Delivery.SEND

    def spend_fragment(self) -> bool:
        """Whether the next data message goes out in pieces."""
        if self.fragments <= 0:
            return False
        self.fragments -= 1
        self._refresh()
        return True

    def _refresh(self) -> None:
        self.active = bool(
            self.silent
            or self.silent_symbols
            or self.fragments
            or any(count > 0 for books in self._books.values() for count in books.values())
        )
