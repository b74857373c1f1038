"""What the engine's tests share: engines on throw-away segments, recordings, reference books."""

from __future__ import annotations

import gzip
import itertools
import os
import random
import re
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from feedhandler import venues
from feedhandler.engine import _engine as native
from shm import State, segment
from shm import _native as shared

_names = itertools.count()

#: of a venue: its rule and base
RULES = {
    "binance": (native.RULE_RANGE, native.BASE_REQUEST),
    "binance-usdm": (native.RULE_PREVIOUS, native.BASE_REQUEST),
    "bybit-linear": (native.RULE_NEXT, native.BASE_STREAM),
    "bybit-spot": (native.RULE_NEXT, native.BASE_STREAM),
    "bybit-option": (native.RULE_NEXT, native.BASE_STREAM),
    "deribit": (native.RULE_PREVIOUS, native.BASE_STREAM),
    "okx": (native.RULE_PREVIOUS, native.BASE_STREAM),
}

OKX_CHECKSUM = (25, native.CHECKSUM_PAIRS, native.NUMBER_PLAIN, ":", False, True)

Levels = dict[Decimal, Decimal]


def unlearned(decoder: native.Decoder) -> native.Decoder:
    """The same without what it is learned by."""
    return native.shape_decoder(
        decoder.frames,
        spreads=decoder.spreads,
        keeps_window=decoder.keeps_window,
        names_trades=decoder.names_trades,
        uncrosses=decoder.uncrosses,
        usual=decoder.usual,
        learned=False,
    )


@contextmanager
def engine(
    venue: str,
    *,
    instruments: int = 64,
    depth: int = 10,
    ring_slots: int = 1 << 14,
    learns: bool = True,
    decoder: native.Decoder | None = None,
    **options: Any,
) -> Iterator[native.Engine]:
    """`learns`: frames are read by their skeletons too, not by the decoder alone.
    `decoder`: instead of the venue's."""
    rule, base = RULES[venue]
    if decoder is None:
        decoder = venues.load(venue).decoder
        decoder = decoder if learns else unlearned(decoder)
    options.setdefault("rule", rule)
    options.setdefault("base", base)
    if venue == "okx":
        options.setdefault("checksum", OKX_CHECKSUM)
    with engine_of(
        decoder, venue, instruments=instruments, depth=depth, ring_slots=ring_slots, **options
    ) as e:
        yield e


@contextmanager
def engine_of(
    decoder: native.Decoder,
    venue: str = "any",
    *,
    instruments: int = 64,
    depth: int = 10,
    ring_slots: int = 1 << 14,
    **options: Any,
) -> Iterator[native.Engine]:
    options.setdefault("auto_add", True)
    name = f"t{os.getpid()}x{next(_names)}"
    with segment.create(
        venue, namespace=name, instruments=instruments, depth=depth, ring_slots=ring_slots
    ) as held:
        e = native.Engine(held.writer, decoder, **options)
        _memories[id(e)] = Memory(Path("/dev/shm") / held.path.lstrip("/"))
        yield e
        del _memories[id(e)]


_memories: dict[int, Memory] = {}


def memory(e: native.Engine) -> Memory:
    """What the engine has published, read from the segment's bytes."""
    return _memories[id(e)]


class Memory:
    """Records and cells by the header's offsets alone: the reader's half is not trusted here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = 0

    def _bytes(self, at: int, length: int) -> bytes:
        with self.path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), length, at)

    def _number(self, at: int, length: int) -> int:
        return int.from_bytes(self._bytes(at, length), "little")

    def _region(self, raw: bytes, at: int) -> tuple[int, int, int]:
        """Of a segment's bytes, from its header on: offset, stride, count."""
        offset, stride, count = struct.unpack_from("<QII", raw, at)
        return offset, stride, count

    def _new(self) -> npt.NDArray[np.void]:
        """The records since the last call, an array."""
        offset, _, count = self._region(self._bytes(0, 512), 336)
        dtype = shared.DTYPES["slot"]
        published = self._number(512, 8)
        first, number = (self.seen + 1) & (count - 1), published - self.seen
        assert number <= count, "some of them are overwritten"
        to_the_end = min(number, count - first)
        raw = self._bytes(offset + first * dtype.itemsize, to_the_end * dtype.itemsize)
        raw += self._bytes(offset, (number - to_the_end) * dtype.itemsize)
        found = np.frombuffer(raw, dtype=dtype)
        assert found["stamp"].tolist() == [2 * n for n in range(self.seen + 1, published + 1)]
        self.seen = published
        return found

    def slots(self) -> list[Any]:
        """The records since the last call."""
        return list(self._new())

    def records(self) -> list[tuple[Any, ...]]:
        """(kind, side, price, size, flags, instrument, venue_sequence) since the last call."""
        fields = ("kind", "side", "price", "size", "flags", "instrument", "venue_sequence")
        found = self._new()
        return list(zip(*(found[field].tolist() for field in fields), strict=True))

    def _cell(self, at: int, row: int, dtype: Any, extra: int = 0) -> tuple[Any, bytes]:
        offset, stride, _ = self._region(self._bytes(0, 512), at)
        begin = offset + row * stride
        n = self._number(begin, 8)
        raw = self._bytes(begin + 64 + (n & 1) * (dtype.itemsize + extra), dtype.itemsize + extra)
        head = np.frombuffer(raw, dtype=dtype, count=1)[0]
        assert head["stamp"] == 2 * n
        return head, raw[dtype.itemsize :]

    def quote(self, row: int) -> Any:
        return self._cell(272, row, shared.DTYPES["quote"])[0]

    def entry(self, row: int) -> Any:
        return self._cell(256, row, shared.DTYPES["instrument"])[0]

    def book(self, row: int) -> tuple[Any, list[tuple[int, int]], list[tuple[int, int]]]:
        depth = self._number(76, 4)
        head, words = self._cell(288, row, shared.DTYPES["book"], depth * 32)
        bids, asks = np.frombuffer(words, dtype="<i8").reshape(2, depth, 2).tolist()
        return (
            head,
            [(price, size) for price, size in bids[: head["bids"]]],
            [(price, size) for price, size in asks[: head["asks"]]],
        )


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


