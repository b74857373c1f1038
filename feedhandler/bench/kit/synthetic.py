"""Frames made in code, in a venue's exact format: a book that lives, and its base."""

from __future__ import annotations

import random
from collections.abc import Sequence

from feedhandler.bench.kit.frames import Case, Frames

#: The venues whose format is known here.
VENUES = ("binance", "binance-usdm", "bybit-linear", "bybit-spot", "deribit", "okx")
#: Those whose books have another order of keys today than the documentation's.
REORDERED = ("deribit", "okx")


def synthetic(venue: str, *, count: int = 4000, seed: int = 7, live: bool = False) -> Case:
    """Book updates of 1 to 20 levels around a price, in the venue's exact format.

    `live`: keys and numbers as in 2026, in particular prices of which one in ten is whole; else in
    the documentation's order. ValueError for a venue not among `VENUES`.
    """
    if venue not in VENUES:
        raise ValueError(f"{venue}: its format is not known; {', '.join(VENUES)}")
    rng = random.Random(seed)
    mid, step = 6_000_000, 30 if live else 50
    frames: Frames = []
    bids = [(mid - i * step, rng.randrange(1, 99999)) for i in range(1, 401)]
    asks = [(mid + i * step, rng.randrange(1, 99999)) for i in range(1, 401)]
    snapshots: dict[str, bytes] = {}
    sequence = 1000
    if venue.startswith("binance"):
        body = f'{{"lastUpdateId":{sequence},"bids":{_pairs(bids, 8)},"asks":{_pairs(asks, 8)}}}'
        snapshots["BTCUSDT"] = body.encode()
    else:
        frames.append(_frame(venue, live, True, 0, sequence, bids, asks))
    for _ in range(count):
        changes: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        for _ in range(min(20, 1 + int(rng.expovariate(0.25)))):
            side = rng.randrange(2)
            distance = step * (1 + min(399, int(rng.expovariate(0.05))))
            size = 0 if rng.random() < 0.4 else rng.randrange(1, 99999)
            changes[side].append((mid - distance if side == 0 else mid + distance, size))
        frames.append(_frame(venue, live, False, sequence, sequence + 3, *changes))
        sequence += 3
    kind = "book live" if live else "book"
    return Case(venue, kind, frames, snapshots, made=True)


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


def _verbs(levels: Sequence[tuple[int, int]], new: bool, live: bool) -> str:
    rows = []
    for p, s in levels:
        verb = "new" if new else "change" if s else "delete"
        amount = _amount(s, new) if live else repr(float(s))
        rows.append(f'["{verb}",{p / 100!r},{amount}]')
    return "[" + ",".join(rows) + "]"


def _amount(size: int, snapshot: bool) -> str:
    """As Deribit writes sizes in 2026: one in ten is a million or more, and has an exponent."""
    size *= 100 if size >= 90_000 else 10
    if size >= 1_000_000:
        return f"{size / 1_000_000!r}e6"
    return str(size) if snapshot else f"{size}.0"


def _frame(
    venue: str,
    live: bool,
    snapshot: bool,
    previous: int,
    sequence: int,
    bids: Sequence[tuple[int, int]],
    asks: Sequence[tuple[int, int]],
) -> bytes:
    if venue == "binance":
        text = (
            '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,'
            f'"s":"BTCUSDT","U":{previous + 1},"u":{sequence},"b":{_pairs(bids, 8)},'
            f'"a":{_pairs(asks, 8)}}}}}'
        )
    elif venue == "binance-usdm":
        text = (
            '{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161255208,'
            f'"T":1723161255203,"s":"BTCUSDT","U":{previous + 1},"u":{sequence},"pu":{previous},'
            f'"b":{_pairs(bids, 2)},"a":{_pairs(asks, 2)}}}}}'
        )
    elif venue.startswith("bybit"):
        said = f'"type":"{"snapshot" if snapshot else "delta"}"', '"ts":1786310818130'
        head = ",".join(said if venue == "bybit-linear" else reversed(said))
        places = 2 if venue == "bybit-linear" else -1
        text = (
            f'{{"topic":"orderbook.200.BTCUSDT",{head},"data":{{"s":"BTCUSDT",'
            f'"b":{_pairs(bids, places)},"a":{_pairs(asks, places)},"u":{sequence // 3},'
            f'"seq":{753_843_913_870 + sequence}}},"cts":1786310818129}}'
        )
    elif venue == "okx":
        tail = ',"0","3"'
        numbers = [f'"prevSeqId":{-1 if snapshot else previous}', f'"seqId":{sequence}']
        text = (
            '{"arg":{"channel":"books","instId":"BTC-USDT"},'
            f'"action":"{"snapshot" if snapshot else "update"}","data":[{{'
            f'"asks":{_pairs(asks, -1, tail)},"bids":{_pairs(bids, -1, tail)},'
            f'"ts":"1652459225464","checksum":0,'
            f"{','.join(reversed(numbers) if live else numbers)}}}]}}"
        )
    else:
        kind = [f'"type":"{"snapshot" if snapshot else "change"}"', '"timestamp":1626993724318']
        prev = [] if snapshot else [f'"prev_change_id":{previous}']
        name, number = '"instrument_name":"BTC-PERPETUAL"', f'"change_id":{sequence}'
        sides = [f'"bids":{_verbs(bids, snapshot, live)}']
        sides.append(f'"asks":{_verbs(asks, snapshot, live)}')
        if live:
            keys = [*reversed(kind), number, name, *sides, *prev]
        else:
            keys = [*kind, *prev, name, number, *sides]
        text = (
            '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.raw",'
            f'"data":{{{",".join(keys)}}}}}}}'
        )
    return text.encode()
