"""A writer in the test's own process, and a whole feed on simulated venues."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from shm import NONE, Flag, Kind, Reason, State
from shm.segment import WriterSegment, create
from tests.cli.support import json_of, run, spawn, until
from tests.conftest import remove_objects

VENUES = ("deribit", "okx", "binance")
CONFIG = """
status_address = ""
[venues.deribit]
instruments = ["BTC-PERPETUAL", "ETH-PERPETUAL", "option:BTC-USD:*"]
[venues.okx]
[venues.binance]
"""
_EXPONENTS = {"price_exponents": [-2] * 8, "size_exponents": [-3] * 8}
_CELL = {"price_exponent": -2, "size_exponent": -3}
BIDS = [(10_000_50, 1_500), (10_000_00, 20_000)]
ASKS = [(10_001_00, 2_000), (10_002_25, 1)]


class Venue:
    """One writer with one instrument, whose heart beats until it is stopped."""

    def __init__(self, namespace: str, ring_slots: int = 64) -> None:
        self.segment: WriterSegment = create(
            "okx", namespace=namespace, instruments=4, depth=5, ring_slots=ring_slots
        )
        self.writer = self.segment.writer
        self.id = self.writer.directory_add(
            {"symbol": b"BTC-USD-SWAP", "name": b"BTC-USD-PERP", "kind": 2, "has_book": 1}
            | _EXPONENTS
        )
        self.writer.set_state(State.LIVE, Reason.NONE)
        self.show(State.LIVE, Reason.NONE)
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat)
        self._heart.start()

    def _beat(self) -> None:
        while not self._over.wait(0.05):
            self.writer.heartbeat()

    def show(self, state: State, reason: Reason) -> None:
        """A snapshot of the book, in this state."""
        levels = [(Kind.LEVEL, 0, p, s) for p, s in BIDS] + [(Kind.LEVEL, 1, p, s) for p, s in ASKS]
        last = self.writer.message(
            self.id, [(Kind.CLEAR, 0, 0, 0), *levels], flags=Flag.SNAPSHOT, venue_sequence=77
        )
        head = _CELL | {
            "state": state, "reason": reason, "ring_sequence": last, "venue_sequence": 77,
            "receive_ns": 1, "bids_total": 2, "asks_total": 2,
        }  # fmt: skip
        self.writer.book_store(self.id, head, BIDS, ASKS)
        quote = _CELL | {"state": state, "reason": reason, "ring_sequence": last}
        quote |= {"bid_price": BIDS[0][0], "ask_price": ASKS[0][0], "last_price": NONE}
        self.writer.quote_store(self.id, quote)
        self.writer.publish()

    def trade(self, price: int, size: int = 1_000) -> int:
        """One trade; its sequence."""
        sequence = self.writer.message(self.id, [(Kind.TRADE, 1, price, size)], venue_sequence=5)
        self.writer.publish()
        return sequence

    def silence(self) -> None:
        """Stop the heart."""
        self._over.set()
        self._heart.join()

    def close(self, *, keep: bool = False) -> None:
        self.silence()
        self.segment.close(keep=keep)


@pytest.fixture
def venue(namespace: str) -> Iterator[Venue]:
    """`okx` with a LIVE BTC-USD-SWAP."""
    made = Venue(namespace)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The namespace of a running `start --sim`, every venue LIVE."""
    name = f"cli-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    folder: Path = tmp_path_factory.mktemp("feed")
    config = folder / "feed.toml"
    config.write_text(CONFIG)
    with (folder / "log").open("w") as log:
        process = spawn(
            "start", str(config), "--sim", "--sim-rate", "50",
            namespace=name, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            until(lambda: _all_live(name, process), "every venue LIVE", 120.0)
            yield name
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            remove_objects(name)


def _all_live(namespace: str, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, "the feed ended"
    result = run("status", "--json", namespace=namespace)
    venues = json_of(result)["venues"]
    return result.returncode == 0 and {each["venue"] for each in venues} == set(VENUES)
