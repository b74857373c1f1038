"""What may befall a day's file and the one who keeps it: the sums are those of a ledger by hand."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feedhandler.quality import day_file
from feedhandler.quality.day_file import DAY_NS, begin_of, directory
from feedhandler.quality.keeper import Keeper
from tests.quality.test_keeper import DAY, NOON, Clock, S, beat, counted, found


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("FEEDHANDLER_STATE", str(tmp_path))
    return Clock()


def passes(clock: Clock, one: Keeper, seconds: int) -> None:
    """Time, in which the process beats."""
    for _ in range(seconds):
        clock.now += S
        beat(one)


def one_row(clock: Clock, symbol: str = "BTC-USDT") -> dict[str, Any]:
    [its] = (each for each in found(clock)["instruments"] if each["symbol"] == symbol)
    return dict(its)


def test_an_instrument_that_is_listed_again_goes_on(clock: Clock) -> None:
    """It has another row of the directory then, whose numbers begin at 0."""
    one = Keeper("ns", "okx", 4, clock)
    one.add({0: "BTC-USDT"}, [], counted(live_since=NOON, gaps=5, missing=9, applied=100))
    passes(clock, one, 10)
    one.add({0: "BTC-USDT"}, [0], counted(live_ns=10 * S, gaps=5, missing=9, applied=100))
    passes(clock, one, 20)
    one.add({3: "BTC-USDT"}, [], counted(live_since=clock.now, gaps=1, applied=7))
    one.add({0: "BTC-USDT"}, [0], counted(live_ns=10 * S, gaps=5, missing=9, applied=100))
    passes(clock, one, 5)
    its = one_row(clock)
    assert (its["gaps"], its["missing"], its["messages"]) == (6, 9, 107)
    assert (its["live_ns"], its["carried_ns"]) == (15 * S, 15 * S)
    assert found(clock)["hour"]["gaps"] == 6


def test_another_engine_takes_over_in_one_process(clock: Clock) -> None:
    """The memory is renewed: rows have other numbers, and what the new engine counted while nobody
    saw its memory is of nobody."""
    one = Keeper("ns", "okx", 4, clock)
    one.add({0: "A", 1: "B"}, [], np.vstack([counted(live_since=NOON, gaps=2)] * 2))
    passes(clock, one, 30)
    one.close()
    two = Keeper("ns", "okx", 4, clock)
    theirs = np.vstack([counted(live_since=NOON + 20 * S, gaps=7, applied=50)] * 2)
    two.take_over({0: "B", 1: "C"}, [], theirs, [1000] * 64, (4, 4, 4))
    for _ in range(10):
        clock.now += S
        two.beat([1000] * 64, (4, 4, 4))
    theirs[:] = counted(live_ns=20 * S, gaps=8, applied=60)  # neither is LIVE any more
    two.add({0: "B", 1: "C"}, [], theirs)
    two.beat([1001] * 64, (5, 4, 4))
    told = {each["symbol"]: each for each in found(clock)["instruments"]}
    assert {name: its["gaps"] for name, its in told.items()} == {"A": 2, "B": 3, "C": 1}
    assert {name: its["live_ns"] // S for name, its in told.items()} == {"A": 30, "B": 40, "C": 10}
    assert {name: its["carried_ns"] // S for name, its in told.items()} == {
        "A": 30,
        "B": 40,
        "C": 10,
    }
    assert (found(clock)["trades"], found(clock)["gaps"]) == (1, 7)  # one hole of a connection


@pytest.mark.parametrize("step", [-3600 * S, 3600 * S, -10 * S, 14 * 3600 * S, -14 * 3600 * S])
def test_a_clock_that_is_set_makes_no_time(clock: Clock, step: int) -> None:
    """An hour, or over midnight: 20 s LIVE are 20 s LIVE, and never more than were carried."""
    one = Keeper("ns", "okx", 4, clock)
    one.add({0: "BTC-USDT"}, [], counted(live_since=NOON))
    passes(clock, one, 10)
    clock.now += step
    since_after = clock.now
    passes(clock, one, 10)
    whole = counted(live_ns=max(1, clock.now - NOON), applied=5)  # as the engine takes it
    one.add({0: "BTC-USDT"}, [], whole)
    passes(clock, one, 5)
    days_ = sorted({day_file.day_of(each) for each in (NOON, since_after)})
    told = [found(clock, each) for each in days_]
    assert sum(each["messages"] for each in told) == 5
    live = sum(each["live_ns"] for each in told)
    assert 18 * S <= live <= 21 * S
    for each in told:
        assert 0 <= each["live_ns"] <= each["carried_ns"] <= DAY_NS


def test_a_process_that_stood_still_was_not_live(clock: Clock) -> None:
    one = Keeper("ns", "okx", 4, clock)
    one.add({0: "BTC-USDT"}, [], counted(live_since=NOON))
    passes(clock, one, 10)
    clock.now += 100 * S
    beat(one)
    passes(clock, one, 10)
    assert one_row(clock)["live_ns"] == 20 * S
    one.add({0: "BTC-USDT"}, [], counted(live_ns=120 * S))
    beat(one)
    assert (one_row(clock)["live_ns"], one_row(clock)["carried_ns"]) == (20 * S, 120 * S)


def test_what_was_well_a_moment_ago_was_live_until_then(clock: Clock) -> None:
    """Its numbers are kept four times a second, that it lives ten times."""
    one = Keeper("ns", "okx", 4, clock)
    one.add({0: "BTC-USDT"}, [], counted(live_since=NOON))
    clock.now += 1 * S
    beat(one)
    clock.now += S // 5
    one.alive()
    clock.now += 20 * S  # it was killed
    one.alive()  # and not stopped
    del one
    Keeper("ns", "okx", 4, clock)
    assert found(clock)["live_ns"] == S + S // 5


@pytest.mark.parametrize("before", ["nothing", "stale", "live"])
@pytest.mark.parametrize("closed", [True, False])
def test_what_a_process_that_stood_still_had_not_told_yet(
    clock: Clock, before: str, closed: bool
) -> None:
    """LIVE a second before it stood still for 100 s, and looked at a second after: 2 s LIVE, and 3
    more after that where it is not closed."""
    one, had = Keeper("ns", "okx", 4, clock), 0
    if before != "nothing":
        one.add({0: "BTC-USDT"}, [], counted(live_since=NOON if before == "live" else 0))
    passes(clock, one, 3)
    if before == "live":  # it was lost for an instant, and LIVE again
        had = 3 * S
    since = clock.now
    passes(clock, one, 1)
    clock.now += 100 * S
    beat(one)
    passes(clock, one, 1)
    whole = clock.now - since
    if closed:
        one.add({0: "BTC-USDT"}, [], counted(live_ns=had + whole))
    else:
        one.add({0: "BTC-USDT"}, [], counted(live_ns=had, live_since=since))
    passes(clock, one, 3)
    assert one_row(clock)["live_ns"] == had + (2 * S if closed else 5 * S)
    if not closed:
        one.add({0: "BTC-USDT"}, [], counted(live_ns=had + clock.now - since))
        passes(clock, one, 3)
        assert one_row(clock)["live_ns"] == had + 5 * S


def test_a_full_disk_ends_no_process_and_the_numbers_come_later(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Keeper("ns", "okx", 4, clock)
    passes(clock, one, 1)
    write, full = os.pwrite, True

    def pwrite(fd: int, data: Any, at: int) -> int:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    one.add({0: "A"}, [], counted(gaps=3))
    passes(clock, one, 5)
    assert found(clock)["gaps"] == 0
    full = False
    passes(clock, one, 70)
    assert (found(clock)["gaps"], found(clock)["hour"]["gaps"]) == (3, 3)


def test_a_home_that_cannot_be_written_at_midnight_is_tried_again(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock.now = begin_of(DAY) + DAY_NS - 5 * S
    one = Keeper("ns", "okx", 4, clock)
    one.add({0: "A"}, [], counted(live_since=clock.now, gaps=3))
    (tmp_path / "file").write_text("")
    with monkeypatch.context() as other:
        other.setenv("FEEDHANDLER_STATE", str(tmp_path / "file"))
        passes(clock, one, 10)
    passes(clock, one, 60)
    one.add({0: "A"}, [], counted(live_since=begin_of(DAY) + DAY_NS - 5 * S, gaps=4))
    passes(clock, one, 10)
    its = one_row(clock, "A")
    assert (its["live_ns"], its["gaps"]) == (10 * S, 0)
    assert found(clock, DAY)["gaps"] == 3


def test_a_second_who_keeps_the_same_file_does_not(clock: Clock) -> None:
    """Two machines with one home, or two namespaces' memory and one state."""
    one = Keeper("ns", "okx", 4, clock)
    two = Keeper("ns", "okx", 9, clock)
    two.add({0: "A"}, [], counted(gaps=100))
    one.add({0: "A"}, [], counted(gaps=1))
    for _ in range(70):
        clock.now += S
        beat(one)
        beat(two)
    assert found(clock)["gaps"] == 1
    one.close()
    passes(clock, two, 61)
    two.add({0: "A"}, [], counted(gaps=103))
    passes(clock, two, 1)
    assert found(clock)["gaps"] in (1, 104)  # what it counted while it kept nothing is not known


