"""Decode benchmark: frames to shared memory, the engine against the C floor, in one process.

Engine and floor take turns of a fraction of a millisecond on the same frames, so that both meet
the same clock speed and the same noise. What other processes take is not our cost: of several
passes over the frames the best time of each turn counts, and they add up to one ratio; the median
of many such is reported, with their spread, and whether the host was too noisy to believe it. Loops
over frames run in native code. Recorded frames are used where there are any, frames made in code
otherwise.
"""

from __future__ import annotations

import gzip
import os
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from feedhandler.bench._floor import Floor
from feedhandler.engine import _engine as native
from shm import segment

Frames = list[bytes]


@dataclass(frozen=True)
class Result:
    """One line of the benchmark's output; `spread` is half the interquartile range of `value`.

    `noisy`: so much else ran that neither is to be relied on.
    """

    bench: str
    case: str
    metric: str
    unit: str
    value: float
    spread: float
    floor: float | None
    ratio: float | None
    noisy: bool = False

    def asdict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Case:
    """Frames of one decoder, and what a turn needs before them."""

    name: str
    decoder: str
    frames: Frames
    snapshots: dict[str, bytes] = field(default_factory=dict)
    floor: bool = True


# ---- frames -------------------------------------------------------------------------------------

_RECORDED = {
    "binance": "binance_spot/hftbacktest_spot_btcusdt_20240808.ndjson.gz",
    "okx": "okx/cryptofeed_hist_okx_20220227.ndjson.gz",
    "deribit": "deribit/cryptofeed_deribit.ndjson.gz",
}
_RULES = {
    "binance": (native.RULE_RANGE, native.BASE_REQUEST),
    "deribit": (native.RULE_PREVIOUS, native.BASE_STREAM),
    "okx": (native.RULE_PREVIOUS, native.BASE_STREAM),
}


def recordings() -> Path | None:
    """Where the recorded captures are, if anywhere: FEEDHANDLER_RECORDINGS."""
    configured = os.environ.get("FEEDHANDLER_RECORDINGS")
    path = Path(configured) if configured else None
    return path if path is not None and path.is_dir() else None


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rb") as file:
        for raw in file:
            line = orjson.loads(raw)
            if isinstance(line.get("data"), str) and line.get("dir", "in") == "in":
                yield line


def _recorded(decoder: str, path: Path) -> list[Case]:
    kinds: dict[str, Frames] = {"book": [], "trade": [], "quote": [], "ticker": []}
    snapshots: dict[str, bytes] = {}
    for line in _lines(path):
        text: str = line["data"]
        if line.get("kind", "ws") == "rest":
            if decoder == "binance" and "lastUpdateId" in text[:40]:
                symbol = parse_qs(urlsplit(line.get("url") or "").query).get("symbol", ["BTCUSDT"])
                snapshots[symbol[0]] = text.encode()
            continue
        kind = _kind(decoder, text)
        if kind is None:
            continue
        if decoder == "okx" and kind == "book":
            text = _without_checksum(text)
        kinds[kind].append(text.encode())
    cases = [Case(f"{decoder} book", decoder, kinds["book"], snapshots)]
    if decoder == "binance":
        cases += [Case(f"binance {kind}", decoder, kinds[kind]) for kind in ("quote", "trade")]
    if decoder == "deribit":
        cases.append(Case("deribit ticker", decoder, kinds["ticker"], floor=False))
    return [case for case in cases if case.frames]


def _kind(decoder: str, text: str) -> str | None:
    if decoder == "binance":
        if '"depthUpdate"' in text:
            return "book"
        if '@trade"' in text[:60]:
            return "trade"
        return "quote" if '@bookTicker"' in text[:60] else None
    if decoder == "okx":
        return "book" if text.startswith('{"arg":{"channel":"books') else None
    if '"channel":"book.' in text:
        return "book"
    return "ticker" if '"channel":"ticker.' in text else None


def _without_checksum(text: str) -> str:
    """As the venue sends it since 2026-06-23: the field is there, and 0."""
    head, sep, tail = text.rpartition('"checksum":')
    return f"{head}{sep}0{tail[tail.index('}') :]}" if sep else text


