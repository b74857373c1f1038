"""A short session of each venue, as its documentation prints the frames: what they mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feedhandler import venues
from feedhandler.adapter.venue import ControlKind, Venue
from feedhandler.capture.frames_file import Frame
from feedhandler.capture.replay import replay
from feedhandler.engine._engine import Engine
from tests.engine.support import Memory
from tests.venues.reference import REFERENCES
from tests.venues.reference.book import Reference, Said, Trade
from tests.venues.sample import (
    Sample,
    book_words,
    liquidation_words,
    quote_words,
    samples,
    trade_words,
)
from tests.venues.told import book_of, memory_of, told

START_NS = 1_770_000_000 * 10**9


def meant(reference: Reference, sample: Sample) -> list[str]:
    """The reference's word for it."""
    line = {"t": 0, "kind": "rest" if sample.rest else "ws", "dir": "in", "conn": "c"}
    checked = reference.checksums
    try:
        said = reference.line({**line, "url": sample.rest or "ws", "data": sample.text})
    except (AssertionError, KeyError):
        return ["not-live"]  # it tolerates no hole, no wrong checksum, nothing before a base
    words = [book_words(symbol, reference.books[symbol]) for symbol in said.books]
    words += ["checked"] * (reference.checksums - checked)
    return [*words, *map(quote_words, said.quotes), *_trades(said)]


def _forced(words: str, sample: Sample) -> bool:
    """Whether it is a trade that the feed calls a liquidation."""
    kind, _, rest = words.partition(" ")
    return kind == "trade" and f"liquidation {rest.rpartition(' ')[0]}" in sample.gives


def _trades(said: Said) -> list[str]:
    return [trade_words(trade) for trade in said.trades] if said.kind == "trade" else []


@pytest.mark.parametrize("venue", REFERENCES)
def test_the_reference_agrees_with_the_samples(venue: str) -> None:
    reference = REFERENCES[venue]()
    for sample in samples(venue):
        found = [words for words in meant(reference, sample) if not _forced(words, sample)]
        wanted = sample.data()
        if found == ["not-live"]:
            assert [words.split()[0] for words in wanted] == ["not-live"], sample
            continue
        wanted = ["checked" if words.startswith("checked ") else words for words in wanted]
        assert sorted(found) == sorted(wanted), sample


# -- the feed ---------------------------------------------------------------------------------

#: what a venue's Python may make of a frame that is a word of CONTROLS
KINDS = {
    "subscribed": {ControlKind.ACK},
    "unsubscribed": {ControlKind.UNSUBSCRIBED},
    "refused": {
        ControlKind.REJECTED, ControlKind.SPOILED, ControlKind.ERROR, ControlKind.AGAIN,
    },
    "asked": {ControlKind.ASKED},
    "notice": {ControlKind.NOTICE},
    "nothing": {ControlKind.NOTHING, ControlKind.PONG},
    "": {ControlKind.NOTHING, ControlKind.ANSWER},  # the book of an answer is in what it gives
}  # fmt: skip
ASKED = dict.fromkeys(range(10), ("x",))  # keys of any request that an answer may be to


def frames(venue: Venue) -> list[Sample]:
    """Without lists of instruments, of which nothing is to be seen."""
    found = samples(venue.name)
    return [one for one in found if not (one.rest and venue.lists_instruments(one.rest))]


class Session:
    """Samples through a replay, each compared as it has gone in."""

    def __init__(self, venue: Venue, namespace: str) -> None:
        self.venue = venue
        self.seen = 0
        self._waiting = iter(frames(venue))
        self._namespace = namespace
        self._memory: Memory | None = None
        self._before: dict[str, int] = {}

    def observe(self, frame: Frame, engine: Engine) -> None:
        sample = next(self._waiting)
        self.seen += 1
        assert frame.data == sample.text.encode()
        self._memory = self._memory or memory_of(self._namespace, self.venue.name)
        found = told(self._memory, self._memory.slots())
        counters = engine.counters()
        assert _as_told(found.trades, sample.of("trade")) == sample.of("trade"), sample
        forced = [*map(liquidation_words, found.liquidations)]
        assert forced == sample.of("liquidation"), sample
        if {"quote", "ticker"} & set(self.venue.channels):
            assert [*map(quote_words, found.quotes)] == sample.of("quote"), sample
        if "ticker" in self.venue.channels:
            assert sorted(found.stats) == sorted(sample.of("stats")), sample
        for word in (*sample.of("book"), *sample.of("not-live")):
            symbol = word.split()[1]
            numbered = word.split()[0] == "book" and word.split()[2] != "-"
            assert book_words(symbol, book_of(engine, symbol, numbered)) == word, sample
        checked = counters["checksum_ok"] - self._before.get("checksum_ok", 0)
        assert checked == len(sample.of("checked")), sample
        self._control(sample, counters["control"] > self._before.get("control", 0))
        self._before = counters

    def _control(self, sample: Sample, told_python: bool) -> None:
        word, _, text = sample.control().partition(" ")
        if word not in ("", "nothing"):
            assert told_python, sample
        if told_python:
            controls = self.venue.control(sample.text.encode(), ASKED)
            assert controls or word in ("", "nothing"), sample
            assert {each.kind for each in controls} <= KINDS[word], sample
            if word == "asked":
                assert [each.reply for each in controls] == [text], sample


def _as_told(trades: list[Trade], wanted: list[str]) -> list[str]:
    """In words; where the venue's id is no number, what stands for it is not compared."""
    words = [trade_words(trade) for trade in trades]
    for at, (said, other) in enumerate(zip(words, wanted, strict=False)):
        if other.endswith(" -"):
            words[at] = f"{said.rpartition(' ')[0]} -"
    return words


@pytest.mark.parametrize("name", REFERENCES)
def test_the_feed_agrees_with_the_samples(name: str, namespace: str, tmp_path: Path) -> None:
    if name not in venues.names():
        pytest.skip(f"{name} is not in the registry")
    session = Session(venues.load(name), namespace)
    capture = tmp_path / "samples.ndjson"
    with capture.open("w") as out:
        for sample in samples(name):
            line = {"t": START_NS + sample.number * 10**7, "dir": "in", "conn": "c"}
            kind = {"kind": "rest", "url": sample.rest} if sample.rest else {"kind": "ws"}
            out.write(json.dumps(line | kind | {"data": sample.text}) + "\n")
    result = replay(capture, venue=name, namespace=namespace, observe=session.observe)
    assert session.seen == len(frames(session.venue)), result.problems
    assert result.counters["malformed"] == 0, result.last_error
