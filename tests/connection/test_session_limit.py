from itertools import pairwise

import pytest

from feedhandler.config.values import time_of_day
from feedhandler.connection.session_limit import HOUR_S, margin, renew_in

DAY = 86_400.0
THREE = time_of_day("03:00")


def test_without_an_hour_it_is_a_margin_before_the_limit() -> None:
    assert renew_in(1e9, 0.0, None) is None
    assert renew_in(1e9, DAY, None) == DAY - 0.02 * DAY
    assert renew_in(1e9, 1800.0, None) == 1740.0
    assert renew_in(1e9, 10.0, None) == 7.0


def test_without_a_limit_it_is_at_the_hour_every_day() -> None:
    assert renew_in(10 * DAY, 0.0, THREE) == 3 * HOUR_S
    assert renew_in(10 * DAY + 3 * HOUR_S, 0.0, THREE) == DAY


def test_a_session_that_would_not_live_until_the_hour_is_renewed_before() -> None:
    assert renew_in(10 * DAY, 2 * HOUR_S, THREE) == 2 * HOUR_S - margin(2 * HOUR_S)


@pytest.mark.parametrize("lifetime", [DAY, 2 * DAY, 7 * DAY, 3 * DAY - 1])
@pytest.mark.parametrize("start", [0.0, 2.9, 3.0, 3.5, 4.01, 14.0])
def test_day_by_day_it_stays_in_the_hour_and_below_the_limit(lifetime: float, start: float) -> None:
    now = 20_000 * DAY + start * HOUR_S
    times = [now]
    for _ in range(200):
        until = renew_in(times[-1], lifetime, THREE)
        assert until is not None
        times.append(times[-1] + until + 2.0)  # it takes a moment
    for before, after in pairwise(times):
        assert 60.0 < after - before < lifetime
    for each in times[2:]:  # the first may be in the way of the second
        assert 3 * HOUR_S <= each % DAY < 4 * HOUR_S + 3.0
    assert len(times) - 1 < 1.6 * (times[-1] - times[0]) / min(lifetime - margin(lifetime), DAY) + 2


@pytest.mark.parametrize("text", ["", "3:00", "24:00", "03:60", "03:00:00", "noon"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HH:MM"):
        time_of_day(text)
