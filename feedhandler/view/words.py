"""What is wrong with a venue or a book, since when, and what is being done: one sentence.

Every screen says it in these words: `status`, `top`, the page.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from feedhandler import number_text
from feedhandler.view.believable import SILENT_NS
from shm import Reason

RECENT_NS: Final = 600_000_000_000  #: a restart is news for so long
OF_BOOKS: Final = " not live"  #: in a detail that says how many

#: what each reason means, and what the feed does about it; "": nothing
REASONS: Mapping[Reason, tuple[str, str]] = MappingProxyType(
    {
        Reason.NONE: ("", ""),
        Reason.START: ("it has just begun", "the first books are on their way"),
        Reason.GAP: ("the venue's numbers have a hole", "the book is asked for anew"),
        Reason.CHECKSUM: ("the venue's checksum does not match", "the book is asked for anew"),
        Reason.PRECISION: ("a value has more digits than fit", "exponents are widened if they can"),
        Reason.CROSSED: ("the best bid is above the best ask", "the book is asked for anew"),
        Reason.DISCONNECTED: ("the connection is down", "another one is made"),
        Reason.SILENT: ("the connection is open, and nothing comes", "another one is made"),
        Reason.SUBSCRIPTION: (
            "the connection lives, this subscription does not",
            "it is subscribed to anew, then on another connection",
        ),
        Reason.NO_SNAPSHOT: ("the full book did not come in time", "it is asked for again"),
        Reason.MALFORMED: ("a message breaks the venue's own rules", "the book is asked for anew"),
        Reason.REJECTED: ("the venue refused the subscription", "asked again, hourly at last"),
        Reason.OVERFLOW: ("more had to wait than the bound allows", "the book is asked for anew"),
        Reason.EXPIRED: ("it is over: expired or delisted", ""),
        Reason.UNSUBSCRIBED: ("nobody asks for it any more", ""),
        Reason.STOPPED: ("the feed was stopped in order", ""),
        Reason.FAILED: ("its process died", "its supervisor starts it again"),
        Reason.HEARTBEAT: ("no sign of life came", "its supervisor ends it and starts it again"),
        Reason.LIFETIME: ("the venue ends the session", "another one takes over first"),
        Reason.RATE_LIMIT: (
            "as much was asked of the venue as it allows",
            "it goes on as soon as it may",
        ),
        Reason.AUDIT: ("a snapshot beside the stream disagrees", "the book is asked for anew"),
        Reason.CAPACITY: ("messages come faster than they are read", "connections are split"),
        Reason.UNANSWERED: ("the venue has not answered the subscription", "it is asked again"),
        Reason.NO_DATA: (
            "subscribed, but what is promised has not come",
            "it is subscribed to anew, then on another connection",
        ),
        Reason.UNCONFIRMED: (
            "the stream has not reached the full book that was asked for",
            "it is asked for again",
        ),
        Reason.LINK: (
            "the link to its source is cut, silent or behind",
            "LIVE again when it has caught up",
        ),
        Reason.NO_ROW: ("the directory has no row left", "raise `directory_rows`"),
    }
)


def meaning(reason: str) -> str:
    """A reason in words, and what is done about it; "" for NONE, the word itself if unknown."""
    if reason not in Reason.__members__:
        return reason
    what, done = REASONS[Reason[reason]]
    return f"{what}; {done}" if done else what


def shown_state(status: Mapping[str, Any]) -> str:
    """A venue's state as it holds now: SILENT where its writer says nothing, but too short a time
    for it to be called dead."""
    age = status.get("heartbeat_age_ns")
    if status["state"] == "LIVE" and (age is None or age >= SILENT_NS):
        return "SILENT"
    return str(status["state"])


def trouble(status: Mapping[str, Any], now_ns: int = 0) -> str:
    """Of a venue's status (see `view.status`): what is wrong, since when, what is done; "" if
    nothing is."""
    now = now_ns or time.time_ns()
    if shown_state(status) == "SILENT":
        return _silent(status.get("heartbeat_age_ns"))
    word = "" if status["reason"] == "NONE" else status["reason"]
    if status["state"] == "NONE" and (word or not status.get("detail")):  # it is being made
        word = Reason.START.name
    said = _said(word, status.get("detail") or "")
    if status["state"] != "LIVE" and status.get("since_ns"):
        lasts = number_text.duration(max(0, now - status["since_ns"]))
        word = f"{word} for {lasts}".strip()
    parts = [": ".join(filter(None, (word, said)))]
    ended = status.get("ended") or {}
    ago = now - ended.get("at_ns", 0)
    if status.get("uptime_ns") and ago < RECENT_NS:
        parts.append(f"started again: {ended['why']}, {number_text.duration(ago)} ago")
    return "; ".join(filter(None, parts))


def _said(reason: str, detail: str) -> str:
    """A detail says more than its reason's words and stands in their place, but for what it leaves
    out: of books it says how many, and not what befell them; one of a single part says nothing of
    what is done."""
    if not detail or reason not in Reason.__members__:
        return detail or meaning(reason)
    what, done = REASONS[Reason[reason]]
    if OF_BOOKS in detail and "; " not in detail:
        return "; ".join(filter(None, (what, detail, done)))
    return detail if "; " in detail else "; ".join(filter(None, (detail, done)))


def _silent(age_ns: int | None) -> str:
    lasts = f" for {number_text.duration(age_ns)}" if age_ns is not None else ""
    return f"its process gave no sign of life{lasts}; its supervisor waits a little, and ends it"
