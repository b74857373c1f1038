"""The api benchmark in a tiny mode, and what it calls."""

from __future__ import annotations

import pytest

from feedhandler.bench.figures import api
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.native import _reads
from tests.bench.support import nothing_left, well_formed


def test_it_yields_the_time_of_every_call_beside_the_floor() -> None:
    findings = Findings()
    with nothing_left():
        api.run(findings, repetitions=3, rows=20, scale=0.01)
    found = well_formed(findings, "api")
    assert {case for case, _ in found} == {
        "poll, nothing new", "poll, 1 new", "poll, 100 new", "quote", "quote, its bid and ask",
        "book(depth=10)", "book(depth=10), bids and asks", "board of 20",
        "chain of 20, the second time", 'trades("5m") of 1,000',
        'bars("1s", "5m") of 1,000 trades', "Arrow batches of 1,000 trades",
    }  # fmt: skip
    assert all(result.ratio for result in found.values())


def test_what_is_called_is_what_a_live_feed_has() -> None:
    with api.memory(5) as (writer, feed):
        writer.heartbeat()
        instrument = feed.instruments()[3]
        assert feed.quote(instrument).live
        assert feed.quote(instrument).bid == 1000.0
        book = feed.book(instrument, 10)
        assert book.bids[0].tolist() == [1000.0, 0.005]
        assert book.asks[9].tolist() == [1000.11, 0.014]
        assert len(feed.board()) == 5
        with pytest.raises(ValueError, match="51 levels: the cell has fewer"):
            _reads.book(writer.capsule(), 51, 1)
