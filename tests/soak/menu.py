"""Random faults: what may be ordered of a simulated venue, with random particulars.

Everything ends by itself, within seconds, so that a book is lost and healed many times.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

Order = dict[str, Any]
_Make = Callable[[random.Random, str], Order]  # from a symbol


def _seconds(rng: random.Random, most: float = 4.0) -> float:
    return round(rng.uniform(0.3, most), 2)


def _connect(rng: random.Random, kind: str, **more: Any) -> Order:
    """A fault of connecting, which says nothing unless somebody has to connect."""
    return {"kind": kind, "seconds": _seconds(rng), **more}


_ELEMENTS: Final = (
    "bids", "asks", "b", "a", "B", "u", "U", "pu", "seqId", "prevSeqId", "change_id",
    "prev_change_id", "E", "ts", "timestamp", "type", "action", "s", "instrument_name", "data",
)  # fmt: skip
#: a 0 in place of these may be: a number that the venue never had, as that of `far` in a book
_NUMBERS: Final = frozenset(("u", "U", "pu", "seqId", "prevSeqId", "change_id", "prev_change_id"))


def _malform(rng: random.Random, symbol: str) -> Order:
    key, value = rng.choice(_ELEMENTS), rng.choice([None, "null", '""', "0", "-1"])
    if value == "0" and key in _NUMBERS:
        value = None
    more = {} if value is None else {"value": value}
    return {"symbol": symbol, "key": key, "seconds": _seconds(rng, 1.0), **more}


_REFUSALS: Final[tuple[Order, ...]] = (
    {"status": 503}, {"status": 429, "retry_after": 1.0}, {"status": 418, "retry_after": 1.0},
)  # fmt: skip
_MENU: Final[Mapping[str, tuple[int, _Make]]] = {
    # kind: (weight, order)
    "drop": (6, lambda rng, _: {"how": rng.choice(["rst", "fin", "close"]),
                                "count": rng.randint(1, 3)}),
    "half_open": (2, lambda rng, _: {"seconds": _seconds(rng), "new": rng.random() < 0.3}),
    "silence": (2, lambda rng, _: {"seconds": _seconds(rng), "heartbeats": rng.random() < 0.3}),
    "long silence": (1, lambda rng, _: {"kind": rng.choice(["silence", "half_open"]),
                                        "seconds": round(rng.uniform(8, 12), 2)}),
    "silence of one": (3, lambda rng, symbol: {"kind": "silence", "symbol": symbol,
                                               "seconds": _seconds(rng)}),
    "no_heartbeat": (1, lambda rng, _: {"seconds": _seconds(rng)}),
    "no_pong": (1, lambda rng, _: {"seconds": _seconds(rng)}),
    "shutdown": (3, lambda rng, _: {"close_after": _seconds(rng, 8.0)}),
    "lifetime": (1, lambda rng, _: {"age": _seconds(rng, 8.0), "seconds": _seconds(rng)}),
    "refuse": (2, lambda rng, _: _connect(rng, "refuse")),
    "upgrade_error": (2, lambda rng, _: _connect(rng, "upgrade_error", **rng.choice(_REFUSALS))),
    "slow_handshake": (1, lambda rng, _: _connect(rng, "slow_handshake", ms=50)),
    "bad_session": (1, lambda rng, _: _connect(
        rng, "bad_session", begins=rng.choice(["accept", "garbage", "masked", "http"]))),
    "delay": (2, lambda rng, _: {"ms": rng.randint(0, 200), "jitter_ms": rng.randint(0, 200),
                                 "seconds": _seconds(rng)}),
    "fragment": (3, lambda rng, _: {"pieces": rng.randint(2, 9), "count": rng.randint(1, 200)}),
    "segments": (1, lambda rng, _: {"bytes": rng.randint(200, 2000), "gap_ms": 1,
                                    "seconds": _seconds(rng)}),
    "slow": (1, lambda rng, _: {"bytes_per_second": rng.randint(20_000, 200_000),
                                "seconds": _seconds(rng)}),
    "garbage": (3, lambda rng, _: {"form": rng.choice(["text", "utf8", "binary"])}),
    "huge": (1, lambda rng, _: {"kind": "garbage", "form": "huge",
                                "bytes": rng.randint(1000, 300_000)}),
    "truncated": (4, lambda rng, symbol: {"kind": "garbage", "form": "truncated",
                                          "symbol": symbol, "count": rng.randint(1, 3)}),
    "gap": (8, lambda rng, symbol: {"symbol": symbol, "count": rng.randint(1, 4)}),
    "duplicate": (6, lambda rng, symbol: {"symbol": symbol, "count": rng.randint(1, 20)}),
    "reorder": (8, lambda rng, symbol: {"symbol": symbol, "count": rng.randint(1, 6)}),
    "crossed": (6, lambda _, symbol: {"symbol": symbol, "count": 1}),
    "malform": (6, _malform),
    "bad_checksum": (4, lambda _, symbol: {"symbol": symbol, "count": 1}),
    "eat": (3, lambda rng, symbol: {"symbol": symbol, "side": rng.choice(["bid", "ask"]),
                                    "levels": rng.randint(1, 55)}),
    "stale": (4, lambda rng, symbol: {"symbol": symbol, "updates": rng.randint(1, 80),
                                      "seconds": _seconds(rng)}),
    "foreign": (2, lambda rng, symbol: {"symbol": symbol, "seconds": _seconds(rng)}),
    "far": (2, lambda _, symbol: {"channel": f"{symbol.lower()}@bookTicker", "count": 1}),
    "renumber": (3, lambda rng, symbol: {"symbol": symbol, "lost": rng.random() < 0.5}),
    "misprice": (2, lambda rng, symbol: {"symbol": symbol, "seconds": _seconds(rng),
                                         "by": rng.choice([-1, 1]) * rng.randint(1, 3)}),
    "no_snapshot": (1, lambda rng, symbol: {"symbol": symbol, "seconds": _seconds(rng, 2.0)}),
    "error_reply": (1, lambda rng, symbol: {"symbol": symbol, "seconds": _seconds(rng, 1.0)}),
    "lost_ack": (1, lambda rng, symbol: {"symbol": symbol, "subscribed": rng.random() < 0.5,
                                         "seconds": _seconds(rng, 2.0)}),
    "late_ack": (1, lambda rng, symbol: {"symbol": symbol, "subscribed": rng.random() < 0.5,
                                         "ms": rng.randint(100, 12_000),
                                         "seconds": _seconds(rng, 2.0)}),
    "dumb": (2, lambda rng, symbol: {"symbol": symbol, "count": rng.randint(1, 3),
                                     "seconds": _seconds(rng)}),
    "spoiled": (1, lambda rng, symbol: {"symbol": symbol, "seconds": _seconds(rng, 1.0)}),
    "rest_error": (2, lambda rng, _: {"seconds": _seconds(rng, 2.0), **rng.choice(
        [{"status": 503}, {"status": 500}, {"status": 429, "retry_after": 1.0}])}),
    "rest_delay": (1, lambda rng, _: {"ms": rng.randint(50, 1500), "seconds": _seconds(rng)}),
    "endless": (1, lambda rng, _: {"ms": rng.choice([0, 50]), "seconds": _seconds(rng, 2.0)}),
    "bomb": (1, lambda rng, _: {"bytes": rng.randint(1 << 20, 1 << 26), "seconds": _seconds(rng)}),
    "redirect": (1, lambda rng, _: _connect(rng, "redirect")),
    "bad_list": (2, lambda rng, _: {"rows": rng.choice(["odd", "short", "empty"]),
                                    "seconds": _seconds(rng, 8.0)}),
    "clock_skew": (1, lambda rng, _: {"skew_ms": rng.randint(-20_000, 20_000),
                                      "seconds": _seconds(rng)}),
    "restate": (1, lambda rng, symbol: {"symbol": symbol,
                                        "signs": rng.choice(["both", "list", "stream"]),
                                        "quiet": rng.random() < 0.3, "seconds": _seconds(rng)}),
    "long restate": (1, lambda rng, symbol: {"kind": "restate", "symbol": symbol, "signs": "both",
                                             "seconds": round(rng.uniform(30, 60), 2)}),
    "redefine": (1, lambda rng, symbol: {"symbol": symbol, "tick": rng.choice(["0.001", "0.5"]),
                                         "seconds": _seconds(rng)}),
    "freeze": (1, lambda rng, _: {"ms": rng.randint(50, 1500)}),
}  # fmt: skip
#: what only shows when somebody has to connect: ordered together with a drop
_WITH_DROP: Final = frozenset(
    {
        "refuse",
        "upgrade_error",
        "slow_handshake",
        "redirect",
        "bad_session",
        "stale",
        "foreign",
        "no_snapshot",
        "error_reply",
        "lost_ack",
        "late_ack",
        "spoiled",
        "dumb",
    }
)
_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "bad_checksum": ("okx",), "foreign": ("binance",), "far": ("binance",),
    "renumber": ("bybit-linear",), "no_snapshot": ("deribit", "okx", "bybit-linear"),
}  # fmt: skip
#: whose stream says nothing of the terms of instruments
_TERMS_BY_LIST: Final = frozenset({"binance", "bybit-linear"})
#: what venues call an instrument that is not open, and a word that none has
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "deribit": ("halted", "locked", "unheard"),
    "okx": ("suspend", "preopen", "unheard"),
    "binance": ("BREAK", "HALT", "UNHEARD"),
    "bybit-linear": ("PreLaunch", "Closed", "Unheard"),
}


def orders(rng: random.Random, venue: str, symbol: str) -> list[Order]:
    """The next fault of a venue, and what makes it show."""
    names = [name for name in _MENU if venue in _ONLY.get(name, (venue,))]
    (name,) = rng.choices(names, [_MENU[each][0] for each in names])
    order = {"kind": name} | _MENU[name][1](rng, symbol)
    if order["kind"] == "restate":
        order["word"] = rng.choice(WORDS[venue])
        if order["signs"] == "stream" and venue in _TERMS_BY_LIST:
            order["signs"] = "list"
    found = [order]
    if name in _WITH_DROP:
        found.append({"kind": "drop", "how": rng.choice(["rst", "fin"])})
    return found


def kinds() -> set[str]:
    """The simulator's kinds that may be ordered."""
    rng = random.Random(1)
    made = {name: {"kind": name} | make(rng, "X") for name, (_, make) in _MENU.items()}
    return {order["kind"] for order in made.values()}
