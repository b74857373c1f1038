"""Both ends of a link in one process, and others that are connected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import shm
from feedhandler.link.asking import Wanted
from feedhandler.link.mirroring import VenueMirror
from feedhandler.link.serving import Serving
from feedhandler.link.session import open_session
from tests.link.links import LIVE, Flow, attached, free_port, states, until
from tests.recording.market import VENUE, Market


@contextmanager
def sessions(connected: int = 1) -> Iterator[list[Any]]:
    """One that listens, and so many that are connected to it."""
    endpoint = f"tcp/127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        found = []
        for at in range(1 + connected):
            where = ([], [endpoint]) if at else ([endpoint], [])
            found.append(open_session(*where, None))
            stack.callback(found[-1].close)
        yield found


def wanted(namespace: str) -> Wanted:
    return Wanted("*", namespace, f"{namespace}m", (), (), 1_000_000_000, "tcp/there")


@dataclass
class Link:
    """A market that goes on, who serves it, and a mirror of it that is LIVE; `peer`: the session of
    somebody else who is connected."""

    market: Market
    flow: Flow
    serving: Serving
    its: VenueMirror
    peer: Any
    feed: shm.Feed
    mirror: shm.Feed


@contextmanager
def linked(namespace: str, pause_s: float) -> Iterator[Link]:
    """Both ends, served as "here"."""
    with (
        Market(namespace, slots=1 << 14) as market,
        Flow(market, pause_s=pause_s) as flow,
        sessions(2) as (source, end, peer),
    ):
        serving = Serving(source, "here", namespace, (), 48 << 10)
        serving.look()
        its = VenueMirror(end, VENUE, wanted(namespace))
        try:
            feed, mirror = shm.attach(VENUE, namespace=namespace), attached(f"{namespace}m")
            until(lambda: states(mirror) == LIVE, "LIVE")
            yield Link(market, flow, serving, its, peer, feed, mirror)
        finally:
            its.close()
            serving.close()
