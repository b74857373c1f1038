"""What must become of frames is known before they are sent."""

from __future__ import annotations

import pytest

from feedhandler.bench.kit.scenario import ScenarioError, prepare, repeated
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


def test_what_is_not_in_step_is_no_scenario() -> None:
    case = synthetic("okx", count=50)
    with pytest.raises(ScenarioError, match="after 0 frames not in step: BTC-USDT"):
        prepare(case, 0)
    del case.frames[10]
    with pytest.raises(ScenarioError, match="not in step: BTC-USDT"):
        prepare(case, 30)
