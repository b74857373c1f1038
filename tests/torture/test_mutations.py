"""The tests of this room find what they are for: with a word or a step left out, they fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.shm.stress_writer import Feeder
from tests.torture import test_epochs, test_reader, test_writer
from tests.torture.test_reader import feeder as feeder
from tests.torture.victims import Point, Victims

Check = Callable[..., None]
IN_A_RECORD = Point("fh_slot_write: store slot + 6 = (uint64_t)size", 1)
IN_A_CELL = Point("fh_words_in: store shared + i = from[i]", 40)
MAKING = "writer = new_epoch("
BEFORE_THE_END = Point("fh_directory_add: release &w->header->instruments = id + 1", 1)

WRITER: list[tuple[Check, str, Point, str]] = [
    (test_writer.check_pause, "fh_slot_write: store slot = 2 * n - 1", IN_A_RECORD, "torn"),
    (test_writer.check_end, "fh_slot_write: store slot = 2 * n - 1", IN_A_RECORD, "torn"),
    (
        test_writer.check_end,
        "fh_slot_write: store slot + 5 = (uint64_t)price",
        BEFORE_THE_END,
        "torn price",
    ),
    (
        test_writer.check_end,
        "fh_latch_end: release copy = 2 * n",
        IN_A_CELL,
        "cannot be read",
    ),
    (
        test_writer.check_end,
        "fh_latch_end: release cell = n",
        BEFORE_THE_END,
        "cannot be read",
    ),
]


@pytest.mark.parametrize(("check", "broken", "point", "finding"), WRITER)
def test_a_writer_without(
    victims: Victims, namespace: str, check: Check, broken: str, point: Point, finding: str
) -> None:
    action = "stop" if check is test_writer.check_pause else "kill"
    with pytest.raises(Exception, match=finding):
        check(victims, namespace, point=point, action=action, broken=broken)


def test_a_writer_that_does_not_publish(victims: Victims, namespace: str) -> None:
    broken = "fh_publish: release &w->header->published = w->next - 1"
    with pytest.raises(AssertionError):
        test_writer.check_pause(victims, namespace, point=IN_A_RECORD, action="stop", broken=broken)


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        ("fh_slot_read: load slot", "torn"),
        ("fh_latch_read: load copy", "torn"),
    ],
)
def test_a_reader_that_does_not_look_again(
    victims: Victims, namespace: str, feeder: Feeder, broken: str, finding: str
) -> None:
    """Somewhere among its loads a pause makes it believe half of one thing and half of another."""
    found = ""
    for nth in range(4, 1000, 9):
        point = Point("fh_words_out: load shared + i", nth)
        try:
            test_reader.check_pause(victims, namespace, feeder, point=point, broken=broken)
        except AssertionError as error:
            found = str(error)
            break
    assert finding in found


@pytest.mark.parametrize(
    ("broken", "point", "finding"),
    [
        ("take_lock", f"line segment.py create: {MAKING}", "two writers"),
        ("retire", "line writer_lock.py take_lock: return True", "not all left"),
    ],
)
def test_a_start_without(
    victims: Victims, namespace: str, broken: str, point: str, finding: str
) -> None:
    with pytest.raises(AssertionError, match=finding):
        test_epochs.check_pause(victims, "start", namespace, point=Point(point, 1), broken=broken)


def test_a_clean_without_the_lock(victims: Victims, namespace: str) -> None:
    line = "line clean.py sweep_venue: found = [] if alive else objects(namespace, venue)"
    with pytest.raises(AssertionError, match="taken away"):
        test_epochs.check_clean(victims, namespace, point=Point(line, 1), broken="take_lock")
