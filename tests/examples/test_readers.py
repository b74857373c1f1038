"""The C and C++ example readers beside Python's, on a feed of simulated venues."""

from __future__ import annotations

import time
from pathlib import Path

import shm
from tests.examples.conftest import DEADLINE, World
from tests.proof.test_readers import FIELDS, VENUE, Reader, Record
from tests.proof.test_readers import program as program

WANTED = 500  # records of both


def test_both_read_the_same(program: Path, world: World) -> None:
    with (
        shm.attach(VENUE, namespace=world.namespace) as feed,
        feed.events(start="now", raw=True) as events,
    ):
        python: dict[int, Record] = {}
        reader = Reader(program, world.namespace)
        try:
            reader.pump(b"attached", WANTED)
        finally:
            reader.close()
        theirs = [tuple(map(int, line.split())) for line in reader.out.decode().split("\n")[:-1]]
        deadline = time.monotonic() + DEADLINE
        while theirs[-1][0] not in python and time.monotonic() < deadline:
            events.wait(1.0)
            batch = events.poll()
            if batch is not None:
                for row in batch:
                    record = tuple(int(row[name]) for name in FIELDS)
                    python[record[0]] = record
        assert b"lost" not in reader.err
        numbers = [record[0] for record in theirs]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert theirs == [python[number] for number in numbers]
        assert len({record[2] for record in theirs}) > 1, "records of one kind only"
