"""Venues that are declared by their frames: what a skeleton reads is what the general reader reads.

Two engines get the same frames, of which one learns and the other never does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, NamedTuple

import pytest

from feedhandler import venues
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.engine import rules
from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled
from tests.engine import support
from tests.engine.declared_frames import SYMBOLS, Made
from tests.engine.test_shaped_recordings import KRAKEN_CHECKSUM, RULES, prepare
from tests.engine.test_skeletons import fed, mutated, revalued, rewritten, seen
from tests.shape.ten_venues import FRAMES
from tests.venues.reference import RECORDINGS, REFERENCES, Recording

Change = Callable[[bytes, random.Random], bytes]

BEGINNING = 400
PAIR = '["$price","$size"]'
#: what none of the ten has
OTHERS = (
    Frame("number", '{"sequence_num":$conn}'),
    Frame(
        "book",
        '{"k":"b","h":{"at":$time_frac},"s":"$symbol","n":[$_,$first,$final],"b?":$bids,"a?":$asks}',
        level='"$price,$size,$_"',
    ),
    Frame(
        "snapshot",
        '{"k":"w","n":$final,"l":$levels,"s":"$symbol"}',
        level='["$verb","$side",$price,$size]',
    ),
    Frame(
        "trade",
        '{"k":"t","w":"$word","rows":[{"p":$price,"q":$amount,"s":"$symbol","i":"$id_tail",'
        '"f?":$forced,"at":$time_s}],"sent":$sent_us}',
    ),
    Frame(
        "quote",
        '{"k":"q","b":[$bid,$bid_size],"a":[$ask,$ask_size],"n?":$final,"s":"$symbol"}',
    ),
    Frame(
        "trade",
        '{"k":"i","rows":[{"i":"$id_name","p":$price,"q":$size,"d":$taker,"s":"$symbol"}]}',
        taker=("0", "1"),
    ),
    Frame("none", '{"k":"n","beat":"$_"}'),
)
OURS = {
    name: venue
    for name, venue in ((name, venues.load(name)) for name in venues.names())
    if isinstance(venue, DeclaredVenue)
}
VENUES = {**FRAMES, **{name: venue.frames for name, venue in OURS.items()}, "others": OTHERS}
ALL_RULES = {
    **RULES,
    **{name: rules(venue) for name, venue in OURS.items()},
    "others": (native.RULE_RANGE, native.BASE_STREAM),
}


#: a third of their shapes are lists of events, and of an option's marks most keys may be missing
SLOW = {"binance": 0.8, "binance-usdm": 0.8, "binance-coinm": 0.8, "binance-options": 0.85}


@contextmanager
def both(venue: str, **options: Any) -> Iterator[list[native.Engine]]:
    """The engine that learns, and the one that never does."""
    table = compiled(VENUES[venue])
    rule, base = ALL_RULES[venue]
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                support.engine(
                    "okx",
                    decoder=native.shape_decoder(table, learned=learned),
                    rule=rule,
                    base=base,
                    **{"checksum": None, **options},
                )
            )
            for learned in (True, False)
        ]


def known(engines: list[native.Engine]) -> None:
    for e in engines:
        for at, symbol in enumerate(SYMBOLS, 1):
            row = e.add_instrument(symbol, price_exponent=-2, size_exponent=-3)
            e.connection(0).bind(10 * at, row, "book")
            e.connection(0).bind(10 * at + 1, row, "trades")


@cache
def made(venue: str, seed: int) -> list[bytes]:
    return Made(VENUES[venue], random.Random(f"{venue}{seed}")).stream(300)


@pytest.mark.parametrize("venue", list(VENUES))
@pytest.mark.parametrize("others", [None, mutated, rewritten, revalued])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.soak)])
def test_both_ways_agree(venue: str, others: Change | None, seed: int) -> None:
    rng = random.Random(f"{venue}{seed} others")
    frames = made(venue, seed)
    with both(venue) as engines:
        known(engines)
        for frame in frames:
            fed(engines, others(frame, rng) if others and rng.random() < 0.3 else frame)
        assert seen(engines[0]) == seen(engines[1])
        if others is None:
            read = [e.connection(0).slow for e in engines]
            assert read[0] < SLOW.get(venue, 0.6) * read[1]


@pytest.mark.parametrize("venue", list(VENUES))
def test_every_truncation_is_refused_alike(venue: str) -> None:
    frames = Made(VENUES[venue], random.Random(venue)).stream(150)
    with both(venue) as engines:
        known(engines)
        for frame in frames:
            fed(engines, frame)
        for frame in sorted(frames, key=len)[:: len(frames) // 6]:
            for length in range(len(frame)):
                fed(engines, frame[:length])
        assert seen(engines[0]) == seen(engines[1])


def test_statistics_that_come_first_keep_no_trade_from_being_learned() -> None:
    """Frames that begin alike, `{"stream":"`, whatever they are of."""

    def event(stream: str, said: str) -> bytes:
        return b'{"stream":"%b","data":{%b,"s":"S"}}' % (stream.encode(), said.encode())

    volume = event("a@optionTicker", '"e":"24hrTicker","E":1770000000000,"v":"9"')
    trades = [
        event("a@optionTrade", f'"e":"trade","E":1770000000000,"t":{n},"p":"1","q":"2","m":true')
        for n in range(20)
    ]
    with both("binance-options") as engines:
        for frame in (volume, *trades):
            fed(engines, frame)
        assert seen(engines[0]) == seen(engines[1])
        assert engines[0].connection(0).slow <= 2


# ---- recordings ----------------------------------------------------------------------------------


def options(recording: Recording) -> dict[str, Any]:
    if recording.venue != "kraken":
        return {}
    return {"checksum": KRAKEN_CHECKSUM, "window": recording.depth}


@cache
def exponents(recording: Recording) -> dict[str, tuple[int, int]]:
    """Those that hold all that is recorded, as a venue's listing would say."""
    with both(recording.venue, **options(recording)) as (_, e):
        for line in recording.lines():
            if line["data"] is not None and line["dir"] == "in" and line["kind"] == "ws":
                prepare(recording.venue, e, line)
                e.connection(0).feed(line["data"].encode(), line["t"] or 0)
        return {symbol: e.book(row)[3:] for row, symbol in enumerate(e.symbols())}


