"""What the engine's tests share: engines on throw-away segments, recordings, reference books."""

from __future__ import annotations

import gzip
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from feedhandler.engine import _engine as native
from shm import segment

_names = itertools.count()

RULES = {
    "binance": (native.RULE_RANGE, native.BASE_REQUEST),
    "deribit": (native.RULE_PREVIOUS, native.BASE_STREAM),
    "okx": (native.RULE_PREVIOUS, native.BASE_STREAM),
}

Levels = dict[Decimal, Decimal]


@contextmanager
def engine(
    decoder: str,
    *,
    instruments: int = 64,
    depth: int = 10,
    ring_slots: int = 1 << 14,
    **options: Any,
) -> Iterator[native.Engine]:
    rule, base = RULES[decoder]
    options.setdefault("rule", rule)
    options.setdefault("base", base)
    options.setdefault("auto_add", True)
    name = f"t{os.getpid()}x{next(_names)}"
    with segment.create(
        decoder, namespace=name, instruments=instruments, depth=depth, ring_slots=ring_slots
    ) as held:
        yield native.Engine(held.writer, decoder, **options)


def recordings() -> Path:
    configured = os.environ.get("FEEDHANDLER_RECORDINGS")
    path = (
        Path(configured)
        if configured
        else Path(__file__).parents[3] / "shared" / "recordings"
    )
    if not path.is_dir():
        pytest.skip(f"no recordings at {path}; set FEEDHANDLER_RECORDINGS")
    return path


@dataclass(frozen=True)
class Line:
    t: int
    kind: str
    direction: str
    url: str
    conn: str
    data: str | None


def lines(path: Path) -> Iterator[Line]:
    with gzip.open(path, "rb") as file:
        for raw in file:
            r = orjson.loads(raw)
            yield Line(
                r.get("t") or 0,
                r.get("kind", "ws"),
                r.get("dir", "in"),
                r.get("url") or "",
                r.get("conn") or "",
                r.get("data"),
            )


def engine_book(e: native.Engine, instrument: int) -> tuple[Levels, Levels]:
    bids, asks, _, price_exponent, size_exponent = e.book(instrument)
    p, s = Decimal(1).scaleb(price_exponent), Decimal(1).scaleb(size_exponent)
    sides = []
    for side, reverse in ((bids, True), (asks, False)):
        prices = [int(x) for x in side[:, 0]]
        assert prices == sorted(set(prices), reverse=reverse)
        sides.append({int(price) * p: int(size) * s for price, size in side})
    return sides[0], sides[1]


def apply_levels(side: Levels, levels: list[tuple[str, str]]) -> None:
    for price, size in levels:
        if Decimal(size) == 0:
            side.pop(Decimal(price), None)
        else:
            side[Decimal(price)] = Decimal(size)


def compact(value: object) -> bytes:
    return orjson.dumps(value)


def deribit_book(
    change_id: int,
    *,
    previous: int | None = None,
    bids: object = (),
    asks: object = (),
    symbol: str = "BTC-PERPETUAL",
    kind: str | None = "change",
) -> bytes:
    data: dict[str, object] = {} if kind is None else {"type": kind}
    data |= {"timestamp": 1700000000000, "instrument_name": symbol, "change_id": change_id}
    if previous is not None:
        data["prev_change_id"] = previous
    data |= {"bids": bids, "asks": asks}
    return deribit(f"book.{symbol}.100ms", data)


def deribit(channel: str, data: object) -> bytes:
    params = {"channel": channel, "data": data}
    return compact({"jsonrpc": "2.0", "method": "subscription", "params": params})


def binance_depth(
    first: int, final: int, bids: object = (), asks: object = (), symbol: str = "BTCUSDT"
) -> bytes:
    event = {"e": "depthUpdate", "E": 1700000000000, "s": symbol, "U": first, "u": final}
    return compact({"stream": "x@depth", "data": event | {"b": bids, "a": asks}})


def okx(channel: str, data: object, symbol: str = "BTC-USDT", action: str | None = None) -> bytes:
    frame: dict[str, object] = {"arg": {"channel": channel, "instId": symbol}}
    if action:
        frame["action"] = action
    return compact(frame | {"data": data})


def okx_book(
    seq: int,
    previous: int,
    *,
    bids: object = (),
    asks: object = (),
    symbol: str = "BTC-USDT",
    action: str = "update",
    checksum: int = 0,
) -> bytes:
    row = {"asks": asks, "bids": bids, "ts": "1700000000000", "checksum": checksum}
    return okx("books", [row | {"prevSeqId": previous, "seqId": seq}], symbol, action)
