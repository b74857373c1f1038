"""A process that hangs is told from one that waits for a core."""

from __future__ import annotations

import os

import pytest

from feedhandler.supervisor import pulse
from feedhandler.supervisor.pulse import HANG_NS, STARVED, Pulse

S = 1_000_000_000


def test_who_waits_for_a_core_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = 7 * S
    monkeypatch.setattr(pulse, "waited_ns", lambda _: waited)
    its = Pulse(1, 99 * S)
    assert not its.hangs(1, 100 * S)
    waited += 3 * S
    assert not its.hangs(1, 107 * S)  # 4 s of 7 were its own
    assert its.hangs(1, 109 * S)
    assert not its.hangs(2, 110 * S)  # it beats again: counted from there
    waited += 1000 * S
    assert not its.hangs(2, 110 * S + STARVED * HANG_NS)
    assert its.hangs(2, 111 * S + STARVED * HANG_NS)


def test_without_a_word_of_waiting_only_time_counts() -> None:
    assert pulse.waited_ns(os.getpid()) >= 0
    assert pulse.waited_ns(0) == 0
    its = Pulse(0, S)
    assert its.silent_ns(1, 2 * S) == 0
    assert not its.hangs(1, 2 * S + HANG_NS)
    assert its.hangs(1, 2 * S + HANG_NS + 1)
