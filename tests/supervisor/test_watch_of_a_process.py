"""The watch over an IO process: by a clock that nobody sets."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import pytest

from feedhandler.supervisor import pulse, venue_process
from feedhandler.supervisor.venue_process import VenueProcess
from tests.planning.test_forecast import CONFIG


class Child:
    """A process that ends when it is killed, or after a while."""

    pid = 4711

    def __init__(self, lasts_s: float) -> None:
        self.returncode: int | None = None
        self._ends = time.monotonic() + lasts_s
        self._end = asyncio.Event()

    async def wait(self) -> int:
        left = self._ends - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, left)):
                await self._end.wait()
        except TimeoutError:
            self.returncode = 0
        return self.returncode or 0

    def kill(self) -> None:
        self.returncode = -9
        self._end.set()


def watched(monkeypatch: pytest.MonkeyPatch, beats: bool, lasts_s: float) -> str:
    """What the watch says of a process whose wall clock went a minute on, or back."""
    monkeypatch.setattr(pulse, "HANG_NS", 500_000_000)
    monkeypatch.setattr(venue_process, "WATCH_S", 0.02)
    begun, texts = time.time_ns(), set()
    for offset in (-60_000_000_000, 0, 60_000_000_000):

        def heartbeat(*_: str, off: int = offset) -> tuple[int, int]:
            return Child.pid, (time.time_ns() if beats else begun) + off

        async def run() -> str:
            process = VenueProcess("ns", "okx", CONFIG, keep=False)
            return await process._watch(cast("asyncio.subprocess.Process", Child(lasts_s)))

        monkeypatch.setattr(venue_process, "heartbeat", heartbeat)
        texts.add(asyncio.run(run()))
    [text] = texts
    return text


def test_a_clock_that_is_set_kills_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "exit code 0" in watched(monkeypatch, beats=True, lasts_s=1.0)


def test_who_hangs_is_killed_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched(monkeypatch, beats=False, lasts_s=30.0) == "it hung"
