"""A short session of each venue, as its documentation prints the frames: what they mean."""

from __future__ import annotations

import pytest

from tests.venues.reference import REFERENCES
from tests.venues.reference.book import Reference, Said
from tests.venues.sample import Sample, book_words, quote_words, samples, trade_words


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
    return words + [*map(quote_words, said.quotes)] + _trades(said)


def _trades(said: Said) -> list[str]:
    return [trade_words(trade) for trade in said.trades] if said.kind == "trade" else []


@pytest.mark.parametrize("venue", REFERENCES)
def test_the_reference_agrees_with_the_samples(venue: str) -> None:
    reference = REFERENCES[venue]()
    for sample in samples(venue):
        found = meant(reference, sample)
        wanted = sample.data()
        if found == ["not-live"]:
            assert [words.split()[0] for words in wanted] == ["not-live"], sample
            continue
        wanted = ["checked" if words.startswith("checked ") else words for words in wanted]
        assert sorted(found) == sorted(wanted), sample
