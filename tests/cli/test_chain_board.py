"""How a chain is drawn: which columns, what is blank, where the money is."""

from __future__ import annotations

import re
from typing import Any

import click
import pytest

from feedhandler.cli.inspect_.chain_board import at_the_money, board, summary

NUMBERS = {
    "mark": 0.0527, "underlying": 84_100.5, "index": 84_000.0, "bid_iv": 0.45, "ask_iv": 0.47,
    "mark_iv": 0.4567, "delta": 0.25, "gamma": 0.0000123, "vega": 31.5, "theta": -212.4,
    "rho": 4.85, "open_interest": 12_345.0, "volume": 7.5,
}  # fmt: skip
TEXTS = {"bid": "0.0525", "bid_size": "10.3", "ask": "0.053", "ask_size": "7", "last": "0.05"}
WIDTHS = range(60, 260)


def option(strike: float, side: str, **other: Any) -> dict[str, Any]:
    sides = {"strike": strike, "side": side, "state": "LIVE", "reason": "NONE"}
    return sides | NUMBERS | TEXTS | other


def chain(**other: Any) -> list[dict[str, Any]]:
    return [
        option(strike, side, **other)
        for strike in (80_000.0, 82_500.0, 85_000.0, 87_500.0)
        for side in ("call", "put")
    ]


def titles(lines: list[str]) -> tuple[list[str], list[str]]:
    """Of both halves."""
    left, right = click.unstyle(lines[1]).split("STRIKE")
    return tuple(re.split(r"  +", half.strip()) for half in (left, right))  # type: ignore[return-value]


def plain(lines: list[str]) -> list[str]:
    return [click.unstyle(line) for line in lines]


@pytest.mark.parametrize("options", [chain(), chain(rho=None, volume=None), chain(state="STALE")])
def test_every_width_is_kept_to_and_both_halves_have_the_same_columns(
    options: list[dict[str, Any]],
) -> None:
    before = 0
    for width in WIDTHS:
        lines = plain(board(options, width))
        assert max(map(len, lines)) <= width
        left, right = titles(lines)
        assert sorted(left) == sorted(right)
        assert left[-2:] == ["BID", "ASK"] or left[-4:] == ["SIZE", "BID", "ASK", "SIZE"]
        assert right[: len(right)][0] in ("BID", "SIZE")
        assert {"BID", "ASK", "IV%"} <= set(left)
        rows = [len(re.findall(r"[^ ]+", line)) for line in lines[2:] if "\u25b6" not in line]
        assert set(rows) == {len(left) + len(right) + 1}
        before = max(before, len(left))
    assert before == len(titles(plain(board(options, None)))[0])


def test_the_wider_the_more_and_the_most_wanted_first() -> None:
    at = {width: titles(plain(board(chain(), width)))[1] for width in (60, 80, 120, 400)}
    assert at[60] == ["BID", "ASK", "IV%"]
    assert at[80][:4] == ["BID", "ASK", "IV%", "DELTA"]
    assert {"SIZE", "MARK", "DELTA"} <= set(at[120])
    assert at[400] == [
        *("SIZE", "BID", "ASK", "SIZE", "IV%", "DELTA", "MARK", "BID IV", "ASK IV", "GAMMA"),
        *("VEGA", "THETA", "RHO", "LAST", "VOLUME", "OI"),
    ]
    assert titles(plain(board(chain(), 400)))[0][-6:] == ["DELTA", "IV%", *at[400][:4]]


def test_what_is_not_there_is_blank() -> None:
    options = chain()
    options[0] |= dict.fromkeys((*NUMBERS, *TEXTS))
    lines = plain(board(options, 120))
    call, _, put = lines[2].partition("80,000")
    assert call.strip() == ""
    assert put.split()[:2] == ["10.3", "0.0525"]
    assert not re.search(r"nan|None|(?<![\w.])-(?![\d])", "\n".join(lines))
    del options[1]  # no put at all
    assert plain(board(options, 120))[2].strip() == "80,000"


def test_a_side_that_is_not_live_says_so_and_is_dim() -> None:
    options = chain()
    options[1]["state"] = "CROSSED"
    line = board(options, 120)[2]
    call, _, put = line.partition("80,000")
    assert "CROSSED" not in call
    assert "CROSSED" in put
    assert click.style("0.0525", dim=True) in put
    assert click.style("0.0525", dim=True) not in call


def test_the_money_is_where_the_forward_is() -> None:
    assert at_the_money(chain()) == 85_000.0
    assert at_the_money(chain(underlying=None)) == 85_000.0
    assert at_the_money(chain(underlying=79_000.0)) == 80_000.0
    bare = chain(underlying=None, index=None)
    for one, delta in zip(bare[::2], (0.9, 0.6, 0.45, 0.1), strict=True):
        one["delta"] = delta
    assert at_the_money(bare) == 85_000.0
    assert at_the_money(chain(underlying=None, index=None, delta=None)) is None
    marked = [line for line in plain(board(chain(), 80)) if re.search("[\u25b6>] 85,000", line)]
    assert len(marked) == 1
    shown = plain(board(chain(), 80, 2))[2:]
    assert [re.search(r"8\d,\d00", line)[0] for line in shown] == ["82,500", "85,000"]  # type: ignore[index]


def test_an_expiry_in_a_line_or_more() -> None:
    whole = summary(chain(), 200)
    assert whole == [
        "forward 84,100.5   index 84,000.0   at the money 45.7 %   "
        "open interest 49.4k calls, 49.4k puts   volume 30 calls, 30 puts"
    ]
    narrow = summary(chain(), 60)
    assert max(map(len, narrow)) <= 60
    assert "   ".join(narrow) == whole[0]
    nothing = dict.fromkeys(NUMBERS)
    assert summary(chain(**nothing), 80) == []
