"""Tables on narrow screens: what is wrong is the last thing to go."""

from __future__ import annotations

from typing import Any

import click
import pytest

from feedhandler.cli import status
from feedhandler.cli.output import Column, cells, cut, state, table

COLUMNS = (
    Column("VENUE"),
    Column("STATE"),
    Column("RESTARTS", right=True, drop=1, idle=("0",)),
    Column("WINS", right=True, drop=2),
    Column("URL", drop=3),
    Column("REASON", under=True),
)
CAUSE = "DISCONNECTED for 41 s: 1 of 1 connection down: Connection refused; next try in 1.9 s"
FINE = ("okx", "LIVE", "0", "-", "ws://127.0.0.1:39171/ws/v5/public", "")
DOWN = ("binance", "STALE", "0", "-", "ws://127.0.0.1:45145/stream", CAUSE)
AGAIN = ("binance", "LIVE", "1", "-", "ws://127.0.0.1:45145/stream", "")


def shown(*rows: tuple[str, ...], width: int | None) -> list[str]:
    lines = [click.unstyle(line) for line in table(COLUMNS, rows, width)]
    assert width is None or max(map(len, lines)) <= width
    return lines


def test_what_fits_is_one_line_a_row() -> None:
    for width in (None, 200):
        lines = shown(FINE, DOWN, width=width)
        assert len(lines) == 3
        assert lines[2].endswith(CAUSE)
        assert "REASON" in lines[0]


def test_a_cause_that_does_not_fit_stands_whole_under_its_row() -> None:
    for width in (80, 60, 40):
        lines = shown(DOWN, FINE, width=width)
        assert "REASON" not in lines[0]
        beneath = [line for line in lines if line.startswith("  ")]
        assert " ".join(line.strip() for line in beneath) == CAUSE
        assert lines[1].startswith("binance  STALE")
        assert lines[-1].startswith("okx      LIVE")


def test_columns_that_say_nothing_go_first_and_those_that_do_stay() -> None:
    assert shown(FINE, width=65)[0].split() == ["VENUE", "STATE", "RESTARTS", "WINS", "URL"]
    assert shown(FINE, width=50)[0].split() == ["VENUE", "STATE", "URL"]
    assert shown(AGAIN, width=40)[0].split() == ["VENUE", "STATE", "RESTARTS"]
    assert shown(FINE, width=14)[0].split() == ["VENUE", "STATE"]


def test_a_word_longer_than_the_screen_is_broken() -> None:
    lines = shown(("okx", "STALE", "0", "-", "-", "x" * 100), width=30)
    assert "".join(line.strip() for line in lines[2:]) == "x" * 100


@pytest.mark.parametrize(
    "text",
    ["a\x1b[2Jb", "a\nb", "\x07bell", "\x9b2J", "\u202eUSDT\u202c", "a\x00b", "\x1b]0;t\x07"],
)
def test_what_others_called_something_does_nothing_to_a_terminal(text: str) -> None:
    [_, row] = table([Column("NAME"), Column("STATE")], [[text, state("LIVE")]])
    plain = row.replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert plain.isprintable()
    assert "LIVE" in row
    assert cells(cut(text, 3)) <= 3


def test_names_of_any_script_stay_as_they_are() -> None:
    for name in ("币安人生USDT", "שלום", "xyz:CL", "PURR/USDC", "@107", "<b>", "[bold]"):
        assert cut(name, 40) == name


def test_who_starts_needs_one_line_and_who_cannot_says_why() -> None:
    told: dict[str, Any] = dict.fromkeys(("pid", "live", "instruments", "restarts"), 0)
    told |= {"venue": "okx", "state": "NONE", "reason": "START", "detail": "starting"}
    _, shown, *_, why = status._row(told)
    assert (click.unstyle(shown), why) == ("STARTING", "")
    _, shown, *_, why = status._row(told | {"detail": "cannot start: no such file"})
    assert click.unstyle(shown) == "NONE"
    assert why.startswith("START: cannot start: no such file")
