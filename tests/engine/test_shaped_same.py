"""The general reader with a venue's frames as shapes means what the venue's own decoder means.

Two engines get the same frames, of which one has nothing but shapes. Where both understand a frame
they end with the same records, cells and books; where both refuse it, too. What only one of them
refuses is listed in `explained`.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson
import pytest

from feedhandler.engine import _engine as native
from feedhandler.shape import compiled
from shm import Reason, State
from tests.engine.shaped_frames import SHAPES
from tests.engine.support import engine, engine_of, lines, memory, spaced
from tests.engine.test_skeletons import (
    RECORDED,
    changed,
    mutated,
    revalued,
    rewritten,
    seen,
    shuffled,
)
from tests.engine.venue_frames import FRAMES, snapshots
from tests.kit.recordings import recorded

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BTC-USDT", "ETH-USDT", "BTC-PERPETUAL", "ETH-PERPETUAL")
NOW = 1_800_000_000_000_000_000
FIRST, LAST = 1, 2  #: of a message's records
Other = Callable[[bytes, random.Random], bytes]


def shape_decoder(venue: str) -> native.Decoder:
    return native.shape_decoder(
        compiled(SHAPES[venue]),
        spreads=venue == "deribit",
    )


@contextmanager
def pair(venue: str) -> Iterator[tuple[native.Engine, native.Engine]]:
    """By shapes, by the decoder; with a base where the venue's deltas need one."""
    with (
        engine(venue, decoder=shape_decoder(venue), auto_add=False) as shaped,
        engine(venue, learns=False, auto_add=False) as decoded,
    ):
        for e in (shaped, decoded):
            for symbol in SYMBOLS:
                e.add_instrument(symbol)
            for symbol, body in snapshots(venue).items():
                e.snapshot(e.instrument_id(symbol), body, NOW)
        yield shaped, decoded


def frames_of(venue: str, rng: random.Random) -> list[bytes]:
    return [frame for frame in FRAMES[venue](rng) if b":00.0" not in frame]


def came(e: native.Engine) -> object:
    """All that came of the frames; of the counters, those that no refused frame counts."""
    rows, counters, records = seen(e)
    kept = ("levels", "messages", "trades", "gaps", "precision", "duplicates", "resyncs", "crossed")
    unplaced = [(*one[:4], one[4] & ~(FIRST | LAST), *one[5:]) for one in records]  # side by side
    return rows, {name: counters.get(name) for name in kept}, sorted(unplaced)


def states(e: native.Engine) -> list[tuple[int, int]]:
    return [e.state(row) for row in range(len(e.symbols()))]


def fed(shaped: native.Engine, decoded: native.Engine, frame: bytes) -> tuple[int, int]:
    results = [e.connection(0).feed(frame, NOW) & ~native.ATTENTION for e in (shaped, decoded)]
    return results[0], results[1]


def escaped(frame: bytes, rng: random.Random) -> bytes:
    """Some signs in strings and keys as \\u escapes."""
    out, inside, text = [], False, frame.decode()
    for sign in text:
        inside ^= sign == '"'
        out.append(f"\\u{ord(sign):04x}" if inside and sign != '"' and rng.random() < 0.1 else sign)
    return "".join(out).encode()


def more_keys(frame: bytes, rng: random.Random) -> bytes:
    def more(value: dict[str, object], rng: random.Random) -> dict[str, object]:
        return dict(
            rng.sample(
                [*value.items(), (f"?{rng.random()}", [{"b": [["1", "2"]]}])], len(value) + 1
            )
        )

    return orjson.dumps(changed(orjson.loads(frame), rng, more))


def reordered(frame: bytes, rng: random.Random) -> bytes:
    return orjson.dumps(changed(orjson.loads(frame), rng, shuffled))


def respaced(frame: bytes, rng: random.Random) -> bytes:
    return spaced(orjson.loads(frame), rng)


@pytest.mark.parametrize("venue", list(SHAPES))
@pytest.mark.parametrize("other", [None, reordered, respaced, escaped, more_keys])
def test_a_frame_means_the_same(venue: str, other: Other | None) -> None:
    rng = random.Random(f"{venue}{other and other.__name__}")
    read = 0
    with pair(venue) as (shaped, decoded):
        for frame in frames_of(venue, rng):
            said = other(frame, rng) if other else frame
            results = fed(shaped, decoded, said)
            assert results[0] & ~native.UNKNOWN == results[1] & ~native.UNKNOWN, said
            read += not results[0] & native.MALFORMED  # some trades have a size of 0
            assert shaped.attention() == decoded.attention(), said
        assert came(shaped) == came(decoded)
        assert read > 60


