"""A venue that lists and expires while it is mirrored, until its memory is renewed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import shm
from feedhandler.link.mirroring import VenueMirror
from feedhandler.link.serving import Serving
from shm import Kind, Reason, State, Status
from tests.link.ends import sessions, wanted
from tests.link.links import Flow, attached, same, states, until
from tests.recording.market import SYMBOLS, VENUE, Market, Written

_ROW: dict[str, Any] = {
    "kind": 4, "has_book": 1, "price_exponents": [-2] * 8, "size_exponents": [-3] * 8, "tick": 0.01,
}  # fmt: skip


def _list(flow: Flow, symbol: str) -> int:
    """One more instrument, with a full book; its row."""
    market = flow.market
    row = int(market.writer.instruments)
    market.writer.directory_add(_ROW | {"symbol": symbol, "name": symbol.lower()})
    market.books.append(({}, {}))
    flow.cells.append({})
    market.snapshot(row)
    market.writer.publish()
    return row


def _expire(market: Market, row: int, symbol: str) -> None:
    closed, expired = int(State.CLOSED), int(Reason.EXPIRED)
    fields = _ROW | {"id": row, "symbol": symbol, "name": symbol.lower(), "definition": 1}
    market.writer.directory_update(row, fields | {"status": int(Status.EXPIRED)})
    sequence = market.message(row, [(Kind.DEFINITION, 0, 0, 0), (Kind.STATE, 0, closed, expired)])
    book = {"ring_sequence": sequence, "state": closed, "reason": expired}
    market.writer.book_store(row, book, [], [])
    market.writer.publish()


def _renew(flow: Flow) -> None:
    """The same writer goes over to a new epoch, as the engine does: filled, and then shown."""
    market = flow.market
    old = market._held
    segment = {"instruments": 16, "depth": market.depth, "connections": 4}
    writer = old.successor(ring_slots=market.slots, **segment)
    market.truth[writer.epoch] = {1: Written(shm.NO_INSTRUMENT, Kind.WRITER, 3, 0, 1, 0, 0, 0, 0)}
    before = old.writer
    old.writer = writer  # what is written now is for nobody yet
    market.books.clear()
    flow.cells.clear()
    for symbol in SYMBOLS:
        _list(flow, symbol)
    old.writer = before
    old.succeed(writer)


def test_what_lists_and_expires_and_the_next_epoch_are_there_as_here(namespace: str) -> None:
    """Row by row; who reads the mirror goes over as who reads the source does."""
    with (
        Market(namespace, slots=1 << 14) as market,
        Flow(market, pause_s=0.02) as flow,
        sessions() as ends,
    ):
        serving = Serving(ends[0], "here", namespace, (), 48 << 10)
        serving.look()
        its = VenueMirror(ends[1], VENUE, wanted(namespace))
        try:
            feed, mirror = shm.attach(VENUE, namespace=namespace), attached(f"{namespace}m")
            first = mirror.epoch
            with flow.paused():
                rows = {symbol: _list(flow, symbol) for symbol in ("NEW-1", "NEW-2", "NEW-3")}
                _expire(market, rows["NEW-1"], "NEW-1")

            def there() -> bool:
                with suppress(shm.UnknownInstrument):
                    gone, new = mirror.book("NEW-1"), mirror.book("NEW-3")
                    return gone.reason is Reason.EXPIRED and new.state is State.LIVE
                return False

            until(there, "one expired, others are LIVE")
            with flow.paused():
                _expire(market, rows["NEW-3"], "NEW-3")
                until(lambda: same(feed, mirror), "the same")
                assert mirror.segment is not None
                assert mirror.segment.instruments == len(SYMBOLS) + 3
                _renew(flow)
            until(lambda: _epoch(feed) == _epoch(mirror) == market.epoch, "the next epoch")
            assert market.epoch != first
            with flow.paused():
                _list(flow, "NEW-4")
                until(lambda: same(feed, mirror), "the same again")
                assert {state for state, _ in states(mirror)} == {State.LIVE}
                assert mirror.book("NEW-4").state is State.LIVE
            assert its.copy is not None
            assert its.copy.lost == its.tally.lost == 0
        finally:
            its.close()
            serving.close()


def _epoch(feed: shm.Feed) -> int:
    """Where it is by now: it goes over when it is asked for something."""
    with suppress(shm.ShmError):
        feed.book(SYMBOLS[0])
    return feed.epoch
