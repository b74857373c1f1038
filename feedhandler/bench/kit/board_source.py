"""The source of a mirror, a process of its own: an option board through the engine into memory.

`python -m feedhandler.bench.kit.board_source` takes an `Order` on stdin, says "ready" when every
book is LIVE, and then takes a `Pace` a line; each is obeyed until the next one comes, and what was
done under it is said then, as a `Done`. It ends when stdin does.
"""

from __future__ import annotations

import sys
import time
from io import FileIO
from select import select

import msgspec
import numpy as np

from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.bench.kit.board_frames import VENUE, board
from shm import State
from shm.segment import create

_BEAT_S = 0.1
_FRAMES = 20_000


class Order(msgspec.Struct, frozen=True):
    """`namespace`: of the memory. `frames`: how many, before they come again."""

    namespace: str
    instruments: int = 20
    frames: int = _FRAMES
    depth: int = 50
    ring_slots: int = 1 << 17
    seed: int = 7


class Pace(msgspec.Struct, frozen=True):
    """`rate`: frames a second, in a batch every `batch_s`; 0: none. `frames`: so many of them, of
    which none is left out; 0: without end."""

    rate: float
    batch_s: float = 0.001
    frames: int = 0


class Done(msgspec.Struct, frozen=True):
    """`published`: the last sequence. `frames`, `records`: written. `frame_ns`: the median of what
    a frame took its writer, readers woken. `cpu_ns`: of the process."""

    published: int
    frames: int
    records: int
    frame_ns: float
    cpu_ns: int


class _Source:
    def __init__(self, order: Order) -> None:
        case = board(order.instruments, order.frames, 1000, order.seed)
        self._frames, self._at = case.frames, 2 * order.instruments
        self.held = create(
            VENUE,
            namespace=order.namespace,
            instruments=2 * order.instruments,
            depth=order.depth,
            ring_slots=order.ring_slots,
            connections=4,
        )
        self._writer = self.held.writer
        self._engine = make_engine(venues.load(VENUE), self._writer, auto_add=True)
        connection = self._engine.connection(0)
        connection.begin()
        self._feed = connection.feed_all
        self._feed(self._frames[: self._at])
        self._writer.set_state(State.LIVE, 0, "a board that is made")
        self._writer.heartbeat(time.time_ns())
        self._beaten = time.monotonic()

    def beat(self, now: float) -> None:
        if now - self._beaten >= _BEAT_S:
            self._beaten = now
            self._writer.heartbeat(time.time_ns())

    def some(self, count: int) -> float:
        """Write so many; ns a frame."""
        took, left = 0, count
        while left:
            frames = self._frames[self._at : self._at + left]
            began = time.perf_counter_ns()
            self._feed(frames)
            took += time.perf_counter_ns() - began
            left -= len(frames)
            self._at = (self._at + len(frames)) % len(self._frames)
        return took / count

    def run(self, pace: Pace) -> Done:
        """Until the next line comes on stdin."""
        first, cpu, sent, took = self._writer.published, time.process_time_ns(), 0, []
        began = last = time.monotonic()
        while True:
            now = time.monotonic()
            self.beat(now)
            due = int((now - began) * pace.rate)
            due = min(due, pace.frames) if pace.frames else due
            if due > sent:
                took.append(self.some(due - sent))
                sent = due
            last += pace.batch_s
            last = max(
                last, now
            )  # one that is late does not hurry: its frames are due all the same
            wait = max(0.0, last - time.monotonic())
            if sent < pace.frames:  # so many were wanted
                time.sleep(wait)
            elif select([sys.stdin], [], [], wait)[0]:
                break
        return Done(
            published=self._writer.published,
            frames=sent,
            records=self._writer.published - first,
            frame_ns=float(np.median(took)) if took else 0.0,
            cpu_ns=time.process_time_ns() - cpu,
        )


def main() -> None:
    lines = iter(FileIO(0, closefd=False).readline, b"")  # nothing is read ahead of `select`
    order = msgspec.json.decode(next(lines), type=Order)
    source = _Source(order)
    print("ready", flush=True)
    pace = Pace(0.0, _BEAT_S)
    with source.held:
        while True:
            done = source.run(pace)
            line = next(lines, b"")
            if not line:
                return
            print(msgspec.json.encode(done).decode(), flush=True)
            pace = msgspec.json.decode(line, type=Pace)


if __name__ == "__main__":
    main()
