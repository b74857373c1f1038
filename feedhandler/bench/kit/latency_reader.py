"""The strategy of the benchmarks `latency` and `hop`, a process of its own: when it held what.

`python -m feedhandler.bench.kit.latency_reader` takes an `Order` on stdin, says "ready" once
it follows the events from now on, reads until it has all records or none come any more, and then
writes what it saw to the order's file and says "done". It ends when stdin does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time

import msgspec
import numpy as np
import numpy.typing as npt

import shm
from feedhandler.bench.kit import cores
from shm import Overrun

DATA_KINDS = ("level", "trade", "liquidation", "quote", "stat")  # level brings clear
_LOOK = 1 << 14  # polls between two looks at the clock


class Order(msgspec.Struct, frozen=True):
    """`mode`: spin, sleep or asyncio; idle: it spins where nobody else wants the core. `records`:
    how many will come. `patience_s`: without any, after which no more are expected. `path`: an .npz
    file."""

    namespace: str
    venue: str
    mode: str
    records: int
    path: str
    cpu: int | None = None
    patience_s: float = 5.0
    first_s: float = 0.0


class Seen:
    """After each batch: when, and how many records had been handed out or lost; and the batches."""

    def __init__(self, events: shm.Events, order: Order) -> None:
        self.events = events
        self._order = order
        self._began = time.monotonic_ns()
        self._times: list[int] = []
        self._counts: list[int] = []
        self._losses: list[int] = []
        self._batches: list[npt.NDArray[np.void]] = []

    @property
    def over(self) -> bool:
        """Whether all has come or is lost."""
        return self.events.delivered + self.events.lost >= self._order.records

    @property
    def _tired(self) -> bool:
        """Whether nothing has come for long."""
        last = self._times[-1] if self._times else self._began + int(self._order.first_s * 1e9)
        return time.monotonic_ns() - last > self._order.patience_s * 1e9

    def spin(self) -> None:
        """Never sleeps."""
        events, now, polls = self.events, time.monotonic_ns, 0
        add, count, lose = self._times.append, self._counts.append, self._losses.append
        keep = self._batches.append
        records = self._order.records
        while True:
            try:
                batch = events.poll()
            except Overrun:
                batch = None
            if batch is not None:
                add(now())
                count(events.delivered)
                lose(events.lost)
                keep(batch)
                if events.delivered + events.lost >= records:
                    return
            else:
                polls += 1
                if polls % _LOOK == 0 and (self._tired or self.over):
                    return

    def sleep(self) -> None:
        """On the futex, while nothing is there."""
        while not self.over and not self._tired:
            try:
                while (batch := self.events.poll()) is not None:
                    self._note(batch)
                self.events.wait()
            except Overrun:
                continue

    async def follow(self) -> None:
        """As a task of an event loop."""
        while not self.over and not self._tired:
            try:
                async with asyncio.timeout(self._order.patience_s):
                    batch = await anext(self.events)
            except Overrun:
                continue
            except TimeoutError:
                return
            self._note(batch)

    def _note(self, batch: npt.NDArray[np.void]) -> None:
        self._times.append(time.monotonic_ns())
        self._counts.append(self.events.delivered)
        self._losses.append(self.events.lost)
        self._batches.append(batch)

    def table(self) -> npt.NDArray[np.int64]:
        """(batches, 3): CLOCK_MONOTONIC ns, records handed out, records lost."""
        return np.array([self._times, self._counts, self._losses], np.int64).T

    def published(self) -> npt.NDArray[np.int64]:
        """When each record that was handed out was in memory, CLOCK_MONOTONIC ns, by the writer."""
        times = [batch["receive_ns"] + batch["publish_delta_ns"] for batch in self._batches]
        return np.concatenate(times) - clocks_apart() if times else np.zeros(0, np.int64)

    def stamps(self) -> npt.NDArray[np.int64]:
        """The exchange_ns of each record that was handed out."""
        stamps = [batch["exchange_ns"] for batch in self._batches]
        return np.concatenate(stamps) if stamps else np.zeros(0, np.int64)


def clocks_apart() -> int:
    """Unix time minus CLOCK_MONOTONIC, ns: of a few looks the one that took least."""
    looks = []
    for _ in range(9):
        before, unix, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        looks.append((after - before, unix - (before + after) // 2))
    return min(looks)[1]


def run(order: Order) -> None:
    """Follow, and write down what was seen."""
    if order.cpu is not None:
        os.sched_setaffinity(0, {order.cpu})
    with shm.attach(order.venue, namespace=order.namespace) as feed:
        seen = Seen(feed.events(kinds=DATA_KINDS, start="now"), order)
        gc.disable()
        if order.mode == "idle":
            cores.last()
        print("ready", flush=True)
        if order.mode in ("spin", "idle"):
            seen.spin()
        elif order.mode == "sleep":
            seen.sleep()
        else:
            asyncio.run(seen.follow())
        np.savez(order.path, seen=seen.table(), published=seen.published(), stamps=seen.stamps())
        seen.events.close()
    print("done", flush=True)


if __name__ == "__main__":
    run(msgspec.json.decode(sys.stdin.buffer.readline(), type=Order))
    sys.stdin.buffer.read()
