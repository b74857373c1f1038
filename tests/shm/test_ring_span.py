"""How long a record stays in the ring, at the rate at which records come."""

from __future__ import annotations

import time

import pytest

import shm
from shm import Kind
from shm._native import Writer
from shm.history.ring import Ring
from tests.shm.conftest import Create

S = 1_000_000_000
SLOTS = 1024


def fill(writer: Writer, now: int, per_second: int, seconds: int) -> None:
    """Records as they come in the last so many seconds, at an even rate."""
    count = per_second * seconds
    for number in range(count):
        at = now - seconds * S + number * S // per_second
        writer.message(0, [(Kind.TRADE, 0, 1, 1)], receive_ns=at)
    writer.publish()


@pytest.mark.parametrize(
    ("per_second", "seconds"),
    [
        (20, 30),  # not once round
        (100, 12),  # more than it holds
        (500, 4),  # round in two seconds
        (2, 400),  # few: the rate of minutes
    ],
)
def test_a_ring_holds_as_long_as_its_records_come(
    create: Create, namespace: str, per_second: int, seconds: int
) -> None:
    owner = create(ring_slots=SLOTS)
    owner.writer.directory_add({"symbol": "A"})
    now = time.time_ns()
    fill(owner.writer, now, per_second, seconds)
    with shm.attach("v", namespace=namespace) as feed:
        assert feed.segment is not None
        span = Ring(feed.segment).span_ns(now)
        assert span is not None
        assert span == pytest.approx(SLOTS / per_second * S, rel=0.05)
        said = feed.ring_span_ns
        assert said is not None
        assert said >= span  # later by now: the rate has gone down


def test_of_a_ring_to_which_nothing_came_nobody_knows(create: Create, namespace: str) -> None:
    owner = create(ring_slots=SLOTS)
    with shm.attach("v", namespace=namespace) as feed:
        assert feed.ring_span_ns is None
        assert owner.writer is not None