def random_changes(
    rng: random.Random, sides: tuple[Levels, Levels], *, least: int
) -> tuple[list[list[str]], list[list[str]]]:
    """Up to three changes of a book around 100, which `sides` have then, bids and asks."""
    changes: tuple[list[list[str]], list[list[str]]] = ([], [])
    for _ in range(rng.randrange(least, 4)):
        side = rng.randrange(2)
        distance = rng.randrange(1, 12)
        price = str(100 - distance if side == 0 else 100 + distance)
        size = rng.choice(("0", "0.5", "7", "1.25"))
        changes[side].append([price, size])
        apply_levels(sides[side], [(price, size)])
    return changes


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


def four(row: Any) -> Any:
    """A row whose levels are as OKX writes them: with two more fields, where they have two."""
    if not isinstance(row, dict):
        return row
    return row | {
        side: [[*one, "0", "1"] if len(one) == 2 else one for one in row[side]]
        for side in ("asks", "bids")
        if side in row
    }


def okx(
    channel: str, data: Sequence[Any], symbol: str = "BTC-USDT", action: str | None = None
) -> bytes:
    frame: dict[str, object] = {"arg": {"channel": channel, "instId": symbol}}
    if action:
        frame["action"] = action
    return compact(frame | {"data": list(map(four, data))})


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


def past_a_double(document: bytes) -> bool:
    """May it hold a number such as 1e999? orjson refuses those; to the cursor they are numbers."""
    return re.search(rb"[eE]\+?[0-9]{3}", document) is not None


def spaced(value: Any, rng: random.Random) -> bytes:
    """The value again, with white space wherever it may stand and escapes nobody needs."""

    def gap() -> str:
        return "".join(rng.choice(" \n\r\t") for _ in range(rng.choice((0, 0, 1, 9))))

    def write(v: Any) -> str:
        if isinstance(v, dict):
            rows = (f"{gap()}{write(str(k))}{gap()}:{write(x)}" for k, x in v.items())
            return gap() + "{" + (",".join(rows) or gap()) + "}" + gap()
        if isinstance(v, list):
            return gap() + "[" + (",".join(map(write, v)) or gap()) + "]" + gap()
        if isinstance(v, str):
            out = []
            for ch in v:
                code = ord(ch)
                if code < 0x10000 and (code < 0x20 or ch in '"\\' or rng.random() < 0.2):
                    out.append(f"\\u{code:04x}")
                else:
                    out.append(ch)
            return gap() + '"' + "".join(out) + '"' + gap()
        return gap() + orjson.dumps(v).decode() + gap()

    return write(value).encode()


BIDS = [["new", 100.0, 5.0], ["new", 99.5, 7.0]]
ASKS = [["new", 101.0, 5.0]]


def started(e: native.Engine) -> native.Connection:
    c = e.connection(0)
    c.feed(deribit_book(10, bids=BIDS, asks=ASKS, kind="snapshot"))
    assert e.state(0) == (State.LIVE, 0)
    e.attention()
    return c


def events(e: native.Engine) -> list[tuple[int, int]]:
    return [(event, detail) for _, event, detail in e.attention()]


def interleaved(
    rng: random.Random, frames: list[bytes], lost: float, lag: int
) -> list[tuple[int, bytes]]:
    """Each frame on two connections, in order, up to `lag` apart; one of them loses some."""
    lossy = rng.randrange(2)
    queues: tuple[deque[tuple[int, bytes]], ...] = (deque(), deque())
    for at, frame in enumerate(frames):
        missing = lossy if rng.random() < lost else None
        for index, queue in enumerate(queues):
            if index != missing:
                queue.append((at, frame))
    out = []
    while queues[0] or queues[1]:
        index = rng.randrange(2)
        mine, other = queues[index], queues[1 - index]
        if not mine or (other and mine[0][0] - other[0][0] >= lag):
            index = 1 - index
        out.append((index, queues[index].popleft()[1]))
    return out


def halves(count: int) -> tuple[list[int], list[int]]:
    """Prices of so many levels, the best first: bids, asks."""
    return [900 - i for i in range(count // 2)], [1000 + i for i in range(count // 2)]
