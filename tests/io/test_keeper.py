"""What fails beside the streams goes on, and says so once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from feedhandler.connection import Connection
from feedhandler.connection_owner import Settings
from feedhandler.connection_state import ConnectionState
from feedhandler.keeper import Keeper
from feedhandler.venue_engine import make_engine
from shm.segment import create
from tests.io.facts import PaperVenue
from tests.io.test_rest import reached
from tests.io.test_transport_deflate import Owner


def test_what_fails_is_run_again_and_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedhandler.keeper._FIRST_S", 0.001)
    monkeypatch.setattr("feedhandler.keeper._CAP_S", 0.002)
    runs = 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        if runs < 20:
            raise KeyError("what a venue sent")

    async def main() -> None:
        keeper = Keeper()
        assert keeper.note == ""
        await asyncio.wait_for(keeper.keep("the part", part), 10)
        assert "the part failed: KeyError at test_keeper.py" in keeper.note
        assert "(19 failures)" in keeper.note
        done: list[int] = []
        keeper.step("a step", lambda: 1 // 0)
        keeper.step("a step", lambda: done.append(1))
        assert done == [1]

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert runs == 20
    assert len(caplog.messages) == 2
    assert "the part failed, and goes on: KeyError at test_keeper.py" in caplog.messages[0]


def test_a_cancellation_ends_it() -> None:
    async def main() -> None:
        task = asyncio.create_task(Keeper().keep("the part", lambda: asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


class Clumsy(Owner):
    """Fails whenever it is told that a connection is down."""

    def __init__(self) -> None:
        super().__init__()
        self.keeper = Keeper()
        self.told = 0

    async def keep(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        await self.keeper.keep(part, run)

    def on_state(self, connection: Connection) -> None:
        if connection.state is ConnectionState.BACKOFF:
            self.told += 1
            raise KeyError("a mistake of ours")


def test_a_connection_outlives_the_mistakes_of_its_owner(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedhandler.keeper._FIRST_S", 0.001)
    monkeypatch.setattr("feedhandler.keeper._CAP_S", 0.002)

    async def main() -> None:
        owner = Clumsy()
        with create("paper", namespace=namespace, connections=1) as held:
            native = make_engine(PaperVenue(), held.writer).connection(0)
            settings = Settings("ws://127.0.0.1:9/")
            connection = Connection(0, PaperVenue(), ["book:A"], native, owner, settings)
            connection.start()
            await reached(lambda: owner.told >= 3)
            assert "KeyError" in owner.keeper.note
            await connection.stop()
            assert connection.state is ConnectionState.CLOSED

    asyncio.run(main())
