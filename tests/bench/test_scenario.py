"""What must become of frames is known before they are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedhandler import venues
from feedhandler.bench.kit.rendered import rendered
from feedhandler.bench.kit.scenario import ScenarioError, begins_anew, lasting, prepare, repeated
from feedhandler.bench.kit.synthetic import VENUES, synthetic


@pytest.mark.parametrize("venue", VENUES)
def test_every_level_is_a_record(venue: str) -> None:
    case = synthetic(venue, count=100)
    scenario = prepare(case, 20)
    assert len(scenario.warming) == 20
    assert len(scenario.measured) == len(scenario.expected) == len(case.frames) - 20
    if venue != "deribit":  # a level is ["price","size",...] in these
        levels = [frame.count(b'["') for frame in scenario.measured]
        assert scenario.expected.tolist() == levels
    assert [one.symbol for one in scenario.instruments] == [scenario.instruments[0].symbol]


def test_a_stream_that_begins_with_a_full_book_can_be_repeated() -> None:
    case = synthetic("okx", count=50)
    scenario = prepare(repeated(case, 200), len(case.frames))
    first, second = scenario.expected[:51].tolist(), scenario.expected[51:102].tolist()
    assert first == second
    assert first[0] == 801  # CLEAR, and 400 levels a side
    asked = synthetic("binance", count=50)
    assert repeated(asked, 200) is asked


def test_what_times_or_a_connection_number_is_not_sent_again() -> None:
    again = {name for name in venues.names() if begins_anew(name)}
    assert {"okx", "deribit", "gate", "kraken", "bitmex"} <= again
    assert not again & {"binance", "kucoin", "bitstamp", "hyperliquid", "coinbase", "bitfinex"}


def test_a_book_that_wears_out_is_played_as_long_as_it_lasts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    example = Path(__file__).parents[2] / "scripts/examples/venue/my_cryptocom.py"  # of 50 levels
    file = tmp_path / "worn.py"
    file.write_text(example.read_text().replace("keeps_window = True", "keeps_window = False"))
    monkeypatch.setenv("FEEDHANDLER_VENUE_FILES", str(file))
    case = rendered("my-cryptocom", count=6000)
    with pytest.raises(ScenarioError, match="not in step: BTC_USD"):
        prepare(case, 1000)
    assert 1000 < len(lasting(case).frames) < 6000
    assert prepare(lasting(case), 1000).warm == 1000
    whole = rendered("gate", count=500)
    assert lasting(whole) is whole


def test_what_is_not_in_step_is_no_scenario() -> None:
    case = synthetic("okx", count=50)
    with pytest.raises(ScenarioError, match="after 0 frames not in step: BTC-USDT"):
        prepare(case, 0)
    del case.frames[10]
    with pytest.raises(ScenarioError, match="not in step: BTC-USDT"):
        prepare(case, 30)