KEEPS = """
import sys, time
import numpy as np
from feedhandler.quality.day_file import COUNTED
from feedhandler.quality.keeper import Keeper
one = Keeper("ns", "okx", 4000)
numbers = np.zeros((1, len(COUNTED)), np.int64)
print("there", flush=True)
sys.stdin.readline()
for at in range(20):
    numbers += 1
    one.add({at: f"S{at}"}, [], numbers)
    one.beat([at] * 64, (0, 0, 0))
print("well", flush=True)
"""


@pytest.mark.parametrize("damage", ["cut off", "removed", "nonsense"])
@pytest.mark.usefixtures("clock")
def test_a_file_that_somebody_damages_ends_no_process(damage: str) -> None:
    """A file that is mapped and cut off is SIGBUS for who touches it."""
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    [path] = directory("ns", "okx").iterdir()
    if damage == "cut off":
        os.truncate(path, 0)
    elif damage == "removed":
        path.unlink()
    else:
        path.write_bytes(b"nonsense" * 1000)
    said, _ = process.communicate("\n", timeout=60)
    assert (said, process.returncode) == ("well\n", 0)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_a_file_says_it_is_read_and_gone_on_with(clock: Clock, seed: int) -> None:
    one = Keeper("ns", "okx", 4, clock)
    one.add({0: "A"}, [], counted(live_since=NOON, gaps=1))
    passes(clock, one, 2)
    one.close()
    [path] = directory("ns", "okx").iterdir()
    rng = np.random.default_rng(seed)
    raw = np.frombuffer(path.read_bytes(), np.uint8).copy()
    places = np.concatenate([np.arange(8, 600), np.arange(len(raw) - 600, len(raw))])
    which = rng.choice(places, 200)
    raw[which] = rng.integers(0, 256, len(which))
    path.write_bytes(raw[: rng.choice([len(raw), len(raw) - 7, 5000])].tobytes())
    found_ = day_file.read_day("ns", "okx", DAY)
    assert found_ is None or 0 <= found_.used <= len(found_.rows)
    two = Keeper("ns", "okx", 8, clock)
    two.add({0: "A", 1: "B"}, [], np.vstack([counted(gaps=1)] * 2))
    passes(clock, two, 2)
    assert found(clock)["day"] == DAY.isoformat()


