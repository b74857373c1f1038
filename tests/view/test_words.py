"""A venue's trouble in words: what, since when, what is done."""

from __future__ import annotations

from typing import Any

from feedhandler.view.words import REASONS, meaning, trouble
from shm import Reason

NOW = 10_000_000_000_000


def status(**facts: Any) -> dict[str, Any]:
    return {"state": "LIVE", "reason": "NONE", "detail": "", "since_ns": NOW, **facts}


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(Reason)
    assert all(what for reason, (what, _) in REASONS.items() if reason is not Reason.NONE)


def test_nothing_is_said_of_what_is_well() -> None:
    assert trouble(status(), NOW) == ""
    assert meaning("NONE") == ""


def test_what_is_wrong_since_when_and_what_is_done() -> None:
    said = trouble(status(state="STALE", reason="GAP", since_ns=NOW - 12_000_000_000), NOW)
    assert said == "GAP for 12 s: the venue's numbers have a hole; the book is asked for anew"
    said = trouble(status(state="STALE", reason="FAILED", detail="it hung; restarting in 2 s"), NOW)
    assert said == "FAILED for 0 ns: it hung; restarting in 2 s"


def test_a_restart_is_news_for_ten_minutes() -> None:
    ended = {"why": "killed by SIGKILL", "at_ns": NOW - 60_000_000_000}
    found = status(ended=ended, uptime_ns=50_000_000_000)
    assert trouble(found, NOW) == "started again: killed by SIGKILL, 60 s ago"
    assert trouble(found, NOW + 600_000_000_000) == ""


def test_a_word_of_another_version_is_shown_as_it_is() -> None:
    assert meaning("SOMETHING") == "SOMETHING"
