"""A simulated OKX: what it declares, and the rules that no table says.

Subscriptions and unsubscriptions of an hour are counted, and too many end the connection. All
trades come on the business socket alone. Books that stand still are confirmed each minute. The
channel `instruments` has rows of the list.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

import orjson

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.declared.words import decoded
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.terms import Terms
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.opened import Open
from feedhandler.sim.venues.declared.words import Wish
from feedhandler.sim.venues.okx_rest import OkxRest

_MAX_ARGS_BYTES: Final = 65_536
_HOUR: Final = 3600.0
_MAX_DEPTH: Final = 310
_MOVED: Final = (
    "This channel has been migrated to the '/business' URL. Please subscribe using the new URL."
)
_TOO_MANY: Final = "Requests too frequent"
_PLEASE: Final = "Please use the correct URL, channel and parameters referring to API document."
_BUSINESS: Final = "/ws/v5/business"


class OkxServer(OkxRest):
    """A key is `channel:subject`."""

    invalid: ClassVar[tuple[str, int]] = ("Invalid request", 60012)

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        # Deeper books would reach beyond the channel's 400 levels, and clients' beyond the truth.
        super().__init__(replace(options, depth=min(options.depth, _MAX_DEPTH)), declared, beside)
        self._sockets[_BUSINESS] = {}
        self._next_look = 0.0

    # -- requests ----------------------------------------------------------------------------

    def on_text(self, client: Client, text: str) -> None:
        """What a request may be, before it is looked at key by key."""
        request = decoded(text.encode())
        asked = request if isinstance(request, dict) else {}
        args = asked.get("args")
        nothing = Wish(leave=False, keys=[])
        if text == "ping":
            super().on_text(client, text)
        elif (
            asked.get("op") not in ("subscribe", "unsubscribe")
            or not isinstance(args, list)
            or not all(isinstance(one, dict) for one in args)
        ):
            self.refuse(client, nothing, "", f"Invalid request: {text[:200]}", 60012)
        elif len(orjson.dumps(args)) > _MAX_ARGS_BYTES:
            self.refuse(client, nothing, "", "Invalid request: args longer than 64 KB", 60012)
        elif self._over_budget(client):
            self.refuse(client, nothing, "", _TOO_MANY, 60014)
            client.close(4008, _TOO_MANY)
        else:
            super().on_text(client, text)

    def _over_budget(self, client: Client) -> bool:
        now = time.monotonic()
        recent: deque[float] = client.memory.setdefault("requests", deque())
        recent.append(now)
        while recent[0] < now - _HOUR:
            recent.popleft()
        return len(recent) > self.options.subscribe_budget

    def refusal(self, client: Client, key: str, symbol: str | None) -> tuple[str, int] | None:
        """In the venue's words; the two sockets serve different channels."""
        if (why := self._unserved(client, key)) is not None:
            return why
        fault = self.faults.take("error_reply", symbol, key)
        return None if fault is None else (fault["message"] or _TOO_MANY, fault["code"] or 60014)

    def _unserved(self, client: Client, key: str) -> tuple[str, int] | None:
        channel, _, subject = key.partition(":")
        everything, business = channel == "trades-all", client.memory["path"] == _BUSINESS
        if everything and not business:
            return _MOVED, 64001
        if everything is business and self.knows_channel(key):
            return None
        named = f"channel:{channel},instId:{subject}"
        return f"Wrong URL or {named} doesn't exist. {_PLEASE}", 60018

    def leave(self, client: Client, wish: Wish) -> None:
        """What is not there cannot be left."""
        for key in wish.keys:
            if (why := self._unserved(client, key)) is not None:
                self.refuse(client, wish, key, *why)
            else:
                super().leave(client, wish._replace(keys=[key]))

    def refuse(self, client: Client, wish: Wish, key: str, text: str, code: int) -> None:  # noqa: ARG002
        """It names no key but in words."""
        said = {"event": "error", "code": str(code), "msg": text}
        known = {"id": wish.id} if wish.id is not None else {}
        client.send(self.signed(client, orjson.dumps({**known, **said})))

    # -- instruments -------------------------------------------------------------------------

    def tell_state(self, instrument: Instrument, word: str) -> None:
        """A row of the list on the channel of its type."""
        key = f"instruments:{self.listing.word(instrument)}"
        if self.wants(key):
            self.push(key, instrument.symbol, self._rows(key, [(instrument, word)]))

    def first_messages(self, client: Client, one: Open) -> None:
        """Of the instruments of a type all rows."""
        key = one.channel.key
        if not key.startswith("instruments:"):
            super().first_messages(client, one)
            return
        rows = [(each, "") for each in self._instruments(one.channel)]
        self.send_data(client, key, key.partition(":")[2], self._rows(key, rows))

    def _rows(self, key: str, those: Sequence[tuple[Instrument, str]]) -> bytes:
        channel, _, subject = key.partition(":")
        rows = []
        for each, word in those:
            terms = self._streamed_terms.get(each.symbol, Terms())
            said = replace(terms, word=word) if word else terms
            rows.append(self.listing.row(each, self.listing.listing_of(each.symbol), said))
        return orjson.dumps({"arg": {"channel": channel, "instType": subject}, "data": rows})

    def on_time(self, now: float) -> None:
        """Also books that have stood still for long are confirmed."""
        super().on_time(now)
        if now < self._next_look:
            return
        self._next_look = now + min(1.0, self.options.book_keepalive / 4)
        for one in self.open.values():
            stream, books = one.stream, one.books
            if stream is None or books is None or not books.deltas:
                continue
            if now - stream.told < self.options.book_keepalive:
                continue
            stream.told = now
            symbol, span = one.channel.symbol, (stream.last, stream.last)
            its = self.texts(stream.live)
            for text in books.changed(stream.live, its, (), span, self.said(one, symbol)):
                self.push(one.channel.key, symbol, text.encode())
