"""Statistics beside a quote, volumes in other units than sizes, and what is said of an index."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, ShapeError, compiled
from shm import ContractType, InstrumentKind, Kind
from tests.engine.support import engine_of, memory
from tests.engine.test_shaped import NONE, NOW, feed, said, shaped

QUOTE = '"s":"$symbol","b?":"$bid","B?":"$bid_size","a?":"$ask","A?":"$ask_size"'
BOTH = Frame("quote", f'{{"c":"t",{QUOTE},"v?":"$volume"}}')


def test_a_quote_may_have_statistics_beside_a_book() -> None:
    """It is a quote all the same: with a book, a ticker's would not be told."""
    frame = {"c": "t", "s": "X", "b": "3", "B": "1", "a": "4", "A": "2", "v": "70.5"}
    with shaped(BOTH) as e:
        row = e.add_instrument("X", has_book=True)
        assert feed(e, frame) == native.DATA
        quote = [(Kind.QUOTE, 0, 3, 1), (Kind.QUOTE, 1, 4, 2)]
        assert said(e) == [*quote, (Kind.STAT, 0, 705, -1)]
        assert memory(e).quote(row)["volume"] == 70.5
        assert feed(e, {**frame, "b": None, "B": None, "v": None}) == native.DATA
        assert said(e) == [(Kind.QUOTE, 0, NONE, 0), quote[1]]
        assert math.isnan(memory(e).quote(row)["volume"])


def test_it_is_learned_as_it_is_read() -> None:
    def told(learned: bool) -> list[tuple[int, ...]]:
        decoder = native.shape_decoder(compiled([BOTH]), learned=learned)
        found = []
        with engine_of(decoder, rule=native.RULE_NONE, base=native.BASE_STREAM) as e:
            e.add_instrument("X", has_book=True)
            for number in range(40):
                frame = {
                    "c": "t",
                    "s": "X",
                    "b": "3",
                    "B": "1",
                    "a": "4",
                    "A": "2",
                    "v": f"{number}.5",
                }
                assert (
                    feed(e, {k: v for k, v in frame.items() if number % 7 or k != "v"})
                    == native.DATA
                )
                found += said(e)
        return found

    assert told(True) == told(False)


@pytest.mark.parametrize("more", ['"u":$final', '"u":$place'])
def test_a_quote_of_the_book_has_none(more: str) -> None:
    """Its numbers would be of the statistics, too."""
    with pytest.raises(ShapeError, match="statistics"):
        compiled([Frame("quote", f'{{{QUOTE},{more},"v":$volume}}')])


TRADED = Frame("ticker", '{"s":"$symbol","b?":$volume_base,"q?":$volume_quote}')
FRAME = {"s": "X", "b": 12.5, "q": 625000}


@pytest.mark.parametrize(
    ("kind", "contract", "size", "volume"),
    [
        (InstrumentKind.SPOT, ContractType.NONE, 1.0, 12.5),
        (InstrumentKind.PERPETUAL, ContractType.LINEAR, 1.0, 12.5),
        (InstrumentKind.PERPETUAL, ContractType.INVERSE, 1.0, 625000.0),
        (InstrumentKind.OPTION, ContractType.INVERSE, 1.0, 12.5),
        (InstrumentKind.PERPETUAL, ContractType.LINEAR, 0.01, 1250.0),  # of contracts
        (InstrumentKind.PERPETUAL, ContractType.LINEAR, 0.03, math.nan),  # no exact number of them
        (InstrumentKind.PERPETUAL, ContractType.INVERSE, 100.0, math.nan),
        (InstrumentKind.PERPETUAL, ContractType.QUANTO, 1.0, math.nan),
        (InstrumentKind.COMBO, ContractType.INVERSE, 1.0, math.nan),
        (InstrumentKind.UNKNOWN, ContractType.NONE, 1.0, math.nan),
    ],
)
def test_a_volume_is_of_those_whose_sizes_count_the_same(
    kind: InstrumentKind, contract: ContractType, size: float, volume: float
) -> None:
    with shaped(TRADED) as e:
        row = e.add_instrument("X", kind=kind, contract_type=contract, contract_size=size)
        for _ in range(20):  # learned, too
            assert feed(e, FRAME) == native.DATA
        assert memory(e).quote(row)["volume"] == pytest.approx(volume, nan_ok=True)
        wanted = [] if math.isnan(volume) else [volume]
        assert [price * 10.0**size for _, _, price, size in said(e)] == wanted


@pytest.mark.parametrize(
    ("text", "half"), [("24701", (123505, -1)), ("8e3", (40, 2)), ("0.5", (25, -2))]
)
def test_what_counts_both_sides_is_halved(text: str, half: tuple[int, int]) -> None:
    with shaped(Frame("ticker", '{"s":"$symbol","v":$volume_both}')) as e:
        row = e.add_instrument("X")
        assert feed(e, f'{{"s":"X","v":{text}}}'.encode()) == native.DATA
        ((_, _, price, size),) = said(e)
        assert price * 10.0**size == half[0] * 10.0 ** half[1] == float(text) / 2
        assert memory(e).quote(row)["volume"] == float(text) / 2


INDEX = Frame("index", '{"i":"$index_name","p":"$index"}')


def fed(e: native.Engine, value: Any, now: int) -> None:
    assert e.connection(0).feed(json.dumps(value).encode(), now) & ~native.ATTENTION == native.DATA


def test_what_is_said_of_an_index_is_said_of_all_who_follow_it() -> None:
    with shaped(INDEX) as e:
        one, other, third = (e.add_instrument(name) for name in "ABC")
        e.follow(one, "BTC-USD")
        e.follow(other, "BTC-USD")
        e.follow(third, "BTC-USDT")
        assert feed(e, {"i": "BTC-USD", "p": "5.5"}) == native.DATA
        cells = [memory(e).quote(row)["index"] for row in (one, other, third)]
        assert cells[:2] == [5.5, 5.5]
        assert math.isnan(cells[2])
        assert e.counters()["unknown"] == 0
        e.follow(other, "")
        assert feed(e, {"i": "BTC-USD", "p": "6"}) == native.DATA
        assert [memory(e).quote(row)["index"] for row in (one, other)] == [6.0, 5.5]
        feed(e, {"i": "ETH-USD", "p": "7"})
        assert e.counters()["unknown"] == 1
        with pytest.raises(ValueError, match="39 bytes"):
            e.follow(one, "x" * 40)


def test_options_are_told_of_their_index_once_in_a_second() -> None:
    """A thousand of them would be all that there is to do."""
    with shaped(INDEX) as e:
        swap = e.add_instrument("S", kind=InstrumentKind.PERPETUAL)
        option = e.add_instrument("O", kind=InstrumentKind.OPTION)
        for row in (swap, option):
            e.follow(row, "BTC-USD")
        seen = []
        for tenth in range(25):
            fed(e, {"i": "BTC-USD", "p": str(tenth)}, NOW + tenth * 10**8)
            seen.append([memory(e).quote(row)["index"] for row in (swap, option)])
        assert [one for one, _ in seen] == list(range(25))
        assert [its for _, its in seen] == [0] * 10 + [10] * 10 + [20] * 5
