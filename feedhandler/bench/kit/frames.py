"""The frames that benchmarks feed: recorded ones where there are any.

`SOURCES` says of a venue which recording is used, and what its frames are called. Instruments need
no list: the engine adds what it meets, and exponents widen as needed.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from feedhandler import venues
from feedhandler.adapter.venue import Venue

Frames = list[bytes]
_FIRST_NUMBER = 32_032_594_283


@dataclass
class Case:
    """Frames of one venue, and the books that they begin from (venue symbol -> REST answer).

    `kind`: book, quote, trade, ticker, or "all" of them in the order of arrival. `times`: when they
    arrived, unix ns, where the recording says so. `floor`: whether the C floor reads them.
    `instruments`: the exponents of those that are known before (symbol -> of prices, of sizes).
    `numbers`: by which the acknowledgements of keys have named them. `verified`: whether checksums
    are computed, where the venue has one.
    """

    venue: str
    kind: str
    frames: Frames
    snapshots: dict[str, bytes] = field(default_factory=dict)
    floor: bool = True
    made: bool = False  #: in code
    times: list[int] = field(default_factory=list)
    instruments: dict[str, tuple[int, int]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    verified: bool = True

    @property
    def name(self) -> str:
        """As results have it."""
        less = "" if self.verified else " unverified"
        return f"{self.venue} {self.kind}{less}{' synthetic' if self.made else ''}"


@dataclass(frozen=True)
class Source:
    """A venue's recording. `kind`: of a frame's text; None: it is no market data of ours.
    `floors`: the kinds that the C floor reads. `path`: how the addresses of its frames end, where
    the file has other products, too. `mend`: makes of them what the venue sends today."""

    file: str
    kind: Callable[[str], str | None]
    floors: tuple[str, ...]
    mend: Callable[[Frames], Frames] = lambda frames: frames
    path: str = ""


def _binance_kind(text: str) -> str | None:
    head = text[:80]
    if "@depth" in head:
        return "book"
    if '@trade"' in head:
        return "trade"
    return "quote" if '@bookTicker"' in head else None


def _okx_kind(text: str) -> str | None:
    return "book" if text.startswith('{"arg":{"channel":"books') else None


_BYBIT = {"orderbook": "book", "publicTrade": "trade", "tickers": "ticker"}


def _bybit_kind(text: str) -> str | None:
    return _BYBIT.get(text.removeprefix('{"topic":"').partition(".")[0])


def _bybit_spot_kind(text: str) -> str | None:
    return _bybit_kind(text) if not text.startswith('{"topic":"tickers') else None


def _deribit_kind(text: str) -> str | None:
    if '"channel":"book.' in text:
        return "book"
    return "ticker" if '"channel":"ticker.' in text else None


def numbered(frames: Frames) -> Frames:
    """OKX's as it sends them since 2026-06-23: a checksum of 0, and the sequence numbers that it
    has had since 2022-08; an update without a level has the number before it again."""
    last: dict[bytes, int] = {}
    made = []
    for number, frame in enumerate(frames, _FIRST_NUMBER):
        head, sep, _ = frame.rpartition(b'"checksum":')
        symbol = frame.partition(b'"instId":"')[2].partition(b'"')[0]
        before = last.get(symbol, -1) if b'"action":"update"' in frame else -1
        last[symbol] = before if b'"asks":[],"bids":[]' in frame else number
        tail = b'0,"seqId":%d,"prevSeqId":%d}]}' % (last[symbol], before)
        made.append(head + sep + tail if sep else frame)
    return made


SOURCES: Mapping[str, Source] = {
    "binance": Source(
        "binance_spot/hftbacktest_spot_btcusdt_20240808.ndjson.gz",
        _binance_kind,
        ("book", "quote", "trade", "all"),
    ),
    "binance-usdm": Source(
        "binance_usdm/hftbacktest_usdm_btcusdt_20240808.ndjson.gz",
        _binance_kind,
        ("book", "quote", "trade", "all"),
    ),
    "bybit-linear": Source(
        "bybit/cryptofeed_v3_bybit_v5.ndjson.gz", _bybit_kind, ("book", "trade"), path="/linear"
    ),
    "bybit-spot": Source(
        "bybit/cryptofeed_v3_bybit_v5.ndjson.gz",
        _bybit_spot_kind,
        ("book", "trade", "all"),
        path="/spot",
    ),
    "okx": Source(
        "okx/cryptofeed_hist_okx_20220227.ndjson.gz", _okx_kind, ("book", "all"), numbered
    ),
    "deribit": Source("deribit/cryptofeed_deribit.ndjson.gz", _deribit_kind, ("book",)),
}


def recordings(configured: Path | None = None) -> Path | None:
    """Where the recorded captures are, if anywhere: `configured`, or FEEDHANDLER_RECORDINGS."""
    named = os.environ.get("FEEDHANDLER_RECORDINGS")
    path = configured or (Path(named) if named else None)
    return path if path is not None and path.is_dir() else None


def recorded(venue: str, folder: Path | None) -> Case | None:
    """All frames of a venue's recording, of kind "all"; None where there is none."""
    source = SOURCES.get(venue)
    if folder is None or source is None or not (folder / source.file).is_file():
        return None
    facts = venues.load(venue)
    case = Case(venue, "all", [], floor="all" in source.floors)
    for line in captured(folder / source.file):
        text: str = line["data"]
        if line.get("kind", "ws") == "rest":
            if (symbol := snapshot_of(facts, line)) is not None:
                case.snapshots[symbol] = text.encode()
        elif source.kind(text) is not None and (line.get("url") or "").endswith(source.path):
            case.frames.append(text.encode())
            case.times.append(line.get("t") or 0)
    case.frames = source.mend(case.frames)
    return case if case.frames else None


def by_kind(case: Case) -> list[Case]:
    """A recording taken apart: a case for each kind of frame that it has."""
    source = SOURCES[case.venue]
    kinds: dict[str, Frames] = {}
    for frame in case.frames:
        kind = source.kind(frame.decode())
        if kind is not None:
            kinds.setdefault(kind, []).append(frame)
    return [
        Case(
            case.venue,
            kind,
            kinds[kind],
            case.snapshots if kind == "book" else {},
            kind in source.floors,
        )
        for kind in sorted(kinds)
    ]


def snapshot_of(facts: Venue, line: Mapping[str, Any]) -> str | None:
    """Whose book a line answers with; None: it does not."""
    return facts.snapshot_symbol(line.get("url") or "", line.get("req") or "")


def captured(path: Path) -> Iterable[dict[str, Any]]:
    """What came in, line by line."""
    with gzip.open(path, "rb") as file:
        for raw in file:
            line = orjson.loads(raw)
            if isinstance(line.get("data"), str) and line.get("dir", "in") == "in":
                yield line
