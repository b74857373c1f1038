"""A line that replaces itself, on any terminal: no escape, and never a second line."""

from __future__ import annotations

import io
import sys

import pytest

from feedhandler.cli.output import cells
from feedhandler.cli.progress import ProgressLine


class Screen(io.StringIO):
    """A terminal, or none."""

    def __init__(self, terminal: bool = True) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize("columns", [4, 40, 80])
def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", str(columns))
    line = ProgressLine(what="record")
    for words in (
        "recording  12,345,678 records, 9,999/s, 1.5 GiB",
        "币安人生" * 30,
        "short",
        "\x1b[2J",
    ):
        line(lambda words=words: words)  # type: ignore[misc]
    line.share(1, 3)
    line.clear()
    said = screen.getvalue()
    assert "\x1b" not in said
    assert "\n" not in said
    shown = said.split("\r")
    assert max(map(cells, shown)) < columns
    assert shown[-1] == shown[-2].strip() == ""  # nothing is left
    if columns > 20:
        assert shown[-3].rstrip() == " 33 %  1 record"


def test_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(terminal=False)
    monkeypatch.setattr(sys, "stderr", screen)
    line = ProgressLine()
    line(lambda: "never")
    line.clear()
    assert screen.getvalue() == ""


def test_what_comes_too_soon_is_not_even_worded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Screen())
    line, worded = ProgressLine(1000.0), list[int]()
    for _ in range(3):
        line(lambda: worded.append(1) or "words")  # type: ignore[func-returns-value]
    assert worded == [1]
