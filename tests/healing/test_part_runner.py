"""What fails beside the streams goes on, and says so once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from feedhandler.adapter.engine import make_engine
from feedhandler.connection.connection import Connection
from feedhandler.connection.owner import Settings
from feedhandler.connection.state import ConnectionState
from feedhandler.healing.part_runner import PartRunner
from shm.segment import create
from tests.kit.connected import Owner
from tests.kit.facts import PaperVenue
from tests.network.test_rest import reached


def test_what_fails_is_run_again_and_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedhandler.healing.part_runner._FIRST_S", 0.001)
    monkeypatch.setattr("feedhandler.healing.part_runner._CAP_S", 0.002)
    runs = 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        if runs < 20:
            raise KeyError("what a venue sent")

    async def main() -> None:
        runner = PartRunner()
        assert runner.note == ""
        await asyncio.wait_for(runner.keep_running("the part", part), 45)
        assert "the part failed: KeyError at test_part_runner.py" in runner.note
        assert "(19 failures)" in runner.note
        done: list[int] = []
        runner.step("a step", lambda: 1 // 0)
        runner.step("a step", lambda: done.append(1))
        assert done == [1]

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert runs == 20
    assert len(caplog.messages) == 2
    assert "the part failed, and goes on: KeyError at test_part_runner.py" in caplog.messages[0]


def test_a_cancellation_ends_it() -> None:
    async def main() -> None:
        task = asyncio.create_task(PartRunner().keep_running("the part", lambda: asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


class Clumsy(Owner):
    """Fails whenever it is told that a connection is down."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = PartRunner()
        self.told = 0

    async def keep_running(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        await self.runner.keep_running(part, run)

    def on_state(self, connection: Connection) -> None:
        if connection.state is ConnectionState.BACKOFF:
            self.told += 1
            raise KeyError("a mistake of ours")


def test_a_connection_outlives_the_mistakes_of_its_owner(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedhandler.healing.part_runner._FIRST_S", 0.001)
    monkeypatch.setattr("feedhandler.healing.part_runner._CAP_S", 0.002)

    async def main() -> None:
        owner = Clumsy()
        with create("paper", namespace=namespace, connections=1) as held:
            native = make_engine(PaperVenue(), held.writer).connection(0)
            settings = Settings("ws://127.0.0.1:9/")
            connection = Connection(0, PaperVenue(), ["book:A"], native, owner, settings)
            connection.start()
            await reached(lambda: owner.told >= 3)
            assert "KeyError" in owner.runner.note
            await connection.stop()
            assert connection.state is ConnectionState.CLOSED

    asyncio.run(main())
