"""What every public call says in every state of venue and writer: the table of docs/strategy.md.

The document is the oracle. Each column is a state that real writer processes were brought into,
each row a call; the feeds of a column were attached before, as a strategy's would be.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import shm
from shm import consolidated, dev_shm

DOCUMENT = Path(__file__).parents[2] / "docs" / "strategy.md"
DEADLINE_S = 60.0
PERP, NAME = "BTC-PERPETUAL", "BTC-USD-PERP"
STATES = (
    "not there", "starting", "listing", "LIVE", "silent", "stopped", "killed", "superseded",
    "replaced, listing", "replaced, LIVE", "closed",
)  # fmt: skip

_WRITER = f"""
import sys, threading, time
from shm import segment, State, Reason, InstrumentKind, OptionType
from shm._native import Writer
namespace, state = sys.argv[1:]

def say(word):
    print(word, flush=True)

def asleep(*args, **kwargs):
    say("starting")
    sys.stdin.read()

if state == "starting":
    segment.new_epoch = asleep
made = segment.create("v", namespace=namespace, instruments=8, depth=5, ring_slots=64)
writer = made.writer
writer.set_state(State.SYNCING, Reason.START)
if state == "LIVE":
    option = {{"kind": InstrumentKind.OPTION, "option_type": OptionType.CALL, "strike": 90_000.0,
              "expiry_ns": 4_102_444_800 * 10**9, "base": "BTC", "quote": "USD", "settle": "BTC"}}
    for row in ({{"symbol": {PERP!r}, "name": {NAME!r}, "kind": InstrumentKind.PERPETUAL}},
                {{"symbol": "BTC-OPTION", "name": "BTC-USD-OPTION", **option}}):
        id = writer.directory_add(row)
        now = time.time_ns()
        cell = {{"state": State.LIVE, "receive_ns": now}}
        writer.book_store(id, cell, [[1, 1]], [[2, 1]])
        sides = {{"bid_price": 1, "bid_size": 1, "ask_price": 2, "ask_size": 1, "data_ns": now}}
        writer.quote_store(id, {{**cell, **sides}})
    writer.set_state(State.LIVE, Reason.NONE)

def beat():
    while True:
        writer.heartbeat()
        time.sleep(0.01)

