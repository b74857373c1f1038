"""Real processes on loopback: simulated venues, IO processes, a supervisor; in a namespace of the
test's own that is empty again whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from decimal import Decimal
from subprocess import PIPE
from tempfile import TemporaryDirectory
from typing import IO, Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec
import numpy as np

import shm
from feedhandler import venues as registry
from feedhandler.bench.kit import leftovers
from feedhandler.cli.simulated import pointed_at
from feedhandler.config.keys import Config
from feedhandler.config.load import load
from feedhandler.io_process.main import Order
from feedhandler.sim.runner import SimEndpoint, SimOptions, SimProcess
from shm import Kind, State
from shm.dev_shm import objects, unlink
from shm.inspect import open_memory
from tests.kit.forked import Forked
from tests.kit.patience import DEADLINE_S, SILENCE_S, patient

T = TypeVar("T")
Levels = dict[Decimal, Decimal]

SYMBOLS = {
    "deribit": ("BTC-PERPETUAL", "ETH-PERPETUAL"),
    "okx": ("BTC-USDT", "BTC-USDT-SWAP"),
    "binance": ("BTCUSDT", "ETHUSDT"),
}
#: of further venues, whose protocols are in most alike: they are not run through every test
MORE_SYMBOLS = {
    "binance-usdm": ("BTCUSDT", "ETHUSDT"),
    "bybit-linear": ("BTCUSDT", "ETHUSDT"),
    "bybit-spot": ("BTCUSDT", "ETHUSDT"),
}
_IO_PROCESS = "feedhandler.io_process.main"


def until(condition: Callable[[], T | None], what: str, deadline_s: float = DEADLINE_S) -> T:
    """Wait for a condition to give something true, and return that; see `patient`. A look takes
    CPU, often of two processes: what takes longer is looked at less often."""
    deadline_s = patient(deadline_s)
    began = time.monotonic()
    while True:
        found = condition()
        if found:
            return found
        waited = time.monotonic() - began
        if waited > deadline_s:
            raise AssertionError(f"not within {deadline_s:g} s: {what}")
        time.sleep(0.01 if waited < 0.5 else 0.02 if waited < 2 else 0.05)


class Sim:
    """A simulated venue's control."""

    def __init__(self, endpoint: SimEndpoint) -> None:
        self.endpoint = endpoint

    def _ask(self, path: str, body: dict[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        url = f"{self.endpoint.control_url}/{path}" + (f"?{urlencode(query)}" if query else "")
        request = Request(url, data=None if body is None else json.dumps(body).encode())
        try:
            with urlopen(request, timeout=DEADLINE_S) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:  # without what was asked for and why not it helps nobody
            error.msg = f"{error.msg}: {error.read().decode(errors='replace')} for {body or query}"
            raise

    def fault(self, kind: str, symbol: str | None = None, **more: Any) -> int:
        """Order a fault; its number."""
        named = {} if symbol is None else {"symbol": symbol}
        return int(self._ask("fault", {"kind": kind, **named, **more})["id"])

    def told(self, number: int) -> dict[str, Any]:
        """What became of a fault."""
        return next(fault for fault in self.stats()["faults"] if fault["id"] == number)

    def pause(self) -> None:
        self._ask("pause", {})

    def resume(self) -> None:
        self._ask("resume", {})

    def stats(self) -> dict[str, Any]:
        return self._ask("stats")

    def trades(self, symbol: str) -> list[dict[str, Any]]:
        """The instrument's, the oldest first."""
        found: list[dict[str, Any]] = self._ask("trades", symbol=symbol)["trades"]
        return found

    def book(self, symbol: str, sequence: int | None = None) -> tuple[int, Levels, Levels] | None:
        """(sequence, bids, asks); None: the venue has no such sequence."""
        query: dict[str, Any] = {} if sequence is None else {"sequence": sequence}
        try:
            found = self._ask("book", None, symbol=symbol, **query)
        except HTTPError as error:
            if error.code == 404:
                return None
            raise
        bids, asks = (
            {Decimal(price): Decimal(size) for price, size in found[side]}
            for side in ("bids", "asks")
        )
        return found["sequence"], bids, asks


def scaled(levels: Any, price: int, size: int) -> list[tuple[Decimal, Decimal]]:
    """Raw (n, 2) levels as exact decimals, in their order."""
    return [(Decimal(p).scaleb(price), Decimal(s).scaleb(size)) for p, s in levels.tolist()]


class ForkedSims(SimProcess):
    """Simulators without the imports of each."""

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return Forked("feedhandler.sim", *arguments, stdin=PIPE, stdout=PIPE, process_group=0)


class Rig:
    """Simulators and what runs against them; `stack` takes down what was started."""

    def __init__(self, stack: ExitStack, venues: tuple[str, ...], options: SimOptions) -> None:
        self.namespace = leftovers.memory(f"t{uuid.uuid4().hex[:12]}")
        self.stack = stack
        stack.callback(self._clean)
        sims = stack.enter_context(ForkedSims(venues, options))
        self.sims = {venue: Sim(sims.endpoints[venue]) for venue in venues}
        symbols = SYMBOLS | MORE_SYMBOLS
        config = load(None, venues=venues, namespace=self.namespace)
        config = pointed_at(config, sims.endpoints)
        chosen = {
            venue: msgspec.structs.replace(
                one,
                instruments=symbols.get(venue) or registry.load(venue).default_instruments,
                silence_s=SILENCE_S,
            )
            for venue, one in config.venues.items()
        }
        self.config: Config = msgspec.structs.replace(config, venues=chosen, status_address="")

    def change(self, venue: str, **fields: Any) -> None:
        """Other settings of one venue, before it starts."""
        one = msgspec.structs.replace(self.config.venues[venue], **fields)
        venues = self.config.venues | {venue: one}
        self.config = msgspec.structs.replace(self.config, venues=venues)

    def _clean(self) -> None:
        for name in objects(self.namespace):
            unlink(name.path)

    def left(self) -> list[str]:
        """What of this namespace is in shared memory."""
        return [name.path for name in objects(self.namespace)]

    def _spawn(self, *command: str, order: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdin=PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
        )
        return self._ordered(process, order)

    def _ordered(self, process: subprocess.Popen[bytes], order: Any) -> subprocess.Popen[bytes]:
        self.stack.callback(end, process)
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(order))
        process.stdin.close()
        return process

    def io_process(
        self, venue: str, *, keep: bool = False, run: str = ""
    ) -> subprocess.Popen[bytes]:
        """An IO process without a supervisor: this process is its parent. `run`: other code."""
        order = Order(venue, self.namespace, self.config.venues[venue], keep, os.getpid())
        if run:
            return self._spawn("-c", run, order=order)
        return self._ordered(Forked(_IO_PROCESS, stdin=PIPE), order)

    def supervisor(self, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """`log`: where its lines and those of its IO processes go; None: where ours do."""
        return self._ordered(Forked("tests.kit.supervised", stdin=PIPE, stderr=log), self.config)

    def attach(self, venue: str, deadline_s: float = DEADLINE_S) -> shm.Feed:
        """Attach when the venue says that it is LIVE."""

        def live() -> shm.Feed | None:
            try:
                feed = shm.attach(venue, namespace=self.namespace, timeout=0.05)
            except shm.ShmError:
                return None
            if feed.state[0] == State.LIVE:
                return feed
            feed.close()
            return None

        feed = until(live, f"{venue} is LIVE", deadline_s)
        self.stack.callback(feed.close)
        return feed

    def connected(self, venue: str) -> None:
        """Wait until all its connections are LIVE: those that have no books may be the last."""

        def all_live() -> bool:
            with open_memory(venue, namespace=self.namespace) as memory:
                return all(row["state"] == State.LIVE for row in memory.connections())

        until(all_live, f"all connections of {venue} are LIVE")


@contextmanager
def rig(*venues: str, **options: Any) -> Iterator[Rig]:
    """`options`: of the simulators, whose books move in strides that cost little CPU."""
    with ExitStack() as stack:
        if not os.environ.get("FEEDHANDLER_STATE"):  # pytest has one; this is a script
            os.environ["FEEDHANDLER_STATE"] = stack.enter_context(TemporaryDirectory())
            stack.callback(os.environ.pop, "FEEDHANDLER_STATE")
        yield Rig(stack, venues, SimOptions(**({"rate": 400.0, "batch_interval": 0.05} | options)))


def end(process: subprocess.Popen[bytes]) -> None:
    """Take a process down in order, or not."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(patient(8))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def assert_true_book(sim: Sim, feed: shm.Feed, symbol: str, depth: int = 50) -> int:
    """The book in memory equals the simulator's at its sequence; returns that sequence.

    Tries again while the book in memory stands between two sequences of the venue's own.
    """
    instrument = feed.instrument(symbol)

    def compared() -> int | None:
        book = feed.book(instrument, raw=True)
        if book.state != State.LIVE:
            return None
        truth = sim.book(symbol, book.venue_sequence)
        if truth is None:
            return None
        _, bids, asks = truth
        exponents = book.price_exponent, book.size_exponent
        assert scaled(book.bids, *exponents) == sorted(bids.items(), reverse=True)[:depth]
        assert scaled(book.asks, *exponents) == sorted(asks.items())[:depth]
        assert len(book.bids) >= 5
        assert len(book.asks) >= 5
        return int(book.venue_sequence)

    return until(compared, f"{symbol} is LIVE at a sequence that the venue has")


class RingBooks:
    """Books, trade ids, states and losses by nothing but the records of the ring."""

    def __init__(self, feed: shm.Feed, start: Any = "state") -> None:
        self.feed = feed
        self.events = feed.events(start=start, raw=True)
        self.books: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
        self.sequence: dict[int, int] = {}
        self.states: dict[int, list[tuple[int, int]]] = {}
        self.stamps: dict[int, list[int]] = {}  # of the states: when they were published, unix ns
        self.heard: dict[int, list[float]] = {}  # when book messages came, unix s
        self.connection_states: list[tuple[int, int]] = []
        self.trades: dict[int, list[int]] = {}
        self.records = 0
        self.catch_up()
        self.states.clear()  # what was so before is not news
        self.stamps.clear()

    def poll(self) -> bool:
        """Take in what there is; whether there was something."""
        batch = self.events.poll()
        if batch is None:
            return False
        self.records += len(batch)
        fields = (batch[name].tolist() for name in (
            "instrument", "kind", "side", "price", "size", "venue_sequence"))  # fmt: skip
        published = (batch["receive_ns"] + batch["publish_delta_ns"]).tolist()
        for row, kind, side, price, size, sequence, at in zip(*fields, published, strict=True):
            if kind == Kind.LEVEL:
                levels = self.books.setdefault(row, ({}, {}))[side]
                if size:
                    levels[price] = size
                else:
                    levels.pop(price, None)
                if self.sequence.get(row) != sequence:
                    self.heard.setdefault(row, []).append(at / 1e9)
                self.sequence[row] = sequence
            elif kind == Kind.CLEAR:
                self.books[row] = ({}, {})
                self.sequence[row] = sequence
            elif kind == Kind.TRADE:
                self.trades.setdefault(row, []).append(sequence)
            elif kind == Kind.STATE and side == 0:
                self.states.setdefault(row, []).append((price, size))
                self.stamps.setdefault(row, []).append(at)
            elif kind == Kind.STATE:
                self.connection_states.append((price, size))
        return True

    def catch_up(self) -> None:
        while self.poll():
            pass

    def levels(self, symbol: str) -> tuple[Levels, Levels]:
        """Exact decimals, unordered."""
        instrument = self.feed.instrument(symbol)
        price, size = instrument.price_exponent, instrument.size_exponent
        bids, asks = self.books[instrument.id]
        return (
            {Decimal(p).scaleb(price): Decimal(s).scaleb(size) for p, s in bids.items()},
            {Decimal(p).scaleb(price): Decimal(s).scaleb(size) for p, s in asks.items()},
        )

    def of(self, symbol: str) -> list[tuple[str, str]]:
        """The (state, reason) names of an instrument's STATE records."""
        found = self.states.get(self.feed.instrument(symbol).id, [])
        return [(State(state).name, shm.Reason(reason).name) for state, reason in found]


def board_states(feed: shm.Feed) -> set[int]:
    """Every state on the board."""
    return set(np.unique(feed.board()["state"]).tolist())
