"""A reader of the soak: checks all that it sees, counts what is wrong, and goes on.

    python -m tests.torture.soak_reader NAMESPACE STYLE

A line of JSON a second: what it counted so far. It ends when the writer stops in order.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import signal
import sys
import time
import traceback
from collections import Counter

import numpy as np
import numpy.typing as npt

import shm
from tests.shm.stress_payload import INSTRUMENTS
from tests.shm.stress_reader import Checker, check_cells
from tests.torture.scenarios import VENUE

STYLES = ("spin", "sleep", "slow", "resync", "async", "cells", "late")
COUNTS = ("records", "lost", "cells", "epochs", "torn", "wrong", "errors")


class Reader:
    def __init__(self, namespace: str, style: str) -> None:
        self.style = style
        self.feed = shm.attach(VENUE, namespace=namespace, timeout=60)
        self.saw: Counter[str] = Counter()
        self.stopped = False
        self._said = 0.0
        self._ended = 0  # the epoch that was last seen to end
        self._begin()

    def _new(self) -> None:
        """Begin to count anew, with what is published next."""
        resync = self.style in ("resync", "async", "late")
        events = self.feed.events(
            start="state" if self.style == "late" else "now",
            on_overrun="resync" if resync else "raise",
            raw=True,
            name=f"soak-{self.style}",
        )
        self.checker = Checker(self.feed, events, strict=not resync)
        self.joined = False

    def say(self) -> None:
        """Not more often than once a second."""
        now = time.monotonic()
        if now - self._said >= 1 or self.stopped:
            self._said = now
            counts = {name: self.saw[name] for name in COUNTS}
            print(json.dumps({**counts, "epoch": self.feed.epoch}), flush=True)

    def found(self, error: BaseException) -> None:
        """Something is wrong: count it, say it, and begin anew."""
        if isinstance(error, AssertionError):
            self.saw["torn" if "torn" in str(error) else "wrong"] += 1
        else:
            self.saw["errors"] += 1
        traceback.print_exception(error, file=sys.stderr)
        sys.stderr.flush()

    def lost(self, error: shm.WriterLost) -> None:
        self.saw["epochs"] += error.epoch != self._ended
        self._ended = error.epoch
        self.stopped = error.reason == "stopped"

    def overrun(self, error: shm.Overrun) -> None:
        self.join()
        self.saw["lost"] += error.lost
        self.checker.overrun(error)

    def step(self) -> None:
        """Read what is there."""
        if self.style == "cells":
            known = self.feed.instruments()
            if len(known) >= INSTRUMENTS:
                check_cells(self.feed, known, self.saw)
            else:
                self.feed.reattach()
                self.feed.board()
            return
        if self.style == "slow":
            time.sleep(0.02)
        events = self.checker.events
        batch = events.poll() if self.style in ("spin", "slow") else next(events)
        if batch is not None:
            self.batch(batch)

    def batch(self, batch: npt.NDArray[np.void]) -> None:
        self.join()
        self.saw["records"] += len(batch)
        self.checker.batch(batch)

    def join(self) -> None:
        """Where it joined is known after the first read: never inside a message that is split."""
        events = self.checker.events
        if not self.joined:
            self.joined = True
            gone_by = events.delivered + events.filtered + events.lost
            self.checker.rows = events.sequence - 1 - gone_by

    def run(self) -> None:
        while not self.stopped:
            try:
                self.step()
            except shm.Overrun as error:
                self.overrun(error)
            except shm.WriterLost as error:
                self.gone(error)
            except (AssertionError, shm.ShmError) as error:
                self.found(error)
                self.again()
            self.say()

    def gone(self, error: shm.WriterLost) -> None:
        self.lost(error)
        if not self.joined:
            self.again()
            return
        try:
            if self.style != "cells":
                self.checker.writer_lost(error)
        except AssertionError as wrong:
            self.found(wrong)
            self.again()

    def again(self) -> None:
        """A new place in the ring."""
        self.checker.events.close()
        self._begin()

    def _begin(self) -> None:
        """With whichever writer lives, or is the next one to live."""
        deadline = time.monotonic() + 30
        while not self.stopped and time.monotonic() < deadline:
            try:
                self._new()
            except shm.WriterLost as error:
                self.lost(error)
                time.sleep(0.01)
            else:
                return

    async def run_async(self) -> None:
        while not self.stopped:
            try:
                async for batch in self.checker.events:
                    self.batch(batch)
                    self.say()
            except shm.WriterLost as error:
                self.gone(error)
            except (AssertionError, shm.ShmError) as error:
                self.found(error)
                self.again()
            self.say()
        self.checker.events.close()


def main() -> None:
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    reader = Reader(sys.argv[1], sys.argv[2])
    if reader.style == "async":
        asyncio.run(reader.run_async())
    else:
        reader.run()


if __name__ == "__main__":
    main()
