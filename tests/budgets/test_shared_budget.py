"""Budgets in shared memory: many processes, killed ones, restarted ones; the sum stays inside."""

import asyncio
import heapq
import logging
import os
import random
import signal
import struct
import subprocess
import sys
import time
import uuid
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Limits
from feedhandler.budgets import shared_budget, venue_budgets
from feedhandler.budgets._budget_table import ROWS, SIZE, Table
from feedhandler.budgets.backoff import Backoff
from feedhandler.budgets.retry_after import ban_s
from feedhandler.budgets.shared_budget import NoBudgets, SharedBudget, bans, shared, table
from feedhandler.budgets.token_bucket import SlidingWindow, TokenBucket, per_second
from feedhandler.network.rest import Rest, RestRateLimited
from feedhandler.venues import load
from shm import Reason, State
from tests.kit.patience import patient
from tests.kit.rig import end, rig, until
from tests.network.test_rest import served
from tests.shm.users import STRANGER, needs_root

HAMMER = """
import os, sys, time
from feedhandler.budgets.shared_budget import SharedBudget
budget = SharedBudget(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
out = os.open(sys.argv[4], os.O_WRONLY | os.O_APPEND)
end = time.monotonic() + float(sys.argv[5])
while (now := time.monotonic()) < end:
    if budget.take(now):
        os.write(out, b"x")
"""


@pytest.fixture
def own() -> Table:
    """A table that nobody else has."""
    return Table(bytearray(SIZE))


def hammer(name: str, path: Path, seconds: float) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", HAMMER, name, "200", "40", str(path), str(seconds)]
    paths = os.pathsep.join(each or "." for each in sys.path)
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": paths})


def test_many_processes_some_killed_and_restarted_stay_inside_together(tmp_path: Path) -> None:
    grants, name = tmp_path / "grants", f"h{uuid.uuid4().hex} connects"
    grants.touch()
    rng = random.Random(3)
    lasting = [hammer(name, grants, 60.0) for _ in range(3)]
    victims: list[subprocess.Popen[bytes]] = []
    began = time.monotonic()
    try:
        until(lambda: grants.stat().st_size > 0, "somebody is granted something")
        kills = 0
        while kills < 3 or time.monotonic() < began + 1.5:
            victim = hammer(name, grants, 60.0)
            victims.append(victim)
            before = grants.stat().st_size
            until(lambda b=before: grants.stat().st_size > b + 20, "grants go on")  # type: ignore[misc]
            victim.send_signal(signal.SIGSTOP if rng.random() < 0.3 else signal.SIGKILL)
            kills += 1
        size = grants.stat().st_size
        until(lambda: grants.stat().st_size > size + 20, "the dead and the stopped block nobody")
    finally:
        for process in [*lasting, *victims]:
            process.kill()
            process.wait()
    elapsed = time.monotonic() - began
    spent = grants.stat().st_size
    assert spent <= 40 + 200 * elapsed
    assert SharedBudget(name, 200, 40).available(time.monotonic()) <= 40


def test_bucket_is_exact_at_its_edges(own: Table) -> None:
    budget = SharedBudget("host connects", 5.0, 3.0, own)
    twin = SharedBudget("host connects", 5.0, 3.0, own)
    assert [budget.take(100.0), twin.take(100.0), budget.take(100.0)] == [True] * 3
    assert not twin.take(100.0)
    assert twin.wait(100.0) == pytest.approx(0.2)
    assert not twin.take(100.199)
    assert twin.take(100.2)
    assert budget.available(100.2) == pytest.approx(0.0)
    budget.spend(100.2, 2.0)  # had to be
    assert budget.available(100.2) == pytest.approx(-2.0)
    assert budget.wait(100.2) == pytest.approx(0.6)
    assert budget.available(200.0) == 3.0