def synthetic(decoder: str, *, count: int = 4000, seed: int = 7) -> Case:
    """Book updates of 1..20 levels around a wandering price, in the venue's exact format."""
    rng = random.Random(seed)
    mid = 6_000_000
    frames: Frames = []
    bids = [(mid - i * 50, rng.randrange(1, 99999)) for i in range(1, 401)]
    asks = [(mid + i * 50, rng.randrange(1, 99999)) for i in range(1, 401)]
    snapshots: dict[str, bytes] = {}
    sequence = 1000
    if decoder == "binance":
        body = f'{{"lastUpdateId":{sequence},"bids":{_pairs(bids, 8)},"asks":{_pairs(asks, 8)}}}'
        snapshots["BTCUSDT"] = body.encode()
    else:
        frames.append(_frame(decoder, True, 0, sequence, bids, asks))
    for _ in range(count):
        changes: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        for _ in range(min(20, 1 + int(rng.expovariate(0.25)))):
            side = rng.randrange(2)
            distance = 50 * (1 + min(399, int(rng.expovariate(0.05))))
            size = 0 if rng.random() < 0.4 else rng.randrange(1, 99999)
            changes[side].append((mid - distance if side == 0 else mid + distance, size))
        frames.append(_frame(decoder, False, sequence, sequence + 3, *changes))
        sequence += 3
    return Case(f"{decoder} book synthetic", decoder, frames, snapshots)


def _number(value: int, places: int) -> str:
    """A price or size in hundredths, with so many decimal places; -1: as few as there are."""
    if places >= 0:
        return f"{value // 100}.{value % 100:02d}" + "0" * (places - 2)
    return f"{value // 100}.{value % 100:02d}".rstrip("0").rstrip(".")


def _pairs(levels: Sequence[tuple[int, int]], places: int, tail: str = "") -> str:
    return (
        "["
        + ",".join(f'["{_number(p, places)}","{_number(s, places)}"{tail}]' for p, s in levels)
        + "]"
    )


def _verbs(levels: Sequence[tuple[int, int]], new: bool) -> str:
    rows = []
    for p, s in levels:
        verb = "new" if new else "change" if s else "delete"
        rows.append(f'["{verb}",{p / 100!r},{float(s)!r}]')
    return "[" + ",".join(rows) + "]"


def _frame(
    decoder: str,
    snapshot: bool,
    previous: int,
    sequence: int,
    bids: Sequence[tuple[int, int]],
    asks: Sequence[tuple[int, int]],
) -> bytes:
    if decoder == "binance":
        text = (
            '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,'
            f'"s":"BTCUSDT","U":{previous + 1},"u":{sequence},"b":{_pairs(bids, 8)},'
            f'"a":{_pairs(asks, 8)}}}}}'
        )
    elif decoder == "okx":
        tail = ',"0","3"'
        text = (
            '{"arg":{"channel":"books","instId":"BTC-USDT"},'
            f'"action":"{"snapshot" if snapshot else "update"}","data":[{{'
            f'"asks":{_pairs(asks, -1, tail)},"bids":{_pairs(bids, -1, tail)},'
            f'"ts":"1652459225464","checksum":0,"prevSeqId":{-1 if snapshot else previous},'
            f'"seqId":{sequence}}}]}}'
        )
    else:
        prev = "" if snapshot else f'"prev_change_id":{previous},'
        text = (
            '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.raw",'
            f'"data":{{"type":"{"snapshot" if snapshot else "change"}","timestamp":1626993724318,'
            f'{prev}"instrument_name":"BTC-PERPETUAL","change_id":{sequence},'
            f'"bids":{_verbs(bids, snapshot)},"asks":{_verbs(asks, snapshot)}}}}}}}'
        )
    return text.encode()


# ---- turns --------------------------------------------------------------------------------------


_TURN_NS = 300_000
_NOISY = 0.05  # of the median: half the interquartile range of the ratios


