"""The faults there are, what each may be told, and the reading of an order for one.

An order is a table: ``{"kind": "gap", "symbol": "BTC-PERPETUAL", "count": 3}``, as JSON to POST
/sim/fault or as a ``[[fault]]`` of a script. Everything about it is checked here but whether the
venue lists the symbol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite
from types import MappingProxyType
from typing import Any, Final

import orjson

from feedhandler.near import did_you_mean

from .terms import WRITES


class FaultError(ValueError):
    """An order that makes no sense; the text says why."""


@dataclass(frozen=True)
class Key:
    """One thing that an order may say."""

    allowed: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Kind:
    """One kind of fault. ``needs`` and ``takes`` are keys besides ``kind``."""

    does: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    once: bool = False
    """Without ``count`` and ``seconds`` it strikes once, not until it is ended."""
    venues: tuple[str, ...] = ()
    """Where it makes sense; empty: everywhere."""


def _integer(least: int, most: int) -> Key:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return Key(f"an integer from {least} to {most}", fits)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _seconds(least: float) -> Key:
    def fits(value: Any) -> bool:
        return _is_number(value) and isfinite(value) and least <= value <= 1e6

    return Key(f"a number of seconds from {least:g} to 1000000", fits)


def _one_of(*names: str) -> Key:
    return Key("one of " + ", ".join(names), lambda value: value in names)


def _is_json(value: Any) -> bool:
    try:
        orjson.loads(value)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)


_TEXT = Key("a text", lambda value: isinstance(value, str) and value != "")
_DECIMAL = Key(
    "a decimal above 0, as a text",
    lambda value: (
        isinstance(value, str)
        and re.fullmatch(r"(?=.*[1-9])\d{1,9}(\.\d{1,8})?", value) is not None
    ),
)
_FLAG = Key("true or false", lambda value: isinstance(value, bool))

KEYS: Final[Mapping[str, Key]] = {
    "symbol": Key("the venue's name of an instrument", _TEXT.fits),
    "channel": Key("the venue's name of a subscription", _TEXT.fits),
    "seconds": _seconds(0.001),
    "count": _integer(1, 10**9),
    "updates": _integer(0, 10**9),
    "key": Key("the name of an element of the venue's messages", _TEXT.fits),
    "value": Key('a text that is JSON, such as null, 0 or ""', _is_json),
    "where": _one_of("rest", "stream", "both"),
    "how": _one_of("rst", "fin", "close"),
    "form": _one_of("text", "truncated", "utf8", "binary", "huge"),
    "close_code": _integer(1000, 4999),
    "close_after": _seconds(0),
    "age": _seconds(0.001),
    "pieces": _integer(2, 1000),
    "bytes": _integer(1, 1 << 30),
    "bytes_per_second": _integer(1, 1 << 30),
    "ms": _integer(0, 3_600_000),
    "by": Key(
        "a number other than 0, in the unit of the instrument's price",
        lambda value: _is_number(value) and isfinite(value) and value != 0,
    ),
    "side": _one_of("bid", "ask"),
    "levels": _integer(1, 10_000),
    "skew_ms": _integer(-(10**12), 10**12),
    "jitter_ms": _integer(0, 3_600_000),
    "gap_ms": _integer(0, 3_600_000),
    "begins": _one_of("accept", "garbage", "masked", "http"),
    "status": _integer(400, 599),
    "retry_after": _seconds(0),
    "path": Key("a text that the path begins with, such as /api", _TEXT.fits),
    "rows": _one_of("odd", "short", "empty"),
    "code": _integer(-(10**9), 10**9),
    "message": _TEXT,
    "subscribed": _FLAG,
    "heartbeats": _FLAG,
    "new": _FLAG,
    "id": _integer(1, 1 << 62),
    "word": _TEXT,
    "signs": _one_of("both", "list", "stream"),
    "quiet": _FLAG,
    "tick": _DECIMAL,
    "lot": _DECIMAL,
    "contract_size": _DECIMAL,
    "end_after": _seconds(0.001),
    "ahead": _integer(1, 1 << 40),
    "lost": _FLAG,
    "certificate": _one_of("expired", "wrong_host", "untrusted", "refused"),
}

_SPAN = ("seconds", "count")
_ONE = ("symbol", "channel")

KINDS: Final[Mapping[str, Kind]] = {
    # -- the life of a connection
    "drop": Kind(
        "connections are cut: `rst` (abrupt), `fin` (without a close frame), `close` (with one, "
        "`close_code`); `count` of them, the oldest first, or all",
        takes=("how", "count", "close_code"), defaults={"how": "rst", "close_code": 1001},
    ),
    "half_open": Kind(
        "connections stay open, but nobody is there: nothing is read, answered or sent; with "
        "`new` also on connections made meanwhile; reset at the end",
        takes=("seconds", "new"), defaults={"new": False},
    ),
    "silence": Kind(
        "nothing is sent, sockets stay open; with `symbol` or `channel` only that data stops; "
        "with `heartbeats` only data stops, pings and requests are answered",
        takes=(*_ONE, "seconds", "heartbeats"), defaults={"heartbeats": False},
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
        takes=("close_after", "close_code"), defaults={"close_code": 1001},
    ),
    "lifetime": Kind(
        "connections are closed when they are `age` seconds old",
        needs=("age",), takes=("seconds", "count", "close_code"), defaults={"close_code": 1001},
    ),
    # -- making a connection
    "refuse": Kind(
        "the port refuses connections; open ones live on; later the same port listens again",
        takes=("seconds",),
    ),
    "upgrade_error": Kind(
        "the WebSocket upgrade is answered with an HTTP error",
        takes=("status", "retry_after", *_SPAN), defaults={"status": 429},
    ),
    "slow_handshake": Kind(
        "the answer to the WebSocket upgrade comes one byte each `ms` and never ends",
        takes=("ms", *_SPAN), defaults={"ms": 200},
    ),
    "bad_session": Kind(
        "a WebSocket session begins with what it may not: a wrong `accept` key, bytes that are "
        "`garbage`, a frame that is `masked`, an answer of `http`",
        takes=("begins", *_SPAN), defaults={"begins": "garbage"},
    ),
    "tls": Kind(
        "new TLS connections meet a bad `certificate`, or `refused`: a handshake failure",
        needs=("certificate",), takes=("seconds",),
    ),
    # -- bytes
    "delay": Kind(
        "everything is sent `ms` late, and up to `jitter_ms` more at random, in order",
        takes=("ms", "jitter_ms", "seconds"), defaults={"ms": 0, "jitter_ms": 0},
    ),
    "fragment": Kind(
        "data messages are cut into `pieces` WebSocket frames",
        takes=("pieces", *_SPAN), defaults={"pieces": 3}, once=True,
    ),
    "segments": Kind(
        "everything is sent in TCP segments of `bytes`, `gap_ms` apart",
        takes=("bytes", "gap_ms", "seconds"), defaults={"bytes": 16, "gap_ms": 1},
    ),
    "slow": Kind(
        "each connection gets at most `bytes_per_second`",
        needs=("bytes_per_second",), takes=("seconds",),
    ),
    "garbage": Kind(
        "each client gets a frame that makes no sense: `text` that is not JSON, `binary`, not "
        "UTF-8, `huge` (`bytes` of it); `truncated` cuts the next book messages of `symbol`",
        takes=("form", "bytes", "symbol", "count"),
        defaults={"form": "text", "bytes": 16 << 20}, once=True,
    ),
    # -- books
    "gap": Kind("book messages are not sent", ("symbol",), _SPAN, once=True),
    "duplicate": Kind("book messages are sent twice", ("symbol",), _SPAN, once=True),
    "reorder": Kind("a book message is sent after the next one", ("symbol",), _SPAN, once=True),
    "crossed": Kind(
        "book messages with a bid above the best ask, which no later one removes",
        ("symbol",), _SPAN, once=True,
    ),
    "malform": Kind(
        "data messages without the element `key`, or with the JSON `value` in its place: the first "
        "of that name, in those messages that have it",
        ("key",), ("value", *_ONE, *_SPAN), once=True,
    ),
    "bad_checksum": Kind(
        "book messages with a wrong checksum (needs the option `checksums`)",
        ("symbol",), _SPAN, once=True, venues=("okx",),
    ),
    "renumber": Kind(
        "books begin anew at number 1, as after a restart of the venue's service; `lost`: the "
        "snapshots that say so are not sent",
        takes=("symbol", "lost"), defaults={"lost": False}, venues=("bybit-linear", "bybit-spot"),
    ),
    "stale": Kind(
        "snapshots of the book lag by so many `updates` of it; 0 heals",
        ("symbol",), ("updates", "where", *_SPAN), {"updates": 50, "where": "both"},
    ),
    "foreign": Kind(
        "REST answers with another instrument's book, whose number is `ahead` of this one's",
        ("symbol",), ("ahead", *_SPAN), {"ahead": 1_000_000},
    ),
    "far": Kind(
        "messages of a book, or of the `channel` of a book or of best bids and offers, end at a "
        "number that is `ahead` of theirs; those that follow go on from the right one",
        takes=(*_ONE, "ahead", *_SPAN), defaults={"ahead": 1_000_000}, once=True,
    ),
    "no_snapshot": Kind(
        "subscriptions to books are acknowledged and updates come, but no snapshot",
        takes=("symbol", *_SPAN), venues=("deribit", "okx", "bybit-linear", "bybit-spot"),
    ),
    # -- requests
    "error_reply": Kind(
        "subscriptions are refused with the venue's `code` and `message`",
        takes=(*_ONE, *_SPAN, "code", "message"),
    ),
    "lost_ack": Kind(
        "subscriptions are not acknowledged; without `subscribed` not even made",
        takes=(*_ONE, *_SPAN, "subscribed"), defaults={"subscribed": True},
    ),
    "late_ack": Kind(
        "subscriptions are acknowledged `ms` late; without `subscribed` they begin as late, too",
        takes=(*_ONE, *_SPAN, "ms", "subscribed"), defaults={"ms": 3000, "subscribed": True},
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
        takes=("status", "retry_after", "path", *_SPAN), defaults={"status": 429},
    ),
    "rest_delay": Kind(
        "REST requests are answered `ms` late", takes=("ms", "path", *_SPAN), defaults={"ms": 1000}
    ),
    "endless": Kind(
        "REST answers that never end: white space as fast as it is read, or a byte each `ms`",
        takes=("ms", "path", *_SPAN), defaults={"ms": 0},
    ),
    "bomb": Kind(
        "REST answers that a thousandth of their `bytes` inflates to",
        takes=("bytes", "path", *_SPAN), defaults={"bytes": 1 << 28},
    ),
    "redirect": Kind(
        "REST requests and WebSocket upgrades are sent to the same server by another name, where "
        "they are served",
        takes=_SPAN,
    ),
    "bad_list": Kind(
        "lists of instruments are `empty`, `short` (each tenth row), or have `odd` rows beside the "
        "good ones; with `symbol` its row is odd",
        takes=("rows", "symbol", *_SPAN), defaults={"rows": "odd"},
    ),
    # -- the venue itself
    "clock_skew": Kind(
        "the venue's timestamps are off by `skew_ms`", ("skew_ms",), ("seconds",)
    ),
    "freeze": Kind("the server does nothing at all for `ms`", takes=("ms",), defaults={"ms": 1000}),
    "misprice": Kind(
        "makers quote an instrument `by` away from its value, in the book and in `GET book`, too; "
        "its mark price stays honest",
        ("symbol", "by"), ("seconds",),
    ),
    "eat": Kind(
        "a taker eats the best `levels` of a `side`, in one update and a trade a level",
        ("symbol", "side"), ("levels",), {"levels": 100},
    ),
    "list": Kind("an instrument is listed, with the venue's signs", ("symbol",)),
    "expire": Kind("an instrument expires, with the venue's signs", ("symbol",)),
    "restate": Kind(
        "an instrument's status is the venue's `word`, in `signs`: its list, its stream, or both; "
        "with `quiet` its market stands still meanwhile",
        ("symbol", "word"), ("signs", "quiet", "seconds"), {"signs": "both", "quiet": False},
    ),
    "redefine": Kind(
        "the venue lists another tick, lot or contract size of an instrument, with its signs; its "
        "prices stay on the old grid",
        ("symbol",), ("tick", "lot", "contract_size", "signs", "seconds"), {"signs": "both"},
    ),
    "delist_at": Kind(
        "the venue announces that an instrument goes off the list in `end_after` seconds, and then "
        "it does",
        ("symbol", "end_after"), ("signs",), {"signs": "both"},
        venues=tuple(venue for venue, writes in WRITES.items() if "end" in writes),
    ),
    "none": Kind("every fault ends, or the one numbered `id`", takes=("id",)),
}  # fmt: skip


@dataclass(frozen=True)
class Order:
    """An order that makes sense: the kind and a value or None for each of its keys."""

    kind: str
    values: Mapping[str, Any]

    def said(self) -> dict[str, Any]:
        """What was said or goes by default."""
        return {key: value for key, value in self.values.items() if value is not None}


def read_order(request: Mapping[str, Any], venue: str | None = None) -> Order:
    """Check an order. ``venue``: also whether that venue can do it. Raises FaultError."""
    name = request.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise FaultError(f"kind: unknown kind {name!r}{did_you_mean(str(name), KINDS)}")
    keys = (*kind.needs, *kind.takes)
    for key, value in request.items():
        if key == "kind":
            continue
        if key not in keys:
            known = ", ".join(keys) or "nothing else"
            raise FaultError(f"{key}: not a key of {name}, which takes {known}")
        rule = KEYS[key]
        if not rule.fits(value):
            raise FaultError(f"{key} must be {rule.allowed}: {value!r}")
    for key in kind.needs:
        if key not in request:
            rule = KEYS[key]
            raise FaultError(f"{name} needs a {key}: {rule.allowed}")
    values = {key: request.get(key, kind.defaults.get(key)) for key in keys}
    if kind.once and values.get("count") is None and values.get("seconds") is None:
        values["count"] = 1
    if venue is not None and kind.venues and venue not in kind.venues:
        raise FaultError(f"kind: {name} is nothing that {venue} can do; {_instead(str(name))}")
    if name == "garbage" and (values["form"] == "truncated") != (values["symbol"] is not None):
        raise FaultError("garbage: the form 'truncated' needs a symbol, the others take none")
    if name == "bad_list" and values["symbol"] is not None and values["rows"] != "odd":
        raise FaultError("bad_list: a symbol, whose row is odd, goes with no other rows than 'odd'")
    if name == "redefine":
        said = [key for key in ("tick", "lot", "contract_size") if values[key] is not None]
        if not said:
            raise FaultError("redefine needs a tick, a lot or a contract_size")
        for key in said:
            if venue is not None and key not in WRITES[venue]:
                raise FaultError(f"{key}: {venue} lists none")
    if values.get("symbol") is not None and values.get("channel") is not None:
        raise FaultError("symbol, channel: one of them, not both")
    if values.get("heartbeats") and (values.get("symbol") or values.get("channel")):
        raise FaultError(
            "heartbeats: of no meaning with a symbol or channel, whose data alone stops"
        )
    return Order(str(name), MappingProxyType(values))


def near_symbol(symbol: str, names: Iterable[str]) -> str:
    """A hint: the name most like a symbol, or the first few; all of them would be a page."""
    known = list(names)
    if found := get_close_matches(symbol.upper(), known, n=1):
        return f"; did you mean {found[0]!r}?"
    return f"; there are {', '.join(known[:5])}, ..."


def _instead(kind: str) -> str:
    if kind == "no_snapshot":
        return "its snapshots are REST's: use rest_error or rest_delay with a path"
    return f"only {', '.join(KINDS[kind].venues)}"