class Heard(NamedTuple):
    """A line that came from the venue, and the books that it answers for."""

    line: dict[str, Any]
    payload: bytes
    answered: tuple[str, ...] | None

    @property
    def is_frame(self) -> bool:
        return self.answered is None and self.line["kind"] == "ws"


def heard(recording: Recording) -> Iterator[Heard]:
    reference = REFERENCES[recording.venue]()
    for line in recording.lines():
        said = reference.line(line)
        if line["data"] is not None and line["dir"] == "in":
            answered = tuple(said.books) if said.kind == "answer" else None
            yield Heard(line, line["data"].encode(), answered)


@cache
def beginning(recording: Recording) -> list[Heard]:
    """As far as so many frames."""
    frames = 0
    found = []
    for each in heard(recording):
        found.append(each)
        frames += each.is_frame
        if frames > BEGINNING:
            break
    return found


def told(
    engines: list[native.Engine], recording: Recording, lines: Iterable[Heard]
) -> Iterator[bytes]:
    """The frames, with all that comes before each."""
    for each in lines:
        for e in engines:
            prepare(recording.venue, e, each.line)
            for symbol in each.answered or ():
                e.snapshot(e.add_instrument(symbol), each.payload, each.line["t"] or 0)
        if each.is_frame:
            yield each.payload


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_recorded_frames_are_of_few_skeletons(recording: Recording) -> None:
    """Below 1 % of books, trades and quotes are not, after the first hundred."""
    late = 0
    with both(
        recording.venue, instruments=256, ring_slots=1 << 18, **options(recording)
    ) as engines:
        if recording.venue != "kraken":  # how its numbers are written is said by its first book
            for e in engines:
                for symbol, (price, size) in exponents(recording).items():
                    e.add_instrument(symbol, price_exponent=price, size_exponent=size)
        learns, never = (e.connection(0) for e in engines)
        for count, payload in enumerate(told(engines, recording, heard(recording))):
            before = learns.slow
            fed(engines, payload)
            if count % 100 == 0:
                assert support.memory(engines[0]).records() == support.memory(engines[1]).records()
            late += learns.slow - before if never.slow > 100 else 0
        assert late <= 0.01 * max(0, never.slow - 100)
        assert seen(engines[0]) == seen(engines[1])


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
@pytest.mark.parametrize("others", [mutated, rewritten, revalued])
def test_both_ways_agree_about_recorded_frames(recording: Recording, others: Change) -> None:
    rng = random.Random(f"{recording}")
    with both(
        recording.venue, instruments=256, ring_slots=1 << 18, **options(recording)
    ) as engines:
        for payload in told(engines, recording, beginning(recording)):
            fed(engines, others(payload, rng) if rng.random() < 0.3 else payload)
        assert seen(engines[0]) == seen(engines[1])
