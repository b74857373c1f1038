"""What an operator reads in an outage: a handful of lines, and what is wrong, on any screen."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import time
from types import SimpleNamespace
from typing import Any

import pytest

from feedhandler.connection.outage import MOST_BYTES, ConnectionOutage, clock_time, fitted
from feedhandler.connection.state import ConnectionState
from feedhandler.io_process.outage_log import OutageLog
from feedhandler.io_process.venue_health import VenueState
from feedhandler.log import AGAIN_S, BURST, FEW, Calm, room_after
from feedhandler.log_lines import TextLine
from shm import Reason, State
from shm.inspect import open_memory
from tests.cli.support import Terminal
from tests.kit.rig import Rig, rig, until

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING|ERROR) \w+: \S.*")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Link:
    """A connection as far as the log knows one."""

    def __init__(self, row: int) -> None:
        self.row = row
        self.outage = ConnectionOutage()
        self.detail = ""

    def fail(self, outages: OutageLog, cause: str) -> None:
        self.detail = self.outage.failed(Reason.DISCONNECTED, cause, 1.0)
        outages.down(self)  # type: ignore[arg-type]

    def live(self, outages: OutageLog) -> None:
        self.outage.over()
        outages.live(self)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"connection {self.row}"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "feedhandler")
    return caplog


def test_three_minutes_of_two_connections_are_a_handful_of_lines(
    said: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    outages = OutageLog(clock)
    links = Link(0), Link(1)
    for number in range(387):
        links[number % 2].fail(outages, ("Connection refused", "no route to host")[number > 50])
        clock.now += 180 / 387
    for link in links:
        link.live(outages)
    lines = said.messages
    assert len(lines) <= 8
    assert [line.split(":")[0] for line in lines[:2]] == ["connection 0", "connection 1"]
    assert any("connection 0, and 1 more: down for 60" in line for line in lines)
    assert lines[-2] == "connection 0 is live again, after 3 min and 194 failures"


def test_of_many_connections_with_one_cause_a_few_are_named(said: pytest.LogCaptureFixture) -> None:
    outages = OutageLog(Clock())
    links = [Link(row) for row in range(64)]
    for _ in range(3):
        for link in links:
            link.fail(outages, "Connection refused")
    for link in links:
        link.live(outages)
    assert len(said.messages) <= 8


def test_each_outage_is_news(said: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    outages, link = OutageLog(clock), Link(0)
    for seconds in (0.5, 30.0):
        link.fail(outages, "Connection refused")
        clock.now += seconds
        link.live(outages)
    down = "connection 0: Connection refused; next try in 1.0 s"
    back = "connection 0 is live again, after 30 s and 1 failure"
    assert said.messages == [down, down, back]  # of a short one its beginning is enough


def test_who_comes_and_goes_for_hours_fills_no_disk() -> None:
    clock = Clock()
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record).partition(" okx: ")[2])

    async def flap() -> None:
        handler = Handler()
        handler.setFormatter(TextLine("okx"))
        calm = Calm(handler, BURST, clock)
        handler.addFilter(calm)
        for number in range(3600):
            said = ("connection %d (ws://a): cut", "connection %d (ws://a) is live again")[
                number % 2
            ]
            handler.handle(logging.makeLogRecord({"msg": said, "args": (number,), "levelno": 30}))
            clock.now += 1.0
        handler.handle(logging.makeLogRecord({"msg": "an error", "levelno": 40}))
        assert lines[-1] == "an error"
        clock.now += AGAIN_S
        calm._say()  # as the loop does then: nobody is left with an old line

    asyncio.run(flap())
    assert len(lines) <= BURST + 3600 / AGAIN_S + 3
    burst = int(BURST)
    assert lines[burst - 1].startswith(f"connection {burst - 1} (ws://a) is live again")
    assert lines[-1].startswith("connection 3599 (ws://a) is live again (")
    counts = [int(re.findall(r"\((\d+) lines? left out", line)[0])
              for line in lines[burst:] if "left out" in line]  # fmt: skip
    assert sum(counts) + len(lines) - 1 == 3600
    assert "of 'connection: cut'" in lines[-1]


def test_a_process_that_is_killed_again_and_again_says_no_more_than_one_that_lives() -> None:
    assert room_after(0.0) == room_after(60.0) == FEW
    assert room_after(5 * AGAIN_S) == 5.0
    assert room_after(1e6) == BURST


class Told:
    """A writer as far as a venue's state knows one."""

    def __init__(self) -> None:
        self.details: list[str] = []

    def set_state(self, _: int, __: int, detail: str) -> None:
        self.details.append(detail)


