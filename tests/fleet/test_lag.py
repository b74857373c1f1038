"""Who cannot keep up, and why: the judgement by itself, on a clock of its own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.connection.pings import Echo
from feedhandler.fleet.lag import USUAL_S, Cause, KeepingUp, Usual
from feedhandler.fleet.overload import halves
from feedhandler.kernel import CpuTime

LOOK_S = 0.25


def judged(
    lates: list[float | None], *, unread: float = 0.0, echo: float = 9.0, used: float = 0.1
) -> list[Cause | None]:
    """After each look at one that is behind from 0.5 s on, for 5 s."""
    keeping = KeepingUp(0.5, 5.0)
    out = []
    for n, late in enumerate(lates):
        keeping.add(100.0 + n * LOOK_S, late, 0.0, unread=n % 10 < unread * 10)
        out.append(keeping.cause(echo, used))
    return out


def rising(looks: int, by: float = 0.1) -> list[float | None]:
    return [n * by for n in range(looks)]


def test_one_that_falls_behind_more_and_more_is_found_after_the_time() -> None:
    found = judged(rising(60))
    first = found.index(Cause.CONNECTION)
    assert first * LOOK_S == pytest.approx(5 * LOOK_S + 5.0)  # behind from the fifth look on
    assert set(found[first:]) == {Cause.CONNECTION}


def test_one_that_stays_behind_by_the_same_is_found_too() -> None:
    assert judged([2.0] * 30)[-1] is Cause.CONNECTION


@pytest.mark.parametrize(
    "lates",
    [
        pytest.param([0.0] * 10 + [3.0] * 15 + [0.0] * 40, id="burst"),
        pytest.param([8.0 - n * 0.1 for n in range(70)], id="drains"),
        pytest.param(([2.0] * 10 + [0.1]) * 8, id="in step now and then"),
        pytest.param([0.4] * 80, id="below"),
        pytest.param([2.0] * 15 + [None] * 20 + [2.0] * 15, id="silent meanwhile"),
    ],
)
def test_what_passes_is_no_finding(lates: list[float | None]) -> None:
    assert set(judged(lates)) == {None}


def test_looks_without_a_whole_message_do_not_acquit() -> None:
    """A slow link may take longer than a look for one message."""
    assert judged([2.0, None, None, 2.0, None] * 8)[-1] in (Cause.CONNECTION, None)
    assert Cause.CONNECTION in judged([2.0, None, None, 2.0, None] * 8)


def test_what_waits_in_the_kernel_is_this_processs_doing() -> None:
    assert judged(rising(60), unread=0.9)[-1] is Cause.PROCESS
    assert judged(rising(60), unread=0.5)[-1] is Cause.CONNECTION
    assert judged(rising(60), used=0.97)[-1] is Cause.PROCESS


def test_a_quick_answer_beside_old_messages_acquits_the_connection() -> None:
    assert judged([2.0] * 40, echo=0.01)[-1] is Cause.VENUE


def test_a_clock_that_is_set_is_usual_after_a_while() -> None:
    usual = Usual()
    for n in range(100):
        usual.add(-5_000_000_000 + n % 7, float(n))  # ours is 5 s behind
    assert usual.beyond(-5_000_000_000) == 0
    assert usual.beyond(-4_000_000_000) == 1_000_000_000
    for n in range(100, 100 + int(USUAL_S) + 100):
        usual.add(0, float(n))
    assert usual.beyond(0) == 0


def test_the_echo_grows_while_it_is_waited_for() -> None:
    echo = Echo()
    assert echo.due(10.0)
    assert not echo.due(12.5)  # one at a time
    assert echo.seconds(12.5) == 2.5
    echo.answered(13.0)
    assert echo.seconds(20.0) == 3.0
    assert echo.due(20.0)
    echo.answered(20.1)
    assert echo.seconds(20.5) == pytest.approx(0.1)
    assert not echo.due(20.5)  # no more than one a second
    echo.reset()
    assert echo.seconds(30.0) == 0.0


def test_the_time_that_this_thread_runs_is_measured() -> None:
    cpu = CpuTime()
    total = 0.0
    for _ in range(200):
        sum(range(20_000))
        total += cpu.share().used
    assert total > 0.0


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 3)), min_size=2, max_size=20))
def test_halves_carry_every_key_once_and_groups_whole(sizes: list[tuple[int, int]]) -> None:
    keys = [f"{n}:{k}" for n, (_, count) in enumerate(sizes) for k in range(count)]
    load = {str(n): float(weight) for n, (weight, _) in enumerate(sizes)}
    found = halves(keys, lambda key: key.partition(":")[0], load)
    assert found is not None
    assert all(found)
    assert sorted(key for half in found for key in half) == sorted(keys)
    groups = [{key.partition(":")[0] for key in half} for half in found]
    assert not groups[0] & groups[1]
    weights = sorted(sum(load[group] for group in half) for half in groups)
    assert weights[1] - weights[0] <= max(load.values())
    for half in found:
        assert list(half) == [key for key in keys if key in half]


def test_one_group_cannot_be_halved() -> None:
    assert halves(["1:a", "1:b"], lambda key: key[0], {}) is None


def test_what_belongs_to_no_instrument_is_no_reason_to_split() -> None:
    def group(key: str) -> str | None:
        return None if key == "statuses" else key[0]

    assert halves(["statuses", "1:a", "1:b"], group, {"1": 5.0}) is None
    first, second = halves(["1:a", "statuses", "2:a"], group, {"1": 5.0, "2": 6.0}) or ((), ())
    assert {first, second} == {("statuses", "2:a"), ("1:a",)}
