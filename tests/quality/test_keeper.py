"""A day's file: it goes on over restarts, ends at midnight, and is LIVE only while books were."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feedhandler.quality import day_file
from feedhandler.quality import keeper as keeper_module
from feedhandler.quality.day_file import DAY_NS, begin_of, days
from feedhandler.quality.keeper import Keeper
from feedhandler.quality.report import report

S = 1_000_000_000
DAY = date(2026, 11, 30)
NOON = begin_of(DAY) + DAY_NS // 2
FIELDS = ("live_ns", "live_since", "heals", "gaps", "missing", "unsized", "applied")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


def counted(**values: int) -> Any:
    return np.array([[values.get(name, 0) for name in day_file.COUNTED]], dtype=np.int64)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("FEEDHANDLER_STATE", str(tmp_path))
    monkeypatch.setattr(keeper_module, "LATE_NS", 7200 * S)  # the clock leaps here
    return Clock()


def keeper(clock: Clock, rows: int = 4) -> Keeper:
    return Keeper("ns", "okx", rows, clock)


def found(clock: Clock, day: date | None = None) -> dict[str, Any]:
    its = report("ns", "okx", day, now_ns=clock.now)
    assert its is not None
    return its


def beat(one: Keeper, **counters: int) -> None:
    numbers = [0] * 64
    numbers[17] = counters.get("trades", 0)
    one.beat(numbers, (0, 0, 0))


def test_time_live_is_of_closed_and_open_intervals(clock: Clock) -> None:
    one = keeper(clock)
    one.add({0: "BTC-USDT"}, [], counted(live_since=NOON))
    clock.now += 10 * S
    beat(one)
    assert (found(clock)["live_ns"], found(clock)["live"]) == (10 * S, 1.0)
    one.add({0: "BTC-USDT"}, [], counted(live_ns=10 * S, gaps=1, missing=3, applied=70))
    clock.now += 10 * S
    beat(one)
    its = found(clock)
    assert (its["live"], its["gaps"], its["missing"], its["messages"]) == (0.5, 1, 3, 70)
    assert its["hour"] == {"gaps": 1, "missing": 3, "unsized": 0, "heals": 0}
    clock.now += 3600 * S
    beat(one)
    assert found(clock)["hour"]["gaps"] == 0


def test_another_process_goes_on_where_one_was_killed(clock: Clock) -> None:
    one = keeper(clock)
    one.add({0: "BTC-USDT", 1: "ETH-USDT"}, [], np.tile(counted(live_since=NOON, gaps=2), (2, 1)))
    clock.now += 10 * S
    beat(one, trades=100)
    clock.now += 20 * S  # it was killed; nobody was LIVE meanwhile
    del one
    two = keeper(clock)
    two.only(["BTC-USDT"])
    two.add({5: "BTC-USDT"}, [], counted(live_since=clock.now, gaps=1))
    clock.now += 10 * S
    beat(two, trades=7)
    btc, eth = found(clock)["instruments"]
    assert (btc["live_ns"], btc["carried_ns"], btc["gaps"]) == (20 * S, 40 * S, 3)
    assert (eth["live_ns"], eth["carried_ns"], eth["gaps"]) == (10 * S, 10 * S, 2)
    assert found(clock)["trades"] == 107


def test_a_day_ends_at_midnight(clock: Clock) -> None:
    midnight = begin_of(DAY) + DAY_NS
    clock.now = midnight - 10 * S
    one = keeper(clock)
    one.add({0: "BTC-USDT"}, [], counted(live_since=clock.now, gaps=4, applied=10))
    clock.now = midnight - 1
    beat(one)
    clock.now = midnight + 5 * S
    beat(one)
    before = found(clock, DAY)
    assert before["live_ns"] == before["carried_ns"] == 10 * S
    assert (found(clock)["live_ns"], found(clock)["carried_ns"], found(clock)["gaps"]) == (
        5 * S,
        5 * S,
        0,
    )
    one.add({0: "BTC-USDT"}, [], counted(live_ns=20 * S, gaps=5, applied=30))  # 10 s after midnight
    clock.now += 15 * S
    beat(one)
    its = found(clock)
    assert (its["live_ns"], its["gaps"], its["messages"]) == (10 * S, 1, 20)
    assert its["carried_ns"] == 20 * S
    assert found(clock, DAY)["messages"] == 10
    assert days("ns", "okx") == [DAY, date(2026, 12, 1)]


def test_what_is_carried_no_more_ends(clock: Clock) -> None:
    one = keeper(clock)
    one.add({0: "BTC-USDT"}, [], counted(live_since=NOON))
    clock.now += 4 * S
    one.add({0: "BTC-USDT"}, [0], counted(live_ns=4 * S))
    clock.now += 100 * S
    beat(one)
    assert (found(clock)["carried_ns"], found(clock)["live"]) == (4 * S, 1.0)


def test_a_silent_writer_is_live_no_longer(clock: Clock) -> None:
    one = keeper(clock)
    one.add({0: "BTC-USDT"}, [], counted(live_since=NOON))
    clock.now += 10 * S
    beat(one)
    clock.now += 60 * S
    assert found(clock)["live_ns"] == 10 * S


def test_old_days_go_and_damaged_files_are_made_anew(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_file, "KEPT", 2)
    for _ in range(4):
        beat(keeper(clock))
        clock.now += DAY_NS
    assert len(days("ns", "okx")) == 2
    path = day_file.directory("ns", "okx") / day_file.day_of(clock.now).isoformat()
    path.write_bytes(b"nonsense" * 100)
    assert report("ns", "okx", now_ns=clock.now) is None
    one = keeper(clock)
    one.add({0: "A"}, [], counted(gaps=1))
    beat(one)
    assert found(clock)["gaps"] == 1


def test_a_day_may_list_more_than_a_directory_has_rows(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"S{at}" for at in range(9)]
    one = keeper(clock, rows=1)
    for at, name in enumerate(names):
        one.add({at: name}, [], counted(gaps=at, live_since=clock.now))
        beat(one)
    del one
    assert {each["symbol"]: each["gaps"] for each in found(clock)["instruments"]} == {
        name: at for at, name in enumerate(names)
    }
    monkeypatch.setattr(keeper_module, "MOST_ROWS", 16)
    many = {at: f"T{at}" for at in range(30)}
    one = keeper(clock, rows=1)
    one.add(many, [], np.tile(counted(gaps=1), (30, 1)))
    beat(one)
    assert found(clock)["gaps"] == sum(range(9)) + 7  # the others have no place


def test_where_nothing_can_be_kept_nothing_fails(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FEEDHANDLER_STATE", str(tmp_path / "file"))
    one = keeper(clock)
    one.add({0: "A"}, [], counted(gaps=1))
    beat(one)
    assert report("ns", "okx", now_ns=clock.now) is None