def test_a_venue_that_is_tried_again_and_again_says_each_state_once(
    said: pytest.LogCaptureFixture,
) -> None:
    clock, told = Clock(), Told()
    venue = VenueState(told, clock)  # type: ignore[arg-type]
    venue.show(State.LIVE, Reason.NONE, "")
    for number in range(100):
        for reason in (Reason.DISCONNECTED, Reason.SILENT):
            venue.show(State.STALE, reason, f"try {number}")
            clock.now += 0.9
    venue.show(State.LIVE, Reason.NONE, "")
    assert len(told.details) == 202  # memory has them all
    assert len(said.messages) <= 2 + 2 * 4
    assert said.messages[-1] == "LIVE"


def test_what_is_healed_at_once_is_no_state_to_tell(said: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    venue = VenueState(Told(), clock)  # type: ignore[arg-type]

    def look(state: State, reason: Reason, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            venue.show(state, reason, "")
            clock.now += 0.25

    look(State.SYNCING, Reason.START, 1.0)
    look(State.LIVE, Reason.NONE, 10.0)
    look(State.STALE, Reason.GAP, 2.0)
    look(State.LIVE, Reason.NONE, 10.0)
    assert said.messages == ["LIVE"]
    look(State.STALE, Reason.GAP, 2.0)
    look(State.STALE, Reason.DISCONNECTED, 2.0)  # not LIVE for three seconds by now
    assert said.messages[1:] == ["STALE (DISCONNECTED)"]
    look(State.LIVE, Reason.NO_DATA, 2.0)
    look(State.LIVE, Reason.NONE, 1.0)
    assert said.messages[2:] == ["LIVE (NO_DATA)", "LIVE"]
    look(State.LIVE, Reason.NO_DATA, 4.0)
    assert said.messages[4:] == ["LIVE (NO_DATA)"]


def connection(state: ConnectionState, cause: str = "", failures: int = 0) -> Any:
    outage = ConnectionOutage()
    detail = ""
    for _ in range(failures):
        detail = outage.failed(Reason.DISCONNECTED, cause, 1.0)
    return SimpleNamespace(
        state=state, outage=outage, detail=detail, connected_ns=0,
        reason=Reason.DISCONNECTED if failures else Reason.START,
    )  # fmt: skip


@pytest.mark.parametrize("cause", ["Connection refused", "é" * 200, "x" * 126, ""])
@pytest.mark.parametrize("failures", [1, 7])
def test_details_fit_and_keep_what_is_done(cause: str, failures: int) -> None:
    made = connection(ConnectionState.BACKOFF, cause, failures)
    assert len(made.detail.encode()) <= MOST_BYTES
    assert "next try in 1.0 s" in made.detail
    since = f"down since {clock_time(made.outage.since_ns)}"
    assert (since in made.detail) == (failures > 1)
    assert made.detail.startswith(cause[:30])
    assert len(fitted(cause, "trying again", 60).encode()) <= 60


def test_the_time_of_another_day_has_its_date() -> None:
    assert re.fullmatch(r"\d\d:\d\d:\d\d UTC", clock_time(time.time_ns()))
    assert clock_time(1_700_000_000 * 10**9) == "2023-11-14 22:13 UTC"


def screen(r: Rig, columns: int, *arguments: str) -> list[str]:
    """What a command shows on a terminal."""
    with Terminal(*arguments, namespace=r.namespace, columns=columns) as terminal:
        terminal.finish()
        lines = [line.rstrip() for line in terminal.lines()]
    assert max(map(len, lines)) <= columns
    return lines


def told(lines: list[str]) -> str:
    """As one reads it: without its line breaks."""
    return " ".join(" ".join(lines).split())


def link(r: Rig) -> dict[str, Any]:
    """The first row of the connection table."""
    with open_memory("okx", namespace=r.namespace) as memory:
        return memory.connections()[0]


def test_an_outage_is_told_on_narrow_screens_and_calmly(capfd: pytest.CaptureFixture[str]) -> None:
    with rig("okx", rate=100.0) as r:
        r.io_process("okx")
        feed, sim = r.attach("okx"), r.sims["okx"]
        capfd.readouterr()
        sim.fault("refuse")
        sim.fault("drop")
        until(lambda: link(r)["transitions"] >= 16, "it is tried some times")
        lines = capfd.readouterr().err.splitlines()
        assert len(lines) <= 6, lines
        for columns in (80, 200):
            text = told(screen(r, columns, "status"))
            assert re.search(r"DISCONNECTED for [\d.]+ s: 1 of 1 connection down: ", text)
            assert re.search(r"Connection refused; (next try in|trying again)", text)
            text = told(screen(r, columns, "inspect", "connections"))
            done = r"refused; (next try in [\d.]+ s|trying again), down since [\d:]+ UTC"
            assert re.search(done, text)
        sim.fault("none")
        until(lambda: feed.state[0] == State.LIVE, "it is LIVE again")
        until(lambda: "is live again, after" in capfd.readouterr().err, "it is said")


PATIENT = (  # the same process, which tries one connection for as long as anybody looks
    "import runpy; from feedhandler.connection import session_socket; "
    "session_socket.CONNECT_TIMEOUT_S = 600.0; "
    "runpy.run_module('feedhandler.io_process.main', run_name='__main__')"
)


def test_what_is_being_opened_says_why_it_is_not_open(capfd: pytest.CaptureFixture[str]) -> None:
    with rig("okx", rate=100.0) as r:
        r.io_process("okx", run=PATIENT)
        r.attach("okx")
        assert link(r)["detail"] == ""
        r.sims["okx"].fault("slow_handshake")
        r.sims["okx"].fault("drop")
        until(lambda: link(r)["state"] == ConnectionState.CONNECTING, "it is being opened")
        assert link(r)["detail"] == "the venue cut the connection; trying again"
        why = "1 of 1 connection down: the venue cut the connection; trying again"
        until(lambda: why in told(screen(r, 80, "status")), "the status says why")
        assert all(map(LINE.fullmatch, capfd.readouterr().err.splitlines()))


def test_a_session_that_begins_badly_is_told_in_our_own_lines(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with rig("okx", rate=100.0) as r:
        r.io_process("okx")
        r.attach("okx")
        capfd.readouterr()
        r.sims["okx"].fault("bad_session", begins="masked")
        r.sims["okx"].fault("drop")
        until(lambda: link(r)["disconnects"] >= 4, "it is tried three times")
        lines = capfd.readouterr().err.splitlines()
        assert all(map(LINE.fullmatch, lines)), lines
        assert len(lines) <= 6, lines
        assert sum("Received masked frame from server" in line for line in lines) <= 2
        assert "masked" in told(screen(r, 80, "status"))


def test_a_killed_process_a_restart_and_an_unsubscribe_are_told() -> None:
    from feedhandler.supervisor.control_socket import request

    with rig("okx", "binance", rate=100.0) as r:
        r.supervisor()
        r.attach("okx").close()
        binance = r.attach("binance")

        def venue(name: str) -> dict[str, Any]:
            found = request(r.namespace, {"do": "status"}, 45.0)["venues"]
            return next(each for each in found if each["venue"] == name)

        os.kill(venue("okx")["pid"], signal.SIGSTOP)  # hung: what it says is not believed

        def hung() -> dict[str, Any] | None:
            its = venue("okx")
            return its if its["reason"] == "HEARTBEAT" else None

        dead = until(hung, "it is seen to hang")
        assert (dead["live"], dead["connections"]["live"]) == (0, 0)
        assert dead["detail"].endswith("after 5 s it is killed and started again")
        until(lambda: venue("okx")["restarts"] == 1, "it is killed")
        until(lambda: venue("okx")["state"] == "LIVE", "it is LIVE again")
        lines = screen(r, 80, "status")
        assert "RESTARTS" in lines[2]
        assert re.search(r"started again: it hung, [\d.]+ s ago", told(lines))
        gone = {"do": "unsubscribe", "venue": "binance", "patterns": ["ETHUSDT"]}
        assert "error" not in request(r.namespace, gone, 45.0)
        until(lambda: venue("binance")["instruments"] == 1, "one is carried")
        assert re.search(r"binance +LIVE +1/1 ", "\n".join(screen(r, 80, "status")))
        assert binance.instruments()[1].symbol == "ETHUSDT"  # its row stays