def test_more_than_it_holds_is_granted_when_full(own: Table) -> None:
    budget = SharedBudget("host REST", 10.0, 20.0, own)
    assert budget.take(0.0 + 1, 50.0)
    assert budget.wait(1.0, 50.0) == pytest.approx(5.0)
    assert not budget.take(5.9, 50.0)
    assert budget.take(6.0, 50.0)


def test_other_budgets_are_others(own: Table) -> None:
    one, two = (SharedBudget(f"h{n} connects", 1.0, 1.0, own) for n in (1, 2))
    assert one.take(1.0)
    assert two.take(1.0)
    assert not one.take(1.0)


def test_bans_hold_also_where_no_limit_is_known(own: Table) -> None:
    for rate in (0.0, 2.0):
        budget = SharedBudget(f"host {rate}", rate, 4.0, own)
        budget.hold(10.0, 30.0, 429)
        budget.hold(10.0, 5.0, 429)  # a shorter one does not end a longer one
        assert SharedBudget(f"host {rate}", rate, 4.0, own).wait(11.0) >= 29.0
        assert not budget.take(39.9)
        assert budget.take(40.1)
        assert budget.take(40.1) == (rate == 0)  # and then it goes on calmly


def test_full_table_takes_back_what_says_nothing_any_more(own: Table) -> None:
    for n in range(ROWS):
        assert SharedBudget(f"h{n}", 1.0, 1.0, own).take(1.0)
    with pytest.raises(MemoryError, match="every row"):
        SharedBudget("one more", 1.0, 1.0, own).take(1.5)
    assert SharedBudget("h7", 1.0, 1.0, own).wait(1.5) == pytest.approx(0.5)
    for n in range(ROWS):
        assert SharedBudget(f"later {n}", 1.0, 1.0, own).take(2.0)
        assert not SharedBudget(f"later {n}", 1.0, 1.0, own).take(2.0)
    assert SharedBudget("h7", 1.0, 1.0, own).wait(2.5) == 0.0


def test_damage_is_no_ban_for_ever() -> None:
    memory = bytearray(SIZE)
    budget = SharedBudget("host x", 1.0, 1.0, Table(memory))
    assert budget.take(1.0)
    for row in range(128, SIZE, 128):
        if memory[row : row + 8] != bytes(8):
            struct.pack_into("<qq", memory, row + 8, 1 << 62, 1 << 62)
    assert budget.take(2.0)
    assert not budget.take(2.0)


def test_another_version_is_refused_and_said_and_life_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"test-budgets-{uuid.uuid4().hex[:8]}"
    path = Path("/dev/shm", name)
    path.write_bytes(b"FHBUDG\x09\x00" + bytes(SIZE - 8))
    monkeypatch.setenv("FEEDHANDLER_BUDGETS", name)
    monkeypatch.setattr(logging.getLogger("feedhandler"), "propagate", True)
    try:
        with pytest.raises(NoBudgets, match=f"/dev/shm/{name}: not a table .* version"):
            table()
        with caplog.at_level("WARNING"):
            assert isinstance(shared("host", 1.0, 1.0), TokenBucket)
        assert "not shared between processes" in caplog.text
    finally:
        path.unlink()
    monkeypatch.setenv("FEEDHANDLER_BUDGETS", "a/b")
    with pytest.raises(NoBudgets, match="FEEDHANDLER_BUDGETS='a/b'"):
        table()


