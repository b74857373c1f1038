"""A strategy that sleeps: the kernel wakes it when there is news, and it costs no core.

    python scripts/examples/sleeping.py okx BTC-USDT --seconds 1

Keeps a book of its own from the events, as a program in another process or on another machine
would, and makes bars of trades. A bar is only as good as its data: it says how many records were
lost and whether the book was LIVE throughout. Ends with Ctrl-C, or after --bars.
"""

from __future__ import annotations

import argparse
import signal
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

import shm


@dataclass
class Book:
    """Levels as the events tell them: price to size, by side (0 bids, 1 asks)."""

    sides: tuple[dict[float, float], dict[float, float]] = field(default_factory=lambda: ({}, {}))

    def take(self, event: np.void) -> None:
        """One LEVEL or CLEAR record. A size of 0 removes the level."""
        if event["kind"] == shm.Kind.CLEAR:
            for side in self.sides:
                side.clear()
        elif event["size"]:
            self.sides[event["side"]][float(event["price"])] = float(event["size"])
        else:
            self.sides[event["side"]].pop(float(event["price"]), None)

    def best(self) -> tuple[float, float]:
        """Best bid and ask, NaN where there is none."""
        bids, asks = self.sides
        return max(bids, default=float("nan")), min(asks, default=float("nan"))


@dataclass
class Bar:
    """Trades within an interval of our clock."""

    open_ns: int
    prices: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    lost: int = 0
    live: bool = True

    def show(self, book: Book) -> None:
        """Print it. The volume-weighted price is of the sizes in the venue's units."""
        volume = sum(self.sizes)
        vwap = float(np.dot(self.prices, self.sizes)) / volume if volume else float("nan")
        bid, ask = book.best()
        marks = "" if self.live else "  NOT LIVE THROUGHOUT"
        marks += f"  {self.lost} RECORDS LOST" if self.lost else ""
        print(
            f"{len(self.prices)} trades  vwap {vwap:.2f}  volume {volume:.10g}  "
            f"book {bid:.10g} x {ask:.10g}{marks}",
            flush=True,
        )


def main() -> None:
    options = arguments()
    span = round(options.seconds * 1e9)
    feed = shm.attach(options.venue)
    one = feed.instrument(options.symbol)
    # "state" begins with the book as it is; "resync" does so again after an overrun.
    events = feed.events([one], ["level", "trade", "state"], "state", "resync", name="bars example")
    book, bar, state, shown, lost = Book(), Bar(0), shm.State.NONE, 0, 0
    while shown < options.bars:
        try:
            batch: npt.NDArray[np.void] = next(events)
        except shm.WriterLost as gone:
            print(f"{gone}: the book is nobody's until there is a new one", flush=True)
            book, state, bar.live = Book(), shm.State.NONE, False
            continue
        bar.lost, lost = bar.lost + events.lost - lost, events.lost
        for event in batch:
            if event["receive_ns"] - bar.open_ns >= span and event["kind"] == shm.Kind.TRADE:
                if bar.open_ns:
                    bar.show(book)
                    shown += 1
                bar = Bar(int(event["receive_ns"]) // span * span, live=state == shm.State.LIVE)
            if event["kind"] == shm.Kind.TRADE:
                bar.prices.append(float(event["price"]))
                bar.sizes.append(float(event["size"]))
            elif event["kind"] == shm.Kind.STATE:
                state = shm.State(int(event["price"]))
                bar.live = bar.live and state == shm.State.LIVE
            else:
                book.take(event)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("venue")
    parser.add_argument("symbol", help="the venue's name, or the normalised one")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a bar; default 1")
    parser.add_argument("--bars", type=float, default=float("inf"), help="stop after so many")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
