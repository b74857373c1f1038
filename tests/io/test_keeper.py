"""What fails beside the streams goes on, and says so once."""

from __future__ import annotations

import asyncio
import logging

import pytest

from feedhandler.keeper import Keeper


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