class _Bench:
    """One engine and one floor, warm, that take turns on a case."""

    def __init__(self, case: Case, writer: Any) -> None:
        rule, base = _RULES[case.decoder]
        self.case = case
        self.engine = native.Engine(writer, case.decoder, rule=rule, base=base, auto_add=True)
        self._feed = self.engine.connection(0).feed_all
        self._floor = Floor()
        self._least: Callable[[Frames], None] = getattr(self._floor, case.decoder)
        self._turns = [case.frames]
        for symbol in case.snapshots:
            self.engine.add_instrument(symbol, price_exponent=-2, size_exponent=-8)

    def warm(self) -> None:
        """Two passes; from the second is known how many frames make a turn."""
        self.one_pass()
        took = self.one_pass()[0][0]
        size = max(1, int(len(self.case.frames) * _TURN_NS / took))
        frames = self.case.frames
        self._turns = [frames[i : i + size] for i in range(0, len(frames), size)]

    def one_pass(self) -> tuple[list[float], list[float]]:
        """Nanoseconds of each turn over all frames: the engine's, the floor's."""
        for symbol, body in self.case.snapshots.items():
            i = self.engine.instrument_id(symbol)
            self.engine.set_state(i, 1, 1)
            self.engine.snapshot(i, body)
            self._floor.binance_snapshot(symbol.encode(), body)
        engine, floor = [], []
        for frames in self._turns:
            engine.append(_timed(self._feed, frames))
            if self.case.floor:
                floor.append(_timed(self._least, frames))
        return engine, floor

    def best(self, passes: int) -> tuple[float, float]:
        """The sums of the best times of each turn."""
        done = [self.one_pass() for _ in range(passes)]
        engine = sum(map(min, zip(*(d[0] for d in done), strict=True)))
        floor = sum(map(min, zip(*(d[1] for d in done), strict=True)))
        return engine, floor


def _timed(run: Callable[[Frames], object], frames: Frames) -> float:
    begin = time.perf_counter_ns()
    run(frames)
    return float(time.perf_counter_ns() - begin)


def _spread(values: Sequence[float]) -> float:
    if len(values) < 4:
        return max(values) - min(values)
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / 2


def measure(case: Case, repetitions: int = 30) -> list[Result]:
    """Engine and floor, in turns, after two passes of warming up."""
    name = f"bench{os.getpid()}"
    with segment.create(
        case.decoder, namespace=name, instruments=256, depth=20, ring_slots=1 << 17
    ) as held:
        bench = _Bench(case, held.writer)
        bench.warm()
        passes = max(4, 4000 // len(case.frames))
        before = bench.engine.counters()
        bench.one_pass()
        after = bench.engine.counters()
        levels = after["levels"] - before["levels"]
        bad = {k: after[k] - before[k] for k in ("malformed", "gaps", "unknown", "crossed")}
        if any(bad.values()):
            raise RuntimeError(f"{case.name}: the frames are not what the benchmark thinks: {bad}")
        if case.snapshots:
            levels -= sum(_snapshot_levels(b) for b in case.snapshots.values())
        times = [bench.best(passes) for _ in range(repetitions)]
    ratios = [engine / floor for engine, floor in times if floor]
    judged = ratios or [engine for engine, _ in times]
    noisy = _spread(judged) > _NOISY * statistics.median(judged)
    results = []
    for metric, count in (("frame", len(case.frames)), ("level", levels)):
        if count == 0:
            continue
        own = [engine / count for engine, _ in times]
        least = [floor / count for _, floor in times]
        results.append(
            Result(
                "decode",
                case.name,
                f"time per {metric}",
                "ns",
                round(statistics.median(own), 1),
                round(_spread(own), 1),
                round(statistics.median(least), 1) if case.floor else None,
                round(statistics.median(ratios), 3) if case.floor else None,
                noisy,
            )
        )
    return results


def _snapshot_levels(body: bytes) -> int:
    parsed = orjson.loads(body)
    return len(parsed["bids"]) + len(parsed["asks"])


def cases(captures: Path | None = None) -> list[Case]:
    """Recorded cases where `captures` (a folder of recordings) has them, and synthetic ones."""
    found: list[Case] = []
    for decoder, name in _RECORDED.items():
        if captures is not None and (captures / name).is_file():
            found += _recorded(decoder, captures / name)
    return found + [synthetic(decoder) for decoder in _RULES]


def run(captures: Path | None = None, repetitions: int = 30) -> list[Result]:
    """All cases. `captures` None: those of `recordings()`."""
    return [
        result
        for case in cases(captures if captures is not None else recordings())
        for result in measure(case, repetitions)
    ]
