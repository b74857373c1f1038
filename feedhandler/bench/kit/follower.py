"""A reader that follows a venue's events and does nothing with them, until it is ended.

`python -m feedhandler.bench.kit.follower NAMESPACE VENUE MODE` says "ready" once it follows;
`follow` has the modes.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress

import shm
from feedhandler.bench.kit import cores

_SLOW_S = 0.01


def follow(space: str, venue: str, mode: str) -> None:
    """poll: never sleeps; sleep: on the futex; slow: looks a hundred times a second, and loses what
    was overwritten meanwhile; busy: never looks, and never sleeps either; idle: the same, where
    nobody else wants the core."""
    with shm.attach(venue, namespace=space) as feed:
        events = feed.events(on_overrun="resync")
        if mode == "idle":
            cores.last()
        print("ready", flush=True)
        while mode in ("busy", "idle"):
            pass
        while True:
            if events.poll() is not None or mode == "poll":
                continue
            if mode == "sleep":
                events.wait()
            else:
                time.sleep(_SLOW_S)


if __name__ == "__main__":
    with suppress(shm.WriterLost):  # who started both is gone
        follow(*sys.argv[1:4])
