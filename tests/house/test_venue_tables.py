"""What the tables say that a venue brings is what frames bring that tests decode field by field."""

from __future__ import annotations

import pytest

from feedhandler import venues
from feedhandler.adapter.declared import carried, venue
from feedhandler.shape import Frame
from tests.capture.support import RECORDED, recording_names
from tests.house import venue_tables
from tests.venues.sample import FOLDER, samples

SAMPLED = sorted(path.stem for path in FOLDER.glob("*.ndjson"))
#: of those whose frames are recorded, and not among the samples
STATS = {
    "okx": "mark index underlying bid_iv ask_iv mark_iv delta gamma vega theta funding "
    "open_interest volume predicted_funding next_funding",
    "binance": "",
    "binance-usdm": "mark index funding volume next_funding",
}
UNSAMPLED = {"deribit": {"bid_iv"}, "coinbase-derivatives": {"bid_iv"}}  #: they come as ask_iv does


def _of(name: str) -> carried.Carried:
    its = carried.carried(venues.load(name))
    assert its is not None
    return its


@pytest.mark.parametrize("name", SAMPLED)
def test_samples_bring_what_is_declared_and_nothing_else(name: str) -> None:
    its, told = _of(name), samples(name)
    stats = [word for one in told for words in one.of("stats") for word in words.split()[3:]]
    assert {word.partition("=")[0] for word in stats} == its.stats - UNSAMPLED.get(name, set())
    assert its.trades == any(one.of("trade") for one in told)
    assert its.liquidations == any(one.of("liquidation") for one in told)
    if any(one.of("quote") for one in told):
        assert its.top
    elif its.top:  # beside a book it is compared, and not told
        assert its.top == "ticker"


def test_every_venue_is_held_to_something() -> None:
    assert {*STATS} | {*SAMPLED} == {*venues.names()}
    for name, words in STATS.items():
        assert _of(name).stats == {*words.split()}
    assert all(map(venue_tables.verified, venues.names()))
    whole = {name for name, file in recording_names() if not file.startswith("samples/")}
    assert not whole or whole - {"bybit-option"} == {*RECORDED}


def test_what_is_declared_is_what_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {row[0].strip("`"): dict(zip(venue_tables.HEAD, row, strict=True)) for row in _rows()}
    assert said["okx"]["greeks"] == "all but rho"
    assert said["okx"]["levels a side"] == "400"
    assert said["bybit-spot"]["mark"] == said["bybit-spot"]["liquidations"] == "-"
    assert said["kraken"]["proves"] == "the best 10 levels"
    assert said["binance"]["levels a side"] == "5,000 and more"
    assert said["hyperliquid"]["proves"] == "each message is whole"
    gate = venues.load("gate")
    assert isinstance(gate, venue.DeclaredVenue)
    more = Frame("liquidation", '{"channel":"x","p":"$price","s":"$size"}')
    monkeypatch.setattr(type(gate), "frames", (*gate.frames, more))
    monkeypatch.setattr(type(gate), "listing", _perpetuals())
    again = {row[0]: row for row in _rows()}["`gate`"]
    assert again[venue_tables.HEAD.index("liquidations")] == "yes"
    assert said["gate"]["liquidations"] == "-"


def _rows() -> list[list[str]]:
    return list(venue_tables.facts())


def _perpetuals() -> object:
    other = venues.load("gate-futures")
    assert isinstance(other, venue.DeclaredVenue)
    return other.listing