@pytest.mark.parametrize("venue", list(SHAPES))
def test_half_a_frame_is_refused_alike(venue: str) -> None:
    frames = frames_of(venue, random.Random(venue))
    short = sorted(frames, key=len)[:: len(frames) // 6]
    with pair(venue) as (shaped, decoded):
        for frame in frames:
            fed(shaped, decoded, frame)
        assert came(shaped) == came(decoded)
        for frame in short:
            for length in range(len(frame)):
                results = fed(shaped, decoded, frame[:length])
                assert results[0] & results[1] & native.MALFORMED, frame[:length]
                for mine, its in zip(states(shaped), states(decoded), strict=True):
                    assert mine == its or mine == (State.STALE, Reason.MALFORMED), frame[:length]
            fed(shaped, decoded, frame)


#: a time with decimals, a number 0 or below, a level that is nothing or has something behind it
NO_TIME = re.compile(rb'"(?:ts|cts|timestamp)":(?:"?-?0"?|"")[,}]')
TAKEN = re.compile(
    rb'"(E|T|ts|cts|timestamp)":"?[0-9]*\.[0-9]|"(u|change_id)":"?-?0|\["-?0[0.]*","-?0|'
    rb'\[("[^"]*",){2}"[^"]*"\]'
)


def twice(frame: bytes) -> bool:
    """Does a key come twice?"""
    found = []

    def pairs(said: list[tuple[str, object]]) -> None:
        found.append(len({key for key, _ in said}) < len(said))

    json.loads(frame, object_pairs_hook=pairs)
    return any(found)


def explained(frame: bytes, results: tuple[int, int], errors: tuple[str, str]) -> bool:
    """May one of them understand it otherwise than the other?"""
    shaped, decoded = results
    if shaped & decoded & native.MALFORMED:
        return True
    if shaped & native.CONTROL:
        return True  # a word of its route is another one: it is left to Python
    if shaped & native.MALFORMED:  # of another one's channel; or what the decoder does not look at
        named = decoded & native.UNKNOWN or b'"seq":-' in frame
        dropped = b"1" * 40 in frame  # the decoder forgets such a book, and looks no further
        looked = any(word in errors[0] for word in ("missing", "type", "range"))
        return bool(named) or dropped or twice(frame) or looked
    if decoded & native.MALFORMED:  # a number in quotes, and one without; no time, however written
        unsaid = b'"prevSeqId"' not in frame and "missing" in errors[1]  # as in 2022
        return (
            "type" in errors[1]
            or unsaid
            or TAKEN.search(frame) is not None
            or NO_TIME.search(frame) is not None
        )
    return shaped & ~native.UNKNOWN == decoded & ~native.UNKNOWN


@pytest.mark.parametrize("venue", list(SHAPES))
@pytest.mark.parametrize("other", [mutated, rewritten, revalued])
@pytest.mark.parametrize("seed", range(8))
def test_other_bytes_mean_the_same_or_nothing(venue: str, other: Other, seed: int) -> None:
    rng = random.Random(f"{venue}{seed}")
    with pair(venue) as (shaped, decoded):
        for frame in frames_of(venue, rng)[:60]:
            said = other(frame, rng) if rng.random() < 0.4 else frame
            results = fed(shaped, decoded, said)
            errors = shaped.last_error(), decoded.last_error()
            assert results[0] == results[1] or explained(said, results, errors), (
                said,
                results,
                errors,
            )
            if (results[0] ^ results[1]) & (native.DATA | native.CONTROL | native.MALFORMED):
                break  # from here on they have heard different things
            for mine, its in zip(states(shaped), states(decoded), strict=True):
                assert mine == its or mine[0] == State.STALE, (said, results, errors)
            if states(shaped) != states(decoded):
                break
        else:
            assert came(shaped) == came(decoded)


@pytest.mark.parametrize(
    ("venue", "name"),
    [(venue, name) for venue in SHAPES for name in RECORDED[venue]],
)
def test_recorded_frames_mean_the_same(venue: str, name: str) -> None:
    """But those of channels that the shapes do not have."""
    path = recorded(f"{name}.ndjson.gz")
    read = 0
    with (
        engine(venue, instruments=256, ring_slots=1 << 18, decoder=shape_decoder(venue)) as shaped,
        engine(venue, instruments=256, ring_slots=1 << 18, learns=False) as decoded,
    ):
        for line in lines(path):
            if line.kind != "ws" or line.direction != "in" or not line.data:
                continue
            frame = line.data.encode()
            if shaped.connection(0).feed(frame, line.t) & native.CONTROL:
                continue
            decoded.connection(0).feed(frame, line.t)
            read += 1
        assert read > 2
        assert came(shaped) == came(decoded)
        assert memory(shaped).seen > 2


def test_an_answer_is_read_by_its_shape() -> None:
    with (
        engine("binance") as shaped,
        engine_of(shape_decoder("deribit"), rule=native.RULE_PREVIOUS, base=0) as other,
    ):
        row = shaped.add_instrument("BTCUSDT")
        assert shaped.snapshot(row, b'{"code":-1121,"msg":"Invalid symbol."}') & native.MALFORMED
        assert "missing" in shaped.last_error()
        body = b'{"lastUpdateId":7,"bids":[["1","2"]],"asks":[["3","4"]]}'
        assert not shaped.snapshot(row, body) & native.MALFORMED
        assert other.snapshot(other.add_instrument("A"), body) & native.MALFORMED
