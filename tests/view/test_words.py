"""A venue's trouble in words: what, since when, what is done."""

from __future__ import annotations

from typing import Any

from feedhandler.view.words import REASONS, meaning, shown_state, trouble
from shm import Reason

NOW = 10_000_000_000_000


def status(**facts: Any) -> dict[str, Any]:
    well = {"state": "LIVE", "reason": "NONE", "detail": "", "heartbeat_age_ns": 0}
    return {**well, "since_ns": NOW, **facts}


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


def test_a_detail_of_books_has_what_befell_them_and_the_cure() -> None:
    some = "1 of 2 books not live: A is STALE(GAP)"
    said = trouble(status(state="STALE", reason="GAP", detail=some), NOW)
    what, done = REASONS[Reason.GAP]
    assert said == f"GAP for 0 ns: {what}; {some}; {done}"


def test_who_says_what_is_wrong_and_not_what_is_done_has_that_added() -> None:
    said = trouble(status(state="STALE", reason="FAILED", detail="its IO process died"), NOW)
    assert said == "FAILED for 0 ns: its IO process died; its supervisor starts it again"
    down = "1 of 1 connection down: refused; next try in 1.0 s; 2 of 2 books not live"
    said = trouble(status(state="STALE", reason="DISCONNECTED", detail=down), NOW)
    assert said == f"DISCONNECTED for 0 ns: {down}"


def test_a_writer_that_says_nothing_is_silent_before_it_is_dead() -> None:
    quiet = status(heartbeat_age_ns=1_300_000_000)
    assert shown_state(quiet) == "SILENT"
    assert trouble(quiet, NOW).startswith("its process gave no sign of life for 1.3 s; its super")


def test_memory_that_is_being_made_has_just_begun() -> None:
    assert trouble(status(state="NONE"), NOW).startswith("START for 0 ns: it has just begun")


def test_a_restart_is_news_for_ten_minutes() -> None:
    ended = {"why": "killed by SIGKILL", "at_ns": NOW - 60_000_000_000}
    found = status(ended=ended, uptime_ns=50_000_000_000)
    assert trouble(found, NOW) == "started again: killed by SIGKILL, 60 s ago"
    assert trouble(found, NOW + 600_000_000_000) == ""


def test_a_word_of_another_version_is_shown_as_it_is() -> None:
    assert meaning("SOMETHING") == "SOMETHING"
