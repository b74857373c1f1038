"""Whoever may connect may ask without end: others are answered all the same."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import msgspec
import pytest

from feedhandler.link import serving as module
from feedhandler.link.names import Ask, key
from feedhandler.link.session import engine
from tests.link.ends import linked
from tests.link.links import LIVE, same, states, until
from tests.recording.market import VENUE


def test_a_flood_of_questions_is_refused_and_in_nobodys_way(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that the ring has, asked for a thousand times at once, of who has four wait at most."""
    monkeypatch.setattr(module, "_MOST_WAIT", 4)
    told: Counter[str] = Counter()
    over, lock = threading.Semaphore(0), threading.Lock()

    def answered(reply: Any) -> None:
        with lock:
            told[bytes(reply.err.payload).decode() if reply.err is not None else "answered"] += 1

    with linked(namespace, 0.005) as link:
        (stream,) = link.serving.venues[VENUE]._streams.values()
        ask = msgspec.json.encode(Ask("repair", stream="all", life=stream.life, first=1))
        for _ in range(1000):
            link.peer.get(
                key("here", namespace, VENUE, "ask"),
                engine().handlers.Callback(answered, over.release),
                payload=ask,
                timeout=60.0,
            )
        begun = link.market.published
        until(lambda: link.market.published > begun + 100, "the source goes on")
        link.flow.pause()
        until(lambda: states(link.mirror) == LIVE and same(link.feed, link.mirror), "the same")
        for _ in range(1000):
            assert over.acquire(timeout=60.0)
        assert told["answered"] > 0
        assert any("questions wait" in each for each in told), told
        assert link.its.copy is not None
        assert link.its.copy.lost == 0


@pytest.mark.parametrize(
    "ask", [{"only": ["x"] * 257}, {"only": ["x" * 257]}, {"stream": "x" * 257}]
)
def test_a_question_is_of_a_size(ask: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"do": "hello"} | ask), type=Ask)
