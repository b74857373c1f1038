import random

import pytest

from feedhandler.budgets.backoff import FLAP_S, STEADY_S, Backoff
from feedhandler.budgets.retry_after import parse_retry_after
from feedhandler.budgets.token_bucket import TokenBucket


def test_delays_grow_to_the_cap_and_never_end() -> None:
    backoff = Backoff(0.8, 30.0, rng=random.Random(7))
    delays = [backoff.next(0.0) for _ in range(1000)]
    assert delays[0] < 0.8
    for number, delay in enumerate(delays):
        assert 0 <= delay <= min(30.0, 0.8 * 2**number)
    assert max(delays) > 25.0  # the cap is used
    assert sum(delays[100:]) / 900 == pytest.approx(15.0, rel=0.1)  # full jitter: half the bound


def test_jitter_spreads_clients_that_failed_together() -> None:
    delays = [Backoff(rng=random.Random(seed)).next(0.0) for seed in range(200)]
    assert min(delays) < 0.1
    assert max(delays) > 0.7


def test_only_a_period_of_health_resets_it() -> None:
    backoff = Backoff(1.0, 64.0, health_s=30.0, floor=1.0)
    assert [backoff.next(0.0) for _ in range(4)] == [1, 2, 4, 8]
    backoff.healthy(100.0)
    assert backoff.next(101.0) == 16  # it came up and dropped
    backoff.healthy(200.0)
    backoff.healthy(225.0)  # said again: counts from the first time
    assert backoff.next(230.0) == 1
    assert backoff.next(230.0) == 2


def test_what_worked_for_a_while_waits_no_longer_than_it_worked() -> None:
    backoff = Backoff(1.0, 64.0, health_s=30.0, floor=1.0)
    assert [backoff.next(0.0) for _ in range(6)][-1] == 32
    backoff.healthy(100.0)
    assert backoff.next(112.0) == 12
    assert backoff.next(112.0) == 24
    backoff.healthy(200.0)
    assert backoff.next(204.9) == 48  # too short to count


def test_a_connection_that_was_answered_is_made_again_soon_whatever_was_before() -> None:
    backoff = Backoff.of_connection()
    for _ in range(20):
        backoff.next(0.0)  # nobody was there for minutes
    backoff.healthy(1000.0)
    assert backoff.next(1000.1) <= FLAP_S  # cut at once
    backoff.healthy(2000.0)
    assert backoff.next(2000.0 + STEADY_S) <= backoff.first_s  # what the table promises of a cut
    cut = []
    for at in range(3000, 3400):
        backoff.healthy(float(at))
        cut.append(backoff.next(float(at)))
    assert max(cut) <= FLAP_S
    assert sum(cut) / len(cut) > 1.5  # who is cut again and again does not hammer


def test_a_lower_cap_bounds_the_growth_too() -> None:
    backoff = Backoff(0.5, 64.0, floor=1.0)
    assert [backoff.next(0.0, cap_s=2.0) for _ in range(5)] == [0.5, 1, 2, 2, 2]
    assert [backoff.next(0.0) for _ in range(3)] == [2, 4, 8]
    assert [backoff.next(0.0, cap_s=2.0), backoff.next(0.0)] == [2, 16]


def test_what_the_venue_asks_for_is_the_least() -> None:
    backoff = Backoff(0.8, 30.0, rng=random.Random(1))
    assert backoff.next(0.0, at_least=17.0) == 17.0


@pytest.mark.parametrize("bad", [{"first_s": 0}, {"cap_s": 0.1}, {"factor": 0.5}, {"floor": 2}])
def test_senseless_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="backoff"):
        Backoff(**bad)  # type: ignore[arg-type]


def test_bucket_grants_its_rate_and_no_more() -> None:
    bucket = TokenBucket(5.0, 5.0)
    granted, now = 0, 0.0
    while now < 10.0:
        granted += bucket.take(now)
        now += 0.01
    assert 50 <= granted <= 55
    assert bucket.wait(now) == pytest.approx(0.2, abs=0.21)


def test_bucket_overdrawn_makes_others_wait() -> None:
    bucket = TokenBucket(2.0, 2.0)
    bucket.spend(0.0, 4.0)
    assert not bucket.take(0.5)
    assert bucket.wait(0.5) == pytest.approx(1.0)
    assert bucket.take(1.5)


def test_bucket_grants_more_than_it_holds_only_when_full() -> None:
    bucket = TokenBucket(10.0, 100.0)
    assert bucket.take(0.0, 250.0)
    assert not bucket.take(10.0, 250.0)
    assert bucket.wait(10.0, 250.0) == pytest.approx(15.0)


def test_bucket_without_a_rate_never_limits() -> None:
    bucket = TokenBucket(0.0, 1.0)
    assert all(bucket.take(0.0, 1e9) for _ in range(10))


def test_bucket_held_grants_nothing_before() -> None:
    bucket = TokenBucket(2.0, 4.0)
    bucket.hold(0.0, 30.0)
    assert not bucket.take(29.0)
    assert bucket.take(30.1)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0), ("1.5", 1.5), (None, 0.0), ("", 0.0), ("soon", 0.0), ("-3", 0.0),
        ("nan", 0.0), ("1e12", 86_400.0), ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after(value: str | None, seconds: float) -> None:
    assert parse_retry_after(value, now=1_445_412_480.0) == seconds