def test_object_is_its_users_alone(budgets: str) -> None:
    table()
    found = Path("/dev/shm", budgets).stat()
    assert found.st_mode & 0o777 == 0o600
    assert found.st_size == SIZE


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the budgets of this test alone will be."""
    path = Path("/dev/shm", f"test-budgets-{uuid.uuid4().hex[:8]}")
    monkeypatch.setenv("FEEDHANDLER_BUDGETS", path.name)
    try:
        yield path
    finally:
        for each in (path, Path(f"{path}.1")):
            each.rmdir() if each.is_dir() else each.unlink(missing_ok=True)


def test_a_name_that_others_have_taken_is_left_to_them(place: Path) -> None:
    place.mkdir()
    table()
    assert Path(f"{place}.1").stat().st_size == SIZE
    shared_budget._open.cache_clear()  # as another process
    place.rmdir()
    table()  # what is ours goes on being used
    assert not place.exists()


@needs_root
def test_somebody_elses_object_is_not_used(place: Path) -> None:
    place.write_bytes(bytes(SIZE))
    os.chown(place, STRANGER, STRANGER)
    place.chmod(0o666)
    SharedBudget("host connects", 1.0, 1.0).take(5.0)
    assert place.read_bytes() == bytes(SIZE)
    assert Path(f"{place}.1").stat().st_uid == os.getuid()


def test_truncated_while_it_is_mapped(place: Path) -> None:
    budget = SharedBudget("host connects", 1.0, 1.0)
    assert budget.take(5.0)
    os.truncate(place, 0)
    budget.take(5.0)  # what was spent is forgotten, and nothing dies
    assert budget.take(60.0)
    assert place.stat().st_size == SIZE
    assert not SharedBudget("host connects", 1.0, 1.0).take(60.0)  # shared again


@pytest.mark.parametrize(("count", "seconds"), [(300, 300.0), (3, 1.0), (2, 1.0), (1, 1.0)])
def test_no_window_sees_more_than_the_limit(own: Table, count: int, seconds: float) -> None:
    """Three processes against a venue that refuses all, one in a crash loop without any memory."""
    budget = SharedBudget("host connects", *venue_budgets.strict(count, seconds), own)
    rng = random.Random(5)
    backoffs = [Backoff(rng=rng), Backoff(rng=rng), None]
    turns = [(1.0 + n / 100, n) for n in range(3)]
    attempts: list[float] = []
    while (turn := heapq.heappop(turns))[0] < 601.0:
        now, who = turn
        backoff = backoffs[who]
        if budget.take(now):
            attempts.append(now)
            delay = backoff.next(now) if backoff else 0.03
        else:
            delay = max(1e-6, budget.wait(now))
        heapq.heappush(turns, (now + delay, who))
    for index, at in enumerate(attempts):
        assert index - bisect_left(attempts, at - seconds + 1e-9) + 1 <= count
    assert len(attempts) >= 0.45 * count * 600 / seconds  # and it is not wasted


def test_sliding_window_is_exact() -> None:
    window = SlidingWindow(4, 1.0)
    times = [n / 100 for n in range(1000) if window.take(n / 100)]
    assert len(times) == 40
    for index, at in enumerate(times):
        assert sum(1 for other in times[: index + 1] if other > at - 1.0 + 1e-9) <= 4
    window.spend(20.0, 6.0)
    assert window.available(20.0) == -2.0
    assert window.wait(20.5) == pytest.approx(0.5)
    assert per_second(0.25).wait(1.0) == 0.0
    slow = per_second(0.25)
    slow.spend(1.0)
    assert slow.wait(1.0) == pytest.approx(4.0)
    assert per_second(0.0).take(1.0, 1e9)


BINANCE = load("binance").limits.bans


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        (418, {}, b'{"code":-1003,"msg":"IP banned until 1445412540000. Please"}', 60.0),
        (418, {"Retry-After": "90"}, b'{"msg":"IP banned until 1445412540000"}', 90.0),
        (418, {}, b'{"msg":"IP banned until 9999999999999"}', 3 * 86_400.0),
        (418, {}, b'{"msg":"IP banned until 1445412000000"}', 120.0),
        (429, {"Retry-After": "7"}, b"", 7.0),
        (429, {}, b"", 60.0),
        (403, {}, b"<html>", 300.0),
        (500, {"Retry-After": "7"}, b"", 0.0),
    ],
)
def test_bans(status: int, headers: dict[str, str], body: bytes, seconds: float) -> None:
    assert ban_s(status, headers, body, BINANCE, now=1_445_412_480.0) == seconds


def test_ban_is_known_to_another_session_and_shown() -> None:
    async def main() -> None:
        from aiohttp import web

        asked: list[str] = []

        async def handler(request: web.Request) -> web.Response:
            asked.append(request.path)
            return web.Response(status=418, headers={"Retry-After": "60"})

        async with served(handler) as url:
            async with Rest(url, Limits()) as rest:
                with pytest.raises(RestRateLimited):
                    await rest.get(Request("/x"))
            async with Rest(url, Limits()) as rest:  # as after a restart
                assert 50 < rest.held(Request("/x")) <= 60
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await rest.get(Request("/y"))
            left, why = bans()[f"{venue_budgets.host(url)} REST"]
        assert asked == ["/x"]
        assert (50 < left <= 60, why) == (True, 418)

    asyncio.run(main())


CRASHING = """
import asyncio, os, signal, sys
from feedhandler.network.rest import Rest
from feedhandler.adapter.venue import Limits, Request
from shm import Reason, State
async def main():
    async with Rest(sys.argv[1], Limits(rest_per_second=20.0, rest_burst=10.0)) as rest:
        real = rest.budget.take
        def take(now, weight):
            granted = real(now, weight)
            if granted:
                print(now, flush=True)
            return granted
        rest.budget.take = take
        await asyncio.gather(*(rest.get(Request("/x")) for _ in range(6)))
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def test_restart_loop_spends_one_budget() -> None:
    async def main() -> None:
        from aiohttp import web

        times: list[float] = []  # by the clock that the budget was asked by

        async def handler(_: web.Request) -> web.Response:
            return web.Response(body=b"{}")

        paths = os.pathsep.join(each or "." for each in sys.path)
        async with served(handler) as url:
            for _ in range(5):
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", CRASHING, url,
                    env=os.environ | {"PYTHONPATH": paths}, stdout=asyncio.subprocess.PIPE,
                )  # fmt: skip
                said, _ = await process.communicate()
                assert process.returncode == -signal.SIGKILL
                times += map(float, said.split())
        assert len(times) == 30
        for index, at in enumerate(times):
            assert index + 1 <= 10 + 20 * (at - times[0]) + 1e-3

    asyncio.run(main())


