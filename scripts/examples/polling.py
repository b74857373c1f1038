"""A strategy that polls: it spins on a core of its own and never sleeps.

    python scripts/examples/polling.py deribit BTC-PERPETUAL --cpu 3

Leans with the book: when one side of the first levels is much larger than the other, and a trade
prints in that direction, it would buy or sell. It prints what it would do, and sends nothing.
Ends with Ctrl-C, or after --signals.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal

import shm

LEVELS = 5


def imbalance(book: shm.Book) -> float:
    """Of the sizes of the first levels: from -1, all asks, to 1, all bids; 0 for an empty book."""
    bids, asks = book.bids[:, 1].sum(), book.asks[:, 1].sum()
    return float((bids - asks) / (bids + asks)) if bids + asks else 0.0


def main() -> None:
    options = arguments()
    if options.cpu is not None:
        os.sched_setaffinity(0, {options.cpu})
    feed = shm.attach(options.venue)
    perp = feed.instrument(options.symbol)
    events = feed.events([perp], ["trade"], name="polling example")
    gc.freeze()  # what is here now lives as long as the process: the collector need not look at it
    print(f"polling {perp.symbol} of {feed.venue}, tick {perp.tick:.10g}", flush=True)
    signals = 0
    while signals < options.signals:
        try:
            batch = events.poll()  # some tens of nanoseconds when nothing is new
        except shm.Overrun as overrun:
            # Trades are gone for good; the book comes from its cell and is right all the same.
            print(f"too slow: {overrun.lost} records lost", flush=True)
            continue
        except shm.WriterLost as lost:
            print(f"{lost}: standing aside until there is a new one", flush=True)
            continue
        if batch is None:
            continue
        book = feed.book(perp, depth=LEVELS)
        lean = imbalance(book)
        buys = batch["side"][-1] == shm.Side.BUY  # of a trade: the taker's side
        if abs(lean) < options.lean or (lean > 0) != buys:
            continue
        try:
            feed.require_live([perp], max_age_ns=options.max_age_ms * 1_000_000)
        except shm.NotLive as reason:
            print(f"held back: {reason}", flush=True)
            continue
        price, size = book.asks[0] if buys else book.bids[0]
        verb = "buy" if buys else "sell"
        print(f"would {verb} {size:.10g} at {price:.10g}: leaning {lean:+.2f}", flush=True)
        signals += 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("venue")
    parser.add_argument("symbol", help="the venue's name, or the normalised one")
    parser.add_argument("--cpu", type=int, help="pin this process to a CPU: leave it to it alone")
    parser.add_argument("--lean", type=float, default=0.3, help="from 0 to 1; default 0.3")
    parser.add_argument("--max-age-ms", type=int, default=1000)
    parser.add_argument("--signals", type=float, default=float("inf"), help="stop after so many")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
