"""A strategy in asyncio: follows one instrument over several venues in one process.

    python scripts/examples/async_venues.py BTC-USD-PERP deribit okx

Prints the consolidated best bid and offer when it changes, whose they are, and who is left out and
why; and when one venue's bid is above another's offer by more than --fees, what it would do. Ends
with Ctrl-C, or after --changes.
"""

from __future__ import annotations

import argparse
import asyncio
import signal

import shm


class Watch:
    """The last best bid and offer that was shown."""

    def __init__(self, feeds: list[shm.Feed], options: argparse.Namespace) -> None:
        self.feeds, self.options = feeds, options
        self.shown: object = None
        self.changes = 0

    def look(self) -> bool:
        """Read all venues' quotes; False when enough was seen."""
        best = shm.best(self.feeds, self.options.name, max_age_ns=self.options.max_age_ms * 10**6)
        left_out = {(one.venue, one.side): one.why.partition(":")[0] for one in best.left_out}
        # How old a quote is, is no news.
        seen = [
            (side.venue, side.price, side.size) if side else None for side in (best.bid, best.ask)
        ]
        news = (*seen, left_out.keys())
        if news == self.shown:
            return True
        self.shown = news
        self.changes += 1
        bid, ask = (
            f"{side.price:.10g} x {side.coins:.6f} {side.venue}" if side else "none"
            for side in (best.bid, best.ask)
        )
        print(f"bid {bid}  |  ask {ask}", flush=True)
        for one in best.left_out:
            print(f"  without {one.venue} ({one.side}): {one.why}", flush=True)
        if best.bid and best.ask and -best.spread > self.options.fees * best.mid:
            self.act(best.bid, best.ask)
        return bool(self.changes < self.options.changes)

    def act(self, bid: shm.BestSide, ask: shm.BestSide) -> None:
        """Both legs at once, of the smaller size in coins; each venue is guarded by itself."""
        feeds = {feed.venue: feed for feed in self.feeds}
        coins = min(bid.coins, ask.coins)
        try:
            for side in (bid, ask):
                feeds[side.venue].require_live([side.instrument], self.options.max_age_ms * 10**6)
        except (shm.NotLive, shm.WriterLost) as reason:
            print(f"  held back: {reason}", flush=True)
            return
        print(
            f"  would buy {coins:.6f} at {ask.venue} for {ask.price:.10g} and sell them at "
            f"{bid.venue} for {bid.price:.10g}",
            flush=True,
        )


async def follow(feed: shm.Feed, name: str, watch: Watch, done: asyncio.Event) -> None:
    """Look again whenever something happened at this venue, its writer's end included."""
    events = feed.events([feed.named(name)], ["level", "quote", "state"], on_overrun="resync")
    while not done.is_set():
        try:
            await anext(events)  # what happened is in the cells: `best` reads those
        except shm.WriterLost as lost:
            print(lost, flush=True)
        if not watch.look():
            done.set()
    events.close()


async def main() -> None:
    options = arguments()
    feeds = [shm.attach(venue) for venue in options.venues]
    watch, done = Watch(feeds, options), asyncio.Event()
    tasks = [asyncio.create_task(follow(feed, options.name, watch, done)) for feed in feeds]
    stopped = asyncio.create_task(done.wait())
    await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopped, *tasks):
        if task.done():
            task.result()  # what went wrong there is raised here
        task.cancel()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", help="the normalised name, such as BTC-USD-PERP")
    parser.add_argument("venues", nargs="+")
    parser.add_argument("--fees", type=float, default=0.001, help="of both sides, a share: 0.001")
    parser.add_argument("--max-age-ms", type=int, default=2000)
    parser.add_argument("--changes", type=float, default=float("inf"), help="stop after so many")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(main())
