"""The proof that the soak's reader of guards would find one that passes when it must not."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import shm
from tests.kit.patience import SILENCE_S
from tests.kit.rig import Rig, rig, until
from tests.soak.cells import STATUS_S
from tests.soak.guards import GuardReader
from tests.soak.tops import Halts
from tests.soak.truth import Truth

SYMBOL = "BTC-USDT"


def passes(*_: Any) -> None:
    """A guard that says yes to everything."""


def found_by_a_new_reader(
    r: Rig, feed: shm.Feed, halts: Path, prepare: Callable[[], None] = lambda: None
) -> Callable[[str], None]:
    """Looks until its reader has found that to be wrong."""
    truth = Truth(r.sims["okx"].endpoint.control_url)
    reader = GuardReader(feed, truth, random.Random(1), Halts(str(halts), "okx"))
    reader.look()
    prepare()

    def finds(what: str) -> None:
        def told() -> bool:
            truth.verdicts.first.clear()  # it keeps a few
            reader.look()
            reader.check()
            return any(what in first["what"] for first in truth.verdicts.first)

        until(told, what, 20)
        truth.close()

    return finds


def test_a_guard_that_passes_always_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halts = tmp_path / "halts"
    halts.touch()
    with rig("okx", depth=60, digests=True) as r:
        sim = r.sims["okx"]
        process = r.io_process("okx")
        feed = r.attach("okx")
        monkeypatch.setattr(shm.Feed, "require_live", passes)

        found_by_a_new_reader(r, feed, halts)("passed for nothing")
        number = sim.fault("restate", SYMBOL, word="suspend")
        found_by_a_new_reader(r, feed, halts)("passed what is not open")
        sim.fault("none", id=number)
        now = time.time_ns()
        span = [now - int((STATUS_S + 1) * 1e9), now + 10**12]
        halts.write_text(json.dumps(["okx", SYMBOL, *span, True]) + "\n")
        found_by_a_new_reader(r, feed, halts)("passed what the venue has halted")
        sim.fault("silence", seconds=2 * SILENCE_S)
        found_by_a_new_reader(r, feed, halts)("passed a book that is not LIVE")
        finds = found_by_a_new_reader(r, feed, halts, lambda: os.kill(process.pid, signal.SIGSTOP))
        finds("the writer is silent")
        os.kill(process.pid, signal.SIGCONT)
        finds = found_by_a_new_reader(r, feed, halts, process.kill)
        finds("the writer is dead")