threading.Thread(target=beat, daemon=True).start()
say(state)
sys.stdin.readline()
made.close()
say("stopped")
"""


class Writers:
    """Writer processes of the venue `v`."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, state: str) -> subprocess.Popen[str]:
        """A writer that is "starting", "listing" or "LIVE"."""
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, self.namespace, state],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == state
        return process

    def stop(self, process: subprocess.Popen[str]) -> None:
        assert process.communicate("stop\n", DEADLINE_S)[0] == "stopped\n"

    def kill(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()

    def end(self) -> None:
        for process in self._processes:
            process.kill()  # also one that was stopped
            process.communicate()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Stage:
    """A state of the venue, and feeds that were attached before it came to that."""

    def __init__(self, namespace: str, state: str) -> None:
        self.namespace = namespace
        self.feeds: dict[str, shm.Feed] = {}
        self.events: shm.Events | None = None
        self._first: shm.Instrument | None = None
        writers = self.writers = Writers(namespace)
        if state == "not there":
            return
        if state == "starting":
            writers.start(state)
            return
        first = writers.start("listing" if state == "listing" else "LIVE")
        self._attach()
        if state == "silent":
            os.kill(first.pid, signal.SIGSTOP)
        elif state == "stopped":
            writers.stop(first)
        elif state in ("killed", "superseded") or state.startswith("replaced"):
            writers.kill(first)
            if state != "killed":
                second = writers.start("listing" if state.endswith("listing") else "LIVE")
                if state == "superseded":
                    writers.kill(second)
        elif state == "closed":
            for feed in self.feeds.values():
                feed.close()
        age = {"silent": 10**9, "killed": 33 * 10**7}.get(state, 0)
        if age:
            segment = self.feeds["feed.alive()"].segment
            assert segment is not None
            until(lambda: time.time_ns() - segment.heartbeat_ns > age)

    def _attach(self) -> None:
        self.feeds = {call: shm.attach("v", namespace=self.namespace) for call in CALLS}
        following = self.feeds["following events"].events()
        self.events = following
        found = self.feeds["feed.alive()"].instruments()
        self._first = found[0] if found else None
        for feed in self.feeds.values():  # a strategy has looked up what it trades
            if found:
                feed.instrument(PERP)

    @property
    def perp(self) -> shm.Instrument | str:
        """As looked up at the beginning; where there was nothing yet, by its name."""
        return PERP if self._first is None else self._first

    def close(self) -> None:
        for feed in self.feeds.values():
            feed.close()
        self.writers.end()
        for left in dev_shm.objects(self.namespace):
            dev_shm.unlink(left.path)


def _liveness(cell: shm.Quote | shm.Book) -> str:
    if cell.state is shm.State.NONE:
        return "NONE"
    return "LIVE" if cell.live else "not live"


def _rows(board: shm.Board) -> str:
    if not len(board):
        return "no rows"
    return "LIVE" if board.live.all() else "not live"


def _said(state: tuple[shm.State, shm.Reason]) -> str:
    return f"{state[0].name} ({state[1].name})" if state[1] else state[0].name


def _epoch(feed: shm.Feed, instrument: shm.Instrument) -> str:
    return "found" if instrument.epoch == feed.epoch else "as before"


def _listed(feed: shm.Feed, _: Stage) -> str:
    return "all" if len(feed.instruments()) == 2 else "none"


def _best(_: shm.Feed, stage: Stage) -> str:
    kept: dict[tuple[str, str], shm.Feed] = consolidated._feeds
    try:
        found = shm.best(["v"], NAME, namespace=stage.namespace, max_age_ns=10**15)
    finally:
        for feed in [kept.pop(place) for place in list(kept) if place[0] == stage.namespace]:
            feed.close()
    return "a bid" if found.bid else "left out" if found.left_out else "nothing"


def _attach(_: shm.Feed, stage: Stage) -> str:
    shm.attach("v", namespace=stage.namespace, timeout=0).close()
    return "a feed"


def _new_events(feed: shm.Feed, _: Stage) -> str:
    with feed.events(start="state") as events:
        batch = events.poll()
        if batch is None or not (batch["kind"] == shm.Kind.QUOTE).any():
            return "none"
        return "the state"


def _following(_: shm.Feed, stage: Stage) -> str:
    assert stage.events is not None
    lost, found = 0, 0
    for _try in range(8):
        try:
            batch = stage.events.poll()
        except shm.WriterLost:
            lost += 1
        else:
            found += 0 if batch is None else int((batch["kind"] != shm.Kind.WRITER).sum())
    assert lost <= 1
    return "`WriterLost` once" if lost else "none" if not found else f"{found}"


def _guard(feed: shm.Feed, *arguments: Any) -> str:
    feed.require_live(*arguments)
    return "passes"


def _past(found: shm.History) -> str:
    """Each of these writers began less than a minute ago."""
    assert "before this writer" in found.missing[0].reason
    return "a table"


def _then(book: shm.PastBook) -> str:
    return "a book" if len(book.bids) else "nothing"


def _told(amount: float) -> str:
    """By its terms, or not a number where they say nothing."""
    return "not a number" if amount != amount else "a number"


CALLS: dict[str, Callable[[shm.Feed, Stage], str]] = {
    "shm.attach(v, timeout=0)": _attach,
    "shm.best([v], name)": _best,
    "feed.alive()": lambda feed, _: f"{feed.alive()}",
    "feed.reattach()": lambda feed, _: f"{feed.reattach()}",
    "feed.state": lambda feed, _: _said(feed.state),
    "feed.instruments()": _listed,
    "feed.instrument(name)": lambda feed, _: _epoch(feed, feed.instrument(PERP)),
    "feed.named(name)": lambda feed, _: _epoch(feed, feed.named(NAME)),
    "feed.alike(name)": lambda feed, _: _epoch(feed, *feed.alike(NAME)),
    "feed.changed(i)": lambda feed, s: f"{feed.changed(s.perp)}",  # type: ignore[arg-type]
    "feed.quote(i)": lambda feed, s: _liveness(feed.quote(s.perp)),
    "feed.book(i)": lambda feed, s: _liveness(feed.book(s.perp)),
    "feed.board()": lambda feed, _: _rows(feed.board()),
    "feed.board([i])": lambda feed, s: _rows(feed.board([s.perp])),
    "feed.chain(underlying)": lambda feed, _: _rows(feed.chain("BTC")),
    "feed.expiries(underlying)": lambda feed, _: "all" if feed.expiries("BTC") else "none",
    "feed.coins(i, 1)": lambda feed, s: _told(feed.coins(s.perp, 1.0)),
    "feed.notional(i, 1, price)": lambda feed, s: _told(feed.notional(s.perp, 1.0, 100.0)),
    "feed.events(start=\"state\")": _new_events,
    "following events": _following,
    "feed.trades(\"1m\")": lambda feed, _: _past(feed.trades("1m")),
    "feed.liquidations(\"1m\")": lambda feed, _: _past(feed.liquidations("1m")),
    "feed.quotes(\"1m\")": lambda feed, _: _past(feed.quotes("1m")),
    "feed.bars(\"1s\", \"1m\")": lambda feed, _: _past(feed.bars("1s", "1m")),
    "feed.book_at(i, \"-1ms\")": lambda feed, s: _then(feed.book_at(s.perp, "-1ms")),
    "feed.ring_span_ns": lambda feed, _: "too little" if feed.ring_span_ns is None else "a time",
    "feed.require_live()": lambda feed, _: _guard(feed),
    "feed.require_live([i])": lambda feed, s: _guard(feed, [s.perp]),
    "feed.require_live([])": lambda feed, _: _guard(feed, []),
}  # fmt: skip


@cache
def table() -> dict[str, dict[str, str]]:
    """Call -> state -> what it says."""
    part = DOCUMENT.read_text().partition("## What every call says")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in part.splitlines()
        if line.startswith("| ")
    ]
    assert tuple(rows[0][1:]) == STATES
    assert all(len(row) == len(rows[0]) for row in rows), [r for r in rows if len(r) != 12]
    return {row[0].strip("`"): dict(zip(STATES, row[1:], strict=True)) for row in rows[1:]}


