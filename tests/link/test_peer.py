"""Somebody else publishes under the key of a source: what he says is in no memory."""

from __future__ import annotations

import random
import struct

from feedhandler.link._link import HEAD_BYTES
from feedhandler.link.names import key
from feedhandler.link.session import engine
from tests.link.ends import linked
from tests.link.links import LIVE, same, states, until
from tests.recording.market import VENUE

_LIFE, _EPOCH, _NUMBER = 8, 16, 24  # of a head


def _with(data: bytes, at: int, more: int) -> bytes:
    changed = bytearray(data)
    (now,) = struct.unpack_from("<Q", changed, at)
    struct.pack_into("<Q", changed, at, now + more)
    return bytes(changed)


def _cut(data: bytes, number: int) -> bytes:
    """The batch of that number, its end missing."""
    changed = bytearray(data)
    struct.pack_into("<Q", changed, _NUMBER, number)
    return bytes(changed[:-8])


def test_nonsense_beside_the_source_is_in_no_memory(namespace: str) -> None:
    """Garbage, and batches that are cut, sent again, out of order, ahead, of another epoch or life:
    in the end both memories are the same, and nothing was lost."""
    chooser = random.Random(7)
    stream = key("here", namespace, VENUE, "all")
    heard: list[bytes] = []
    with linked(namespace, 0.01) as link:
        copy = link.its.copy
        assert copy is not None
        listening = link.peer.declare_subscriber(
            stream,
            engine().handlers.Callback(lambda sample: heard.append(bytes(sample.payload))),
        )
        until(lambda: len(heard) > 20, "batches are heard")
        listening.undeclare()
        for _ in range(20):
            older = chooser.choice(heard)
            for nonsense in (
                b"",
                chooser.randbytes(chooser.randrange(300)),
                older[: chooser.randrange(HEAD_BYTES)],
                older[: -8 * chooser.randrange(1, 9)],
                older,
                older,
                *heard[-1:-4:-1],
                _with(older, _EPOCH, 1),
                _with(older, _LIFE, 1),
                _with(older, _NUMBER, 1 << 40),
                _cut(older, copy.number + 1),
            ):
                link.peer.put(stream, nonsense)
        tally = link.its.tally
        until(lambda: tally.repeated > 40 and tally.bad > 40 and tally.foreign > 40, "it came")
        begun = link.market.published
        until(lambda: link.market.published > begun + 200, "the source goes on")
        link.flow.pause()
        until(lambda: states(link.mirror) == LIVE and same(link.feed, link.mirror), "the same")
        assert link.its.copy is copy
        assert copy.lost == 0
