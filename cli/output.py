"""What people see: aligned tables, colours only on a terminal, JSON for programs."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click

_COLOURS = {
    "LIVE": "green",
    "SYNCING": "yellow",
    "SUBSCRIBING": "yellow",
    "CONNECTING": "yellow",
    "DRAINING": "yellow",
    "DEGRADED": "yellow",
    "BACKOFF": "red",
    "STALE": "red",
    "CROSSED": "red",
    "LOST": "red",
    "FAILED": "red",
}


def json_out(value: Any) -> None:
    """One JSON document on stdout: indented for a person, one line for a program."""
    import orjson

    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    if sys.stdout.isatty():
        options |= orjson.OPT_INDENT_2
    click.echo(orjson.dumps(value, option=options))


def state(name: str) -> str:
    """A state in its colour."""
    colour = _COLOURS.get(name)
    return click.style(name, fg=colour) if colour else name


def dim(text: str) -> str:
    return click.style(text, dim=True) if text else text


def bold(text: str) -> str:
    return click.style(text, bold=True)


def screen_width() -> int | None:
    """Columns of the terminal, or None where nothing limits the line (a pipe, a file)."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return None


def utf8() -> bool:
    """Whether block characters can be shown."""
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"


def cells(text: str) -> int:
    """How many columns a text takes on the screen."""
    plain = click.unstyle(text)
    if plain.isascii():
        return len(plain)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in plain)


def cut(text: str, columns: int) -> str:
    """A text shortened to so many columns; loses its colour when cut."""
    if cells(text) <= columns:
        return text
    mark = "…" if utf8() else "~"
    plain, used = "", 0
    for c in click.unstyle(text):
        used += cells(c)
        if used > columns - 1:
            break
        plain += c
    return plain + mark


def pad(text: str, columns: int, right: bool = False) -> str:
    """A text filled up with blanks to so many columns."""
    blanks = " " * max(0, columns - cells(text))
    return blanks + text if right else text + blanks


@dataclass(frozen=True)
class Column:
    """A column of a table.

    `shrink`: the narrowest that its cells may be cut to, 0 = never cut. `drop`: when even that is
    not narrow enough, the column with the highest number goes first; 0 = never goes.
    """

    title: str
    right: bool = False
    shrink: int = 0
    drop: int = 0


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None = None
) -> list[str]:
    """The lines of a table, none wider than `width` if that can be had."""
    body = [list(row) for row in rows]
    shown = list(range(len(columns)))
    widths = [
        max([cells(column.title), *(cells(row[i]) for row in body)])
        for i, column in enumerate(columns)
    ]
    while width is not None:
        over = sum(widths[i] for i in shown) + 2 * (len(shown) - 1) - width
        for i in shown:
            if over > 0 and columns[i].shrink and widths[i] > columns[i].shrink:
                taken = min(over, widths[i] - columns[i].shrink)
                widths[i] -= taken
                over -= taken
        droppable = [i for i in shown if columns[i].drop]
        if over <= 0 or not droppable:
            break
        shown.remove(max(droppable, key=lambda i: columns[i].drop))

    def line(cells_: Sequence[str]) -> str:
        parts = [pad(cut(cells_[i], widths[i]), widths[i], columns[i].right) for i in shown]
        return "  ".join(parts).rstrip()

    return [dim(line([column.title for column in columns])), *(line(row) for row in body)]


def echo_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as wide as the terminal allows."""
    for line in table(columns, rows, screen_width()):
        click.echo(line)
