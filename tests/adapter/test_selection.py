"""Which instruments a configuration means."""

import pytest

from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.selection import UnknownSymbol, select
from feedhandler.adapter.venue import ListedInstrument
from shm import InstrumentKind as Kind
from shm import Status


def spec(symbol: str, name: str, kind: Kind, active: bool = True) -> ListedInstrument:
    base, quote = name.split("-")[:2]
    status = Status.ACTIVE if active else Status.HALTED
    return ListedInstrument(symbol, name, kind, base, quote, status=status)


LISTED = [
    spec("BTC-PERPETUAL", "BTC-USD-PERP", Kind.PERPETUAL),
    spec("ETH-PERPETUAL", "ETH-USD-PERP", Kind.PERPETUAL),
    spec("BTC_USDC-PERPETUAL", "BTC-USDC-PERP", Kind.PERPETUAL),
    spec("BTC-25DEC26", "BTC-USD-20261225", Kind.FUTURE),
    spec("BTC-25DEC26-80000-C", "BTC-USD-20261225-80000-C", Kind.OPTION),
    spec("BTC-25DEC26-80000-P", "BTC-USD-20261225-80000-P", Kind.OPTION),
    spec("BTC-26MAR27-90000-C", "BTC-USD-20270326-90000-C", Kind.OPTION, active=False),
    spec("BTC_USDC-25DEC26-80000-C", "BTC-USDC-20261225-80000-C", Kind.OPTION),
    spec("BTC_USDC", "BTC-USDC", Kind.SPOT),
    spec("tADAF0:USTF0", "ADA-USDT-PERP", Kind.PERPETUAL),
    spec("xyz:XYZ100", "XYZ100-USD-PERP", Kind.PERPETUAL),
    spec("BTC-FS-25DEC26_PERP", "BTC-FS-25DEC26_PERP", Kind.COMBO),
]


def chosen(*patterns: str) -> list[str]:
    return [each.symbol for each in select(patterns, LISTED)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("BTC-PERPETUAL", ["BTC-PERPETUAL"]),
        ("BTC-USD-PERP", ["BTC-PERPETUAL"]),
        (
            "perpetual:*",
            ["BTC-PERPETUAL", "ETH-PERPETUAL", "BTC_USDC-PERPETUAL", "tADAF0:USTF0", "xyz:XYZ100"],
        ),
        ("tADAF0:USTF0", ["tADAF0:USTF0"]),
        ("t*:USTF0", ["tADAF0:USTF0"]),
        ("perpetual:tADA*", ["tADAF0:USTF0"]),
        ("xyz:XYZ100", ["xyz:XYZ100"]),
        ("perpetual:BTC-USD:*", ["BTC-PERPETUAL"]),
        ("perpetual:*-USDC:*", ["BTC_USDC-PERPETUAL"]),
        ("option:BTC-USD:*", ["BTC-25DEC26-80000-C", "BTC-25DEC26-80000-P"]),
        ("option:BTC-USD:2026*-P", ["BTC-25DEC26-80000-P"]),
        ("option:BTC-USDC:*", ["BTC_USDC-25DEC26-80000-C"]),
        ("option:BTC_USDC-*", ["BTC_USDC-25DEC26-80000-C"]),
        ("future:*", ["BTC-25DEC26"]),
        ("spot:BTC-*", ["BTC_USDC"]),
        ("ETH-*", ["ETH-PERPETUAL"]),
        ("BTC-25DEC26-80000-?", ["BTC-25DEC26-80000-C", "BTC-25DEC26-80000-P"]),
        ("combo:*", ["BTC-FS-25DEC26_PERP"]),
        ("BTC-FS-25DEC26_PERP", ["BTC-FS-25DEC26_PERP"]),
        ("BTC-26MAR27-90000-C", ["BTC-26MAR27-90000-C"]),  # named, though it does not trade
    ],
)
def test_a_pattern_means(pattern: str, expected: list[str]) -> None:
    assert chosen(pattern) == expected


def test_a_glob_over_everything_leaves_out_combos_and_what_does_not_trade() -> None:
    symbols = chosen("*")
    assert "BTC-FS-25DEC26_PERP" not in symbols
    assert "BTC-26MAR27-90000-C" not in symbols
    assert len(symbols) == len(LISTED) - 2


def test_each_instrument_comes_once_in_the_order_of_the_patterns() -> None:
    assert chosen("ETH-PERPETUAL", "perpetual:*") == [
        "ETH-PERPETUAL",
        "BTC-PERPETUAL",
        "BTC_USDC-PERPETUAL",
        "tADAF0:USTF0",
        "xyz:XYZ100",
    ]


def test_the_venues_own_name_wins_over_a_normalised_one() -> None:
    listed = [spec("A", "B-C", Kind.SPOT), spec("B-C", "D-E", Kind.SPOT)]
    assert [each.symbol for each in select(["B-C"], listed)] == ["B-C"]


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("BTC-PERPETAUL", "BTC-PERPETUAL"),
        ("btc-perpetual", "BTC-PERPETUAL"),
        ("BTC-USD-PRP", "BTC-USD-PERP"),
        ("option:BTC-USD:20261225-80000", "BTC-USD-20261225-80000-C"),
        ("perpetual:BTCUSD:*", "BTC-USD-PERP"),
    ],
)
def test_an_unknown_symbol_says_what_is_near(pattern: str, near: str) -> None:
    with pytest.raises(UnknownSymbol) as caught:
        chosen("BTC-PERPETUAL", pattern)
    assert caught.value.pattern == pattern
    assert near in caught.value.near
    assert pattern in str(caught.value)
    assert "did you mean" in str(caught.value)


def test_a_glob_without_a_match_is_unknown_too() -> None:
    with pytest.raises(UnknownSymbol):
        chosen("spot:DOGE-*")
    with pytest.raises(UnknownSymbol, match="XYZ") as caught:
        select(["XYZ"], [])
    assert caught.value.near == ()


@pytest.mark.parametrize("text", ["", "a b", "a:b:c:d", "opt:x", "option:", "option::x", ":x"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"kind|KIND|name"):
        Pattern.parse(text)


def test_what_is_near_is_looked_for_by_who_asks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands that takes a while, and a running feed follows its rules every few minutes."""
    asked = []

    def near(*what: object) -> tuple[str, ...]:
        asked.append(what)
        return ("BTCUSDT",)

    monkeypatch.setattr("feedhandler.adapter.selection._near", near)
    with pytest.raises(UnknownSymbol) as caught:
        select(["BTCUSDX"], LISTED)
    assert not asked
    assert str(caught.value).endswith("'BTCUSDX'; did you mean BTCUSDT?")
    assert str(caught.value)
    assert len(asked) == 1
