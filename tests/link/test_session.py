"""The engine's threads: a callback of ours runs in the one that sees a batch come."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Any

from feedhandler.link.session import at_once
from tests.link.ends import sessions

KEY = "feedhandler/test/at-once"


def test_what_comes_is_taken_in_one_thread_that_python_keeps() -> None:
    """Python would drop what it has of a thread that it does not know after each call."""
    kept, came = threading.local(), SimpleQueue[tuple[int, int, bytes]]()
    heard = threading.Event()

    def take(sample: Any) -> None:
        kept.calls = getattr(kept, "calls", 0) + 1
        came.put((threading.get_native_id(), kept.calls, bytes(sample.payload)))

    def matches(status: Any) -> None:
        if status.matching:
            heard.set()

    with sessions() as (here, there):
        subscriber = there.declare_subscriber(KEY, at_once(take))
        publisher = here.declare_publisher(KEY)
        listener = publisher.declare_matching_listener(matches)
        assert publisher.matching_status.matching or heard.wait(45)
        for number in range(3):
            publisher.put(bytes([number]))
        threads, calls, said = zip(*(came.get(timeout=45) for _ in range(3)), strict=True)
        listener.undeclare()
        subscriber.undeclare()
    assert len(set(threads)) == 1
    assert calls == (1, 2, 3)
    assert said == (b"\0", b"\1", b"\2")