@pytest.fixture(scope="module", params=STATES)
def stage(request: pytest.FixtureRequest) -> Iterator[tuple[str, Stage]]:
    made = Stage(f"test-{os.getpid()}-states-{STATES.index(request.param)}", request.param)
    try:
        yield request.param, made
    finally:
        made.close()


def test_the_table_has_every_call() -> None:
    assert list(table()) == list(CALLS)
    public = {name for name in dir(shm.Feed) if not name.startswith("_")}
    told = {found[1] for call in CALLS if (found := re.match(r"feed\.(\w+)", call))}
    facts = {"venue", "namespace", "epoch", "segment", "close", "recording"}
    assert public - facts == told


@pytest.mark.parametrize("call", CALLS)
def test_a_call_says_what_the_table_says(stage: tuple[str, Stage], call: str) -> None:
    state, made = stage
    if call.startswith(("feed.", "following")) and not made.feeds:
        said = "-"
    else:
        try:
            said = CALLS[call](made.feeds.get(call), made)  # type: ignore[arg-type]
        except shm.ShmError as error:
            said = f"`{type(error).__name__}`"
    assert said == table()[call][state], (call, state)


def test_the_guard_notices_a_kill_at_once(namespace: str) -> None:
    """Not only when its heartbeat is old."""
    writers = Writers(namespace)
    try:
        process = writers.start("LIVE")
        with shm.attach("v", namespace=namespace) as feed:
            feed.require_live()
            writers.kill(process)
            for wanted in (None, [PERP], []):
                with pytest.raises(shm.WriterLost):
                    feed.require_live(wanted)
    finally:
        writers.end()