def test_wait_for_a_budget_is_shown_as_rate_limit_and_ends() -> None:
    with rig("okx") as r:
        config = r.config.venues["okx"]
        limits = load("okx").limits
        (budget,) = venue_budgets.connects(config.url("public"), limits)
        process = r.io_process("okx")

        def shown() -> bool:
            from feedhandler.view.status import namespace_status

            budget.hold(time.monotonic(), 4.0, 429)
            found = namespace_status(r.namespace)["venues"]
            return bool(found) and found[0]["reason"] == "RATE_LIMIT"

        until(shown, "the venue says RATE_LIMIT")
        began = time.monotonic()
        r.attach("okx").close()
        assert time.monotonic() - began < patient(8.0)
        end(process)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "[::1]:80", "localhost:9"])
def test_a_venue_on_this_machine_leaves_no_table_behind(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(shared(f"{host} REST", 1.0, 1.0), SharedBudget)  # the tests name a table
    monkeypatch.delenv(shared_budget.ENVIRONMENT)
    assert isinstance(shared(f"{host} REST", 1.0, 1.0), TokenBucket)


def test_snapshots_that_wait_for_the_budget_say_rate_limit_and_come() -> None:
    with rig("binance") as r:
        config = r.config.venues["binance"]
        process = r.io_process("binance")
        feed = r.attach("binance")
        budget = venue_budgets.rest(config.rest_url, load("binance").limits)
        budget.hold(time.monotonic(), 4.0, 429)
        r.sims["binance"].fault("drop")

        def limited() -> bool:
            quote = feed.quote(feed.instrument("BTCUSDT"))
            return quote.reason == Reason.RATE_LIMIT and quote.state != State.LIVE

        until(limited, "the book says RATE_LIMIT")
        until(lambda: feed.quote(feed.instrument("BTCUSDT")).state == State.LIVE, "it is LIVE")
        end(process)
