"""When to speak, and when a peer or a socket is held for dead."""

from time import time

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhandler.adapter.venue import Heartbeat, Speaker
from feedhandler.connection.heartbeat import (
    RTT_KEPT,
    Ask,
    ByteWatchdog,
    Dead,
    HeartbeatMonitor,
    RoundTrips,
    Silence,
)
from shm import Reason


def test_busy_socket_is_dead_after_the_configured_silence() -> None:
    dog = ByteWatchdog(5.0, 60.0, 0.0)
    for n in range(1, 200):
        dog.received(n * 0.05)
    last = 199 * 0.05
    assert dog.check(last + 2.4) is Silence.FINE
    assert dog.check(last + 2.6) is Silence.PROBE
    assert dog.check(last + 2.8) is Silence.FINE  # asked once
    assert dog.check(last + 5.0) is Silence.DEAD


def test_quiet_socket_that_never_answered_has_until_its_heartbeat() -> None:
    dog = ByteWatchdog(5.0, 60.0, 0.0)
    for n in range(1, 5):
        dog.received(n * 20.0)
    assert dog.check(80.0 + 59.0) is not Silence.DEAD
    assert dog.check(80.0 + 60.0) is Silence.DEAD


def test_socket_that_answers_no_subscription_is_dead() -> None:
    dog = ByteWatchdog(5.0, 60.0, 0.0)
    dog.asked(8.0)  # a warm-up: nothing was asked for before
    dog.asked(10.0)  # and more, which does not put it off
    assert dog.check(12.9) is not Silence.DEAD
    assert dog.check(13.0) is Silence.DEAD
    dog.received(13.0)
    assert dog.check(30.0) is not Silence.DEAD  # it answered, and is quiet


def test_quiet_socket_that_answers_pings_is_dead_when_it_stops() -> None:
    dog = ByteWatchdog(5.0, 60.0, 0.0)
    dog.answers = True
    dog.received(20.0)
    assert dog.check(24.9) is not Silence.DEAD
    assert dog.check(25.0) is Silence.DEAD


def monitor(speaker: Speaker, **more: str) -> HeartbeatMonitor:
    return HeartbeatMonitor(Heartbeat(speaker, 20.0, 30.0, **more), 5.0, 0.0)


@pytest.mark.parametrize("speaker", [Speaker.CLIENT_TEXT, Speaker.CLIENT_JSON])
def test_client_heartbeat_is_sent_measured_and_missed(speaker: Speaker) -> None:
    beat = monitor(speaker, ping="ping", pong="pong")
    now, asked = 0.0, []
    while now < 45.0:
        now = round(now + 0.1, 1)
        beat.received(now)
        asked += [now for action in beat.poll(now) if action == Ask(text="ping")]
        if asked and now == round(asked[0] + 0.3, 1):
            assert beat.answered(now) == pytest.approx(3e8, rel=0.01)
    assert asked == [20.0, 40.0]
    dead: list[Dead] = []
    while not dead:  # the second is never answered, though data flows
        now = round(now + 0.1, 1)
        beat.received(now)
        dead = [action for action in beat.poll(now) if isinstance(action, Dead)]
    assert dead[0].reason is Reason.HEARTBEAT
    assert now == pytest.approx(70.0, abs=0.2)


def test_quiet_peer_that_answers_once_a_period_is_not_dead_before_that() -> None:
    beat = Heartbeat(Speaker.CLIENT_JSON, 18.0, 10.0, ping="{}")
    monitor = HeartbeatMonitor(beat, 5.0, 0.0)
    for tenth in range(600):
        now = tenth / 10
        actions = monitor.poll(now)
        assert not [one for one in actions if isinstance(one, Dead)], now
        if Ask(text="{}") in actions:
            monitor.answered(now)
            monitor.received(now)
    assert [type(one) for one in monitor.poll(54.0 + 28.0)] == [Dead]


def test_ping_may_say_when_it_is_sent() -> None:
    beat = monitor(Speaker.CLIENT_JSON, ping='{"time":$time_s,"channel":"ping"}')
    beat.received(20.0)
    before = int(time())
    (said,) = (
        orjson.loads(ask.text) for ask in beat.poll(20.0) if isinstance(ask, Ask) and ask.text
    )
    assert said["channel"] == "ping"
    assert before <= said["time"] <= time()


@pytest.mark.parametrize("speaker", [Speaker.SERVER_FRAME, Speaker.SERVER_JSON])
def test_server_heartbeats_ask_for_nothing_but_a_measuring_ping(speaker: Speaker) -> None:
    beat = monitor(speaker)
    beat.received(1.0)
    (ask,) = beat.poll(1.0)
    assert isinstance(ask, Ask)
    assert ask.ping
    assert beat.pong(b"somebody else's", 1.1) == 0
    assert beat.pong(ask.ping, 1.25) == pytest.approx(2.5e8, rel=0.01)
    assert beat.pong(ask.ping, 1.3) == 0  # once
    assert beat.trips.percentile(50) == beat.trips.last_ns


@given(st.lists(st.integers(1, 10**9), max_size=2 * RTT_KEPT), st.integers(1, 100))
def test_percentiles_are_of_the_newest_round_trips(took_us: list[int], percent: int) -> None:
    trips = RoundTrips()
    kept = [trips.add(us / 1e6) for us in took_us][-RTT_KEPT:]
    # What numpy calls the inverse of the distribution: one that was measured, and no mean of two.
    expected = np.percentile(kept, percent, method="inverted_cdf") if kept else 0
    assert trips.percentile(percent) == expected


def test_silence_is_probed_then_dead() -> None:
    beat = monitor(Speaker.SERVER_FRAME)
    (ask,) = beat.poll(1.0)
    assert isinstance(ask, Ask)
    beat.pong(ask.ping, 1.1)
    beat.received(1.1)
    assert [type(action) for action in beat.poll(3.7)] == [Ask]  # half of the silence
    (dead,) = beat.poll(6.2)
    assert isinstance(dead, Dead)
    assert dead.reason is Reason.SILENT
