"""Both ends of a link in one process, and others that are connected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from feedhandler.link.asking import Wanted
from feedhandler.link.session import open_session
from tests.link.links import free_port


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
