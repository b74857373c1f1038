"""The stress test's writer: runs until it is killed, or its standard input is closed."""

from __future__ import annotations

import random
import select
import sys
import time

import numpy as np

from shm import Kind, Reason, State, segment
from shm._native import DTYPES, Writer
from tests.shm.stress_payload import (
    DEPTH,
    INSTRUMENTS,
    LONG,
    QUOTE_FLOATS,
    QUOTE_WORDS,
    SLOTS,
    mix,
)


class Feeder:
    def __init__(self, writer: Writer, seed: int, long: int = LONG) -> None:
        self.writer = writer
        self.long = long
        self.random = random.Random(seed)
        self.count = [0] * INSTRUMENTS  # level messages, by instrument
        self.trades = 0
        self.quote = np.zeros(1, DTYPES["quote"])[0]
        self.head = np.zeros(1, DTYPES["book"])[0]

    def message(self) -> None:
        pick = self.random
        instrument = pick.randrange(INSTRUMENTS)
        length = self.long if pick.random() < 0.01 else pick.randrange(1, 7)
        first = self.writer.next_sequence
        if pick.random() < 0.2:
            self.trades += 1
            self.send(instrument, [(Kind.TRADE, 0, mix(first, 1), mix(first, 2), 7)], self.trades)
            return
        self.count[instrument] += 1
        number = self.count[instrument]
        last = self.send(
            instrument,
            [
                (Kind.LEVEL, n & 1, mix(n, 1), mix(n, 2), mix(n, 3) & 0xFFFFFFFF)
                for n in range(first, first + length)
            ],
            number,
        )
        self.cells(instrument, last, number)

    def send(self, instrument: int, records: list[tuple[int, ...]], number: int) -> int:
        return self.writer.message(
            instrument,
            records,
            venue_sequence=number,
            exchange_ns=mix(number * 64 + instrument, 4),
        )

    def cells(self, instrument: int, last: int, number: int) -> None:
        for cell in (self.quote, self.head):
            cell["ring_sequence"] = last
            cell["venue_sequence"] = number
            cell["state"] = State.LIVE
        for salt, name in enumerate(QUOTE_WORDS):
            self.quote[name] = mix(last, salt)
        for salt, name in enumerate(QUOTE_FLOATS):
            self.quote[name] = float(mix(last, salt + 50))
        self.head["exchange_ns"] = mix(last, 0)
        self.head["publish_ns"] = mix(last, 2)
        self.writer.quote_store(instrument, self.quote)
        levels = [(mix(last, i), mix(last, i + 100)) for i in range(DEPTH)]
        asks = [(mix(last, i + 200), mix(last, i + 300)) for i in range(DEPTH)]
        self.writer.book_store(instrument, self.head, levels, asks)

    def run(self) -> None:
        beat = 0.0
        while True:
            for _ in range(self.random.choice((1, 2, 5, 20, 300))):
                for _ in range(self.random.randrange(1, 4)):
                    self.message()
                self.writer.publish()
                self.writer.wake()
                if time.monotonic() - beat > 0.05:
                    beat = time.monotonic()
                    self.writer.heartbeat()
            if select.select([sys.stdin], [], [], self.random.choice((0, 0.001, 0.02)))[0]:
                return


def main() -> None:
    namespace, seed = sys.argv[1], int(sys.argv[2])
    owner = segment.create(
        "stress", namespace=namespace, instruments=8, depth=DEPTH, ring_slots=SLOTS
    )
    for row in range(INSTRUMENTS):
        owner.writer.directory_add({"symbol": f"I{row}", "name": f"N{row}"})
    owner.writer.publish()
    print(owner.epoch, flush=True)
    Feeder(owner.writer, seed).run()
    owner.writer.set_state(State.CLOSED, Reason.STOPPED)
    owner.close(keep=True)


if __name__ == "__main__":
    main()
