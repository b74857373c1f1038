"""The faults there are, and what each may be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Kind:
    """One kind of fault. ``needs`` and ``takes`` are keys besides ``kind``."""

    does: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    once: bool = False
    """Without ``count`` and ``seconds`` it strikes once, not until it is ended."""


_SPAN = ("seconds", "count")
_ONE = ("symbol", "channel")

KINDS: Final[Mapping[str, Kind]] = {
    # -- the life of a connection
    "drop": Kind(
        "connections are cut: `rst` (abrupt), `fin` (without a close frame), `close` (with one, "
        "`close_code`); `count` of them, the oldest first, or all",
        takes=("how", "count", "close_code"),
        defaults={"how": "rst", "close_code": 1001},
    ),
    "half_open": Kind(
        "connections stay open, but nobody is there: nothing is read, answered or sent; with "
        "`new` also on connections made meanwhile; reset at the end",
        takes=("seconds", "new"),
        defaults={"new": False},
    ),
    "silence": Kind(
        "nothing is sent, sockets stay open; with `symbol` or `channel` only that data stops; "
        "with `heartbeats` only data stops, pings and requests are answered",
        takes=(*_ONE, "seconds", "heartbeats"),
        defaults={"heartbeats": False},
    ),
    "unsilence": Kind("ends silence, of `symbol` or of all and no_heartbeat", takes=("symbol",)),
    "no_heartbeat": Kind(
        "no pings and heartbeats of the venue, no answers to pings of its own protocol",
        takes=("seconds",),
    ),
    "no_pong": Kind(
        "no ping of a client is ever answered, WebSocket or the venue's own", takes=("seconds",)
    ),
    "shutdown": Kind(
        "the venue's own notice of a restart, where it has one; after `close_after` seconds the "
        "connections that were told are closed",
        takes=("close_after", "close_code"),
        defaults={"close_code": 1001},
    ),
    "lifetime": Kind(
        "connections are closed when they are `age` seconds old",
        needs=("age",),
        takes=("seconds", "count", "close_code"),
        defaults={"close_code": 1001},
    ),
    # -- making a connection
    "refuse": Kind(
        "the port refuses connections; open ones live on; later the same port listens again",
        takes=("seconds",),
    ),
    "upgrade_error": Kind(
        "the WebSocket upgrade is answered with an HTTP error",
        takes=("status", "retry_after", *_SPAN),
        defaults={"status": 429},
    ),
    "slow_handshake": Kind(
        "the answer to the WebSocket upgrade comes one byte each `ms` and never ends",
        takes=("ms", *_SPAN),
        defaults={"ms": 200},
    ),
    "bad_session": Kind(
        "a WebSocket session begins with what it may not: a wrong `accept` key, bytes that are "
        "`garbage`, a frame that is `masked`, an answer of `http`",
        takes=("begins", *_SPAN),
        defaults={"begins": "garbage"},
    ),
    "tls": Kind(
        "new TLS connections meet a bad `certificate`, or `refused`: a handshake failure",
        needs=("certificate",),
        takes=("seconds",),
    ),
    # -- bytes
    "delay": Kind(
        "everything is sent `ms` late, and up to `jitter_ms` more at random, in order",
        takes=("ms", "jitter_ms", "seconds"),
        defaults={"ms": 0, "jitter_ms": 0},
    ),
    "fragment": Kind(
        "data messages are cut into `pieces` WebSocket frames",
        takes=("pieces", *_SPAN),
        defaults={"pieces": 3},
        once=True,
    ),
    "segments": Kind(
        "everything is sent in TCP segments of `bytes`, `gap_ms` apart",
        takes=("bytes", "gap_ms", "seconds"),
        defaults={"bytes": 16, "gap_ms": 1},
    ),
    "slow": Kind(
        "each connection gets at most `bytes_per_second`",
        needs=("bytes_per_second",),
        takes=("seconds",),
    ),
    "garbage": Kind(
        "each client gets a frame that makes no sense: `text` that is not JSON, `binary`, not "
        "UTF-8, `huge` (`bytes` of it); `truncated` cuts the next book messages of `symbol`",
        takes=("form", "bytes", "symbol", "count"),
        defaults={"form": "text", "bytes": 16 << 20},
        once=True,
    ),
    # -- books
    "gap": Kind("book messages are not sent", ("symbol",), _SPAN, once=True),
    "duplicate": Kind("book messages are sent twice", ("symbol",), _SPAN, once=True),
    "reorder": Kind("a book message is sent after the next one", ("symbol",), _SPAN, once=True),
    "crossed": Kind(
        "book messages with a bid above the best ask, which no later one removes",
        ("symbol",),
        _SPAN,
        once=True,
    ),
    "malform": Kind(
        "data messages without the element `key`, or with the JSON `value` in its place: the first "
        "of that name, in those messages that have it",
        ("key",),
        ("value", *_ONE, *_SPAN),
        once=True,
    ),
    "bad_checksum": Kind(
        "book messages with a wrong checksum (needs the option `checksums`)",
        ("symbol",),
        _SPAN,
        once=True,
    ),
    "renumber": Kind(
        "books begin anew at number 1, as after a restart of the venue's service; `lost`: the "
        "snapshots that say so are not sent",
        takes=("symbol", "lost"),
        defaults={"lost": False},
    ),
    "stale": Kind(
        "snapshots of the book lag by so many `updates` of it; 0 heals",
        ("symbol",),
        ("updates", "where", *_SPAN),
        {"updates": 50, "where": "both"},
    ),
    "foreign": Kind(
        "REST answers with another instrument's book, or with its own `prices`, whose number is "
        "`ahead` of this one's",
        ("symbol",),
        ("ahead", "prices", *_SPAN),
        {"ahead": 1_000_000, "prices": "other"},
    ),
    "far": Kind(
        "messages of a book, or of the `channel` of a book or of best bids and offers, end at a "
        "number that is `ahead` of theirs; those that follow go on from the right one",
        takes=(*_ONE, "ahead", *_SPAN),
        defaults={"ahead": 1_000_000},
        once=True,
    ),
    "no_snapshot": Kind(
        "subscriptions to books are acknowledged and updates come, but no snapshot",
        takes=("symbol", *_SPAN),
    ),
    # -- requests
    "error_reply": Kind(
        "subscriptions are refused with the venue's `code` and `message`",
        takes=(*_ONE, *_SPAN, "code", "message"),
    ),
    "lost_ack": Kind(
        "subscriptions are not acknowledged; without `subscribed` not even made",
        takes=(*_ONE, *_SPAN, "subscribed"),
        defaults={"subscribed": True},
    ),
    "late_ack": Kind(
        "subscriptions are acknowledged `ms` late; without `subscribed` they begin as late, too",
        takes=(*_ONE, *_SPAN, "ms", "subscribed"),
        defaults={"ms": 3000, "subscribed": True},
    ),
    "spoiled": Kind(
        "requests that have the subscription among others are refused whole, in words that name "
        "none",
        takes=(*_ONE, *_SPAN, "code", "message"),
    ),
    "dumb": Kind(
        "subscriptions are acknowledged, and nothing of them ever comes; `count` of them",
        takes=(*_ONE, *_SPAN),
    ),
    "rest_error": Kind(
        "REST requests are answered with an HTTP error, with or without Retry-After",
        takes=("status", "retry_after", "path", *_SPAN),
        defaults={"status": 429},
    ),
    "rest_delay": Kind(
        "REST requests are answered `ms` late", takes=("ms", "path", *_SPAN), defaults={"ms": 1000}
    ),
    "endless": Kind(
        "REST answers that never end: white space as fast as it is read, or a byte each `ms`",
        takes=("ms", "path", *_SPAN),
        defaults={"ms": 0},
    ),
    "bomb": Kind(
        "REST answers that a thousandth of their `bytes` inflates to",
        takes=("bytes", "path", *_SPAN),
        defaults={"bytes": 1 << 28},
    ),
    "redirect": Kind(
        "REST requests and WebSocket upgrades are sent to the same server by another name, where "
        "they are served",
        takes=_SPAN,
    ),
    "bad_list": Kind(
        "lists of instruments are `empty`, `short` (each tenth row), or have `odd` rows beside the "
        "good ones; with `symbol` its row is odd",
        takes=("rows", "symbol", *_SPAN),
        defaults={"rows": "odd"},
    ),
    # -- the venue itself
    "clock_skew": Kind("the venue's timestamps are off by `skew_ms`", ("skew_ms",), ("seconds",)),
    "freeze": Kind("the server does nothing at all for `ms`", takes=("ms",), defaults={"ms": 1000}),
    "misprice": Kind(
        "makers quote an instrument `by` away from its value, in the book and in `GET book`, too; "
        "its mark price stays honest",
        ("symbol", "by"),
        ("seconds",),
    ),
    "eat": Kind(
        "a taker eats the best `levels` of a `side`, in one update and a trade a level",
        ("symbol", "side"),
        ("levels",),
        {"levels": 100},
    ),
    "list": Kind("an instrument is listed, with the venue's signs", ("symbol",)),
    "expire": Kind("an instrument expires, with the venue's signs", ("symbol",)),
    "restate": Kind(
        "an instrument's status is the venue's `word`, in `signs`: its list, its stream, or both; "
        "with `quiet` its market stands still meanwhile",
        ("symbol", "word"),
        ("signs", "quiet", "seconds"),
        {"signs": "both", "quiet": False},
    ),
    "redefine": Kind(
        "the venue lists another tick, lot or contract size of an instrument, with its signs; its "
        "prices stay on the old grid",
        ("symbol",),
        ("tick", "lot", "contract_size", "signs", "seconds"),
        {"signs": "both"},
    ),
    "delist_at": Kind(
        "the venue announces that an instrument goes off the list in `end_after` seconds, and then "
        "it does",
        ("symbol", "end_after"),
        ("signs",),
        {"signs": "both"},
    ),
    "none": Kind("every fault ends, or the one numbered `id`", takes=("id",)),
}