def test_names_of_any_kind_are_rows_and_never_paths(clock: Clock) -> None:
    names = ("币安人生USDT", "xyz:CL", "PURR/USDC", "../../../x", "@107", "a\nb\x1b[2J", "é" * 40)
    one = Keeper("ns", "okx", 16, clock)
    rows = dict(enumerate(names))
    one.add(rows, [], np.vstack([counted(gaps=1)] * len(names)))
    passes(clock, one, 1)
    one.close()
    two = Keeper("ns", "okx", 16, clock)
    two.add(rows, [], np.vstack([counted(gaps=1)] * len(names)))
    passes(clock, two, 1)
    told = {each["symbol"]: each["gaps"] for each in found(clock)["instruments"]}
    assert told == {name.encode()[:64].decode(errors="replace"): 2 for name in names}
    for bad in ("../x", "a/b", "", "x" * 60, "ä"):
        with pytest.raises(ValueError, match="are allowed"):
            directory(bad, "okx")
        with pytest.raises(ValueError, match="are allowed"):
            directory("ns", bad)


def test_it_costs_little_between_two_frames(clock: Clock) -> None:
    """64 rows are told between two reads of the socket: that is to be far below 0.1 ms a frame."""
    one = Keeper("ns", "okx", 4096, clock)
    symbols = {row: f"BTC-{row}" for row in range(64)}
    numbers = np.vstack([counted(gaps=1)] * 64)
    one.add(symbols, [], numbers)
    calls = _calls(lambda: one.add(symbols, [], numbers))
    assert calls < 200  # none of them is by row


def _calls(do: Any) -> int:
    count = 0

    def seen(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        do()
    finally:
        sys.setprofile(None)
    return count


def test_a_process_that_was_well_between_two_beats_was_live_then(clock: Clock) -> None:
    """Time is cut out from its last sign of life on, which a beat need not be."""
    one = Keeper("ns", "okx", 4, clock)
    one.add({0: "A"}, [], counted(live_since=clock.now))
    beat(one)
    for _ in range(9):
        clock.now += S // 10
        one.alive()
    clock.now += 3 * S  # it stands still
    one.alive()
    beat(one)
    clock.now += S
    beat(one)
    assert found(clock)["live_ns"] == 9 * S // 10 + S
    assert found(clock)["carried_ns"] == 9 * S // 10 + 4 * S
    clock.now += S + S // 2  # late, and well
    beat(one)
    assert found(clock)["live_ns"] == 9 * S // 10 + S + 3 * S // 2
