"""The venue of `bench persistent`: a book over HTTP, over WebSocket requests, and as a stream, TLS.

`python -m feedhandler.bench.figures.persistent_server` says {"port", "ca_file"} on stdout; for
each line on stdin, an :class:`Order`, it starts a market anew and says what it has counted since
the last one.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress

import msgspec
import numpy as np

from feedhandler.bench.figures.persistent_market import Market, Times, book, update
from feedhandler.bench.kit.server import Server, ServerError, Session
from feedhandler.sim.server.certificates import CertificateError
from feedhandler.sim.server.frames import encode

PATH = "/book"
_LEAD_NS = 50_000_000


class Order(msgspec.Struct, frozen=True):
    """`gap_s`: between two changes; `gather_s`: for how long changes are gathered before they are
    streamed (0: not at all), as venues do; `stream`: over the WebSocket that was opened last."""

    gap_s: float
    gather_s: float = 0.0
    stream: bool = False


class Told(msgspec.Struct, frozen=True):
    """`began`: of the market; `connections`, `bytes` (both ways): since the last order."""

    began: int
    connections: int
    bytes: int


class Ready(msgspec.Struct, frozen=True):
    port: int
    ca_file: str


class Asked(msgspec.Struct, frozen=True):
    """A request over the open socket."""

    id: int


class Venue:
    """`server`: where it answers."""

    def __init__(self) -> None:
        self.server = Server(self._rest, self._answer, tls=True)
        self._times: Times = np.zeros(0, np.int64)
        self._counted = (0, 0)
        self._stop = threading.Event()
        self._streams: list[threading.Thread] = []

    def _now(self) -> int:
        """The last change that has happened."""
        return int(np.searchsorted(self._times, time.monotonic_ns(), "right"))

    def _rest(self, path: str) -> bytes | None:
        return book(self._now(), 0) if path == PATH else None

    def _answer(self, text: str) -> list[bytes]:
        return [book(self._now(), msgspec.json.decode(text, type=Asked).id)]

    def order(self, order: Order) -> Told:
        """End what was streamed, and begin anew."""
        self._stop.set()
        for thread in self._streams:
            thread.join()
        self._stop = threading.Event()
        sessions = self.server.sessions
        before, counted = self._counted, (len(sessions), sum(each.bytes for each in sessions))
        self._counted = counted
        market = Market(time.monotonic_ns() + _LEAD_NS, order.gap_s)
        self._times = market.times()
        self._streams = []
        if order.stream:
            newest = (self._newest(), order.gather_s)
            self._streams = [threading.Thread(target=self._stream, args=newest, daemon=True)]
            self._streams[0].start()
        return Told(market.began, counted[0] - before[0], counted[1] - before[1])

    def _newest(self) -> Session:
        """The WebSocket that was opened last. Raises ServerError if none was."""
        session = self.server.session()
        with suppress(ServerError):
            while True:
                session = self.server.session(0.0)
        return session

    def _stream(self, session: Session, gather_s: float) -> None:
        shown, due = 0, time.monotonic()
        while True:
            now = self._now()
            if now > shown:
                shown = now
                try:
                    session.send(encode(update(now)))
                except OSError:
                    return
            if gather_s:
                due += gather_s
                wait = due - time.monotonic()
            else:
                wait = (int(self._times[shown]) - time.monotonic_ns()) / 1e9
            if self._stop.wait(max(0.0, wait)):
                return


def main() -> None:
    """Until stdin ends."""
    try:
        venue = Venue()
    except CertificateError as error:
        sys.exit(f"no TLS: {error}")
    with venue.server as server:
        _say(Ready(server.port, server.ca_file or ""))
        for line in sys.stdin:
            _say(venue.order(msgspec.json.decode(line, type=Order)))


def _say(what: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
