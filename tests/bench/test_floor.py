"""What the floor of `decode` promises: nothing is measured against a program that is of no use."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from decimal import Decimal

import orjson
import pytest

from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.bench.kit.frames import Case
from feedhandler.bench.kit.synthetic import REORDERED, VENUES, synthetic
from feedhandler.bench.native._floor import PADDING, Floor
from shm import segment

CASES = [synthetic(venue, count=40) for venue in VENUES]
CASES += [synthetic(venue, count=40, live=True) for venue in REORDERED]
SYMBOLS = {"deribit": b"BTC-PERPETUAL", "okx": b"BTC-USDT"}
of_each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def begun(case: Case) -> Floor:
    floor = Floor(case.venue, 1 << 13)
    for symbol, body in case.snapshots.items():
        floor.snapshot(symbol.encode(), body)
    return floor


def feed(floor: Floor, *frames: bytes) -> None:
    floor.feed([frame + bytes(PADDING) for frame in frames])


def is_json(frame: bytes) -> bool:
    try:
        orjson.loads(frame)
    except orjson.JSONDecodeError:
        return False
    return True


def spoilt(frame: bytes) -> Iterator[bytes]:
    """What is no JSON any more: cut off at each byte, longer, with another byte at each place."""
    rng = random.Random(5)
    yield from (frame[:end] for end in range(len(frame)))
    yield frame + b"}"
    for at in range(len(frame)):
        for byte in rng.sample(b'{}[]",:.-0e\\ x\x00\x1f\xff', 4):
            changed = frame[:at] + bytes([byte]) + frame[at + 1 :]
            if not is_json(changed):
                yield changed


def sides(floor: Floor, symbol: bytes) -> list[list[tuple[Decimal, Decimal]]]:
    bids, asks, price, size = floor.book(symbol)
    return [values(bids, -price, -size), values(asks, -price, -size)]


def values(levels: list[tuple[int, int]], price: int, size: int) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(p).scaleb(price), Decimal(s).scaleb(size)) for p, s in levels]


def state(floor: Floor, case: Case) -> tuple[object, int]:
    return sides(floor, SYMBOLS.get(case.venue, b"BTCUSDT")), floor.records


@of_each
def test_what_is_no_json_is_refused_and_changes_nothing(case: Case) -> None:
    floor = begun(case)
    feed(floor, *case.frames[:20])
    frame = min((one for one in case.frames[20:] if one.count(b"],[")), key=len)
    before, bad = state(floor, case), list(spoilt(frame))
    for count, one in enumerate(bad, 1):
        feed(floor, one)
        assert (floor.counters()["refused"], floor.records) == (count, before[1]), one
    assert len(bad) > 2 * len(frame)
    assert state(floor, case) == before
    feed(floor, *case.frames[20:])
    assert floor.counters() == {"refused": len(bad), "copies": 0, "gaps": 0}


@of_each
def test_copies_change_nothing(case: Case) -> None:
    once, twice = begun(case), begun(case)
    feed(once, *case.frames)
    changes = [frame for frame in case.frames if b"snapshot" not in frame]
    feed(twice, *case.frames[: len(case.frames) - len(changes)])
    for frame in changes:
        feed(twice, frame, frame)
    assert state(twice, case) == state(once, case)
    assert twice.counters() == {"refused": 0, "copies": len(changes), "gaps": 0}


@of_each
def test_after_a_gap_nothing_comes_until_the_book_begins_anew(case: Case) -> None:
    floor = begun(case)
    feed(floor, *case.frames[:20])
    before = floor.records
    feed(floor, *case.frames[21:])
    assert floor.counters() == {"refused": 0, "copies": 0, "gaps": 1}
    assert floor.records == before
    floor.begin()
    for symbol, body in case.snapshots.items():
        floor.snapshot(symbol.encode(), body)
    whole = begun(case)
    feed(floor, *case.frames)
    feed(whole, *case.frames)
    assert state(floor, case)[0] == state(whole, case)[0]


@of_each
def test_its_book_is_the_engines_to_the_last_digit(case: Case) -> None:
    floor = begun(case)
    feed(floor, *case.frames)
    with segment.create(
        case.venue, namespace=f"bench{os.getpid()}g", instruments=8, depth=5, ring_slots=1 << 14
    ) as held:
        engine = make_engine(venues.load(case.venue), held.writer, auto_add=True)
        for symbol, body in case.snapshots.items():
            engine.snapshot(engine.add_instrument(symbol), body)
        engine.connection(0).feed_all(case.frames)
        bids, asks, _, price, size = engine.book(0)
        found = [values(side.tolist(), price, size) for side in (bids, asks)]
    assert state(floor, case)[0] == found
    assert min(map(len, found)) > 300


def test_an_instrument_gets_the_units_that_its_numbers_need_and_keeps_what_it_had() -> None:
    frames = synthetic("okx", count=1, live=True).frames[:1]
    floor = begun(synthetic("okx", count=1))
    feed(floor, *frames)
    bids, _, places, _ = floor.book(b"BTC-USDT")
    finer = (
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],'
        b'"bids":[["59.00000000123","1.5e-3","0","1"]],"ts":"1652459225464","checksum":0,'
        b'"seqId":1003,"prevSeqId":1000}]}'
    )
    feed(floor, finer)
    assert floor.counters()["refused"] == 0
    finer_bids, _, finer_places, size_places = floor.book(b"BTC-USDT")
    assert finer_places == 11 > places
    assert (59_00000000123, 15 * 10 ** (size_places - 4)) in finer_bids
    assert {price for price, _ in finer_bids} >= {
        price * 10 ** (finer_places - places) for price, _ in bids
    }


@pytest.mark.parametrize("venue", ["okx", "deribit"])
def test_an_instrument_is_another_one_by_one_letter(venue: str) -> None:
    case = synthetic(venue, count=10, live=True)
    floor = begun(case)
    name = SYMBOLS[venue]
    feed(floor, *case.frames, *(frame.replace(name, name[:-1] + b"X") for frame in case.frames))
    first, other = floor.book(name), floor.book(name[:-1] + b"X")
    assert first == other
    assert len(first[0]) > 300
    assert floor.counters() == {"refused": 0, "copies": 0, "gaps": 0}
    torn = case.frames[-1].replace(name, b"BTC", 1) if venue == "deribit" else b"{}"
    feed(floor, torn)  # its channel is one instrument's, its data another's
    assert floor.counters()["refused"] == 1
