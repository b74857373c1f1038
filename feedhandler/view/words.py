"""What is wrong with a venue or a book, since when, and what is being done: one sentence."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from feedhandler import number_text
from shm import Reason

RECENT_NS: Final = 600_000_000_000  #: a restart is news for so long

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
        Reason.FAILED: ("its process died", "the supervisor starts it again"),
        Reason.HEARTBEAT: ("no sign of life came", "it is ended and started again"),
        Reason.LIFETIME: ("the venue ends the session", "another one takes over first"),
        Reason.RATE_LIMIT: ("the venue's budget is spent", "it goes on when there is more"),
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
        Reason.NO_ROW: ("the directory has no row left", "raise `directory_rows`"),
    }
)


def meaning(reason: str) -> str:
    """A reason in words, and what is done about it; "" for NONE, the word itself if unknown."""
    if reason not in Reason.__members__:
        return reason
    what, done = REASONS[Reason[reason]]
    return f"{what}; {done}" if done else what


def trouble(status: Mapping[str, Any], now_ns: int = 0) -> str:
    """Of a venue's status (see `view.status`): what is wrong, since when, what is done; "" if
    nothing is. A detail of its own says more than the reason's words, and stands in their place."""
    now = now_ns or time.time_ns()
    word = "" if status["reason"] == "NONE" else status["reason"]
    if status["state"] != "LIVE" and status.get("since_ns"):
        lasts = number_text.duration(max(0, now - status["since_ns"]))
        word = f"{word} for {lasts}".strip()
    detail = status.get("detail") or (meaning(status["reason"]) if word else "")
    parts = [": ".join(filter(None, (word, detail)))]
    ended = status.get("ended") or {}
    ago = now - ended.get("at_ns", 0)
    if status.get("uptime_ns") and ago < RECENT_NS:
        parts.append(f"started again: {ended['why']}, {number_text.duration(ago)} ago")
    return "; ".join(filter(None, parts))
