"""What people see: aligned tables, colours only on a terminal, JSON for programs."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click

_COLOURS = {
    "LIVE": "green",
    "STARTING": "yellow",
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
    "SILENT": "red",
}

_STYLE = re.compile(r"(\x1b\[[0-9;]*m)")
#: what does something to a terminal, or turns what stands beside it round
_DOES = dict.fromkeys(
    (
        *range(0x20),
        *range(0x7F, 0xA0),
        *(0x061C, 0x200E, 0x200F),
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
    ),
    "?",
)


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


def standing(name: str, status: str) -> str:
    """A state in its colour, and beside it the status of what takes no orders as usual."""
    aside = "" if status in ("ACTIVE", "EXPIRED") else f" {click.style(status, fg='red')}"
    return state(name) + aside


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
    for stream in (sys.stdout, sys.__stdout__):  # a full screen has the second one alone
        if encoding := getattr(stream, "encoding", None):
            return str(encoding).lower().replace("-", "") == "utf8"
    return False


def harmless(text: str) -> str:
    """A line of text as it may be shown: names and reasons are others' words, and a terminal does
    what some characters say. Styles stay."""
    if text.isprintable():
        return text
    parts = _STYLE.split(text)
    parts[::2] = [part.translate(_DOES) for part in parts[::2]]
    return "".join(parts)


def cells(text: str) -> int:
    """How many columns a text takes on the screen."""
    plain = click.unstyle(text)
    if plain.isascii():
        return len(plain)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in plain)


def cut(text: str, columns: int) -> str:
    """A text shortened to so many columns, and harmless; loses its colour when cut."""
    text = harmless(text)
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

    `under`: where the table is too wide, its cells stand under their rows, whole, on lines of their
    own. `idle`: cells that say nothing, besides "" and "-": a column that has no others is the
    first to go. `shrink`: the narrowest that its cells may be cut to, 0 = never cut. `drop`: when
    even that is not narrow enough, the column with the highest number goes first; 0 = never goes.
    """

    title: str
    right: bool = False
    shrink: int = 0
    drop: int = 0
    under: bool = False
    idle: tuple[str, ...] = ()


_INDENT = "  "


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None = None
) -> list[str]:
    """The lines of a table, none wider than `width` if that can be had."""
    body = [[harmless(cell) for cell in row] for row in rows]
    shown = list(range(len(columns)))
    beneath: list[int] = []
    widths = [
        max([cells(column.title), *(cells(row[i]) for row in body)])
        for i, column in enumerate(columns)
    ]

    def over() -> int:
        return 0 if width is None else sum(widths[i] for i in shown) + 2 * (len(shown) - 1) - width

    def idle(i: int) -> bool:
        return all(row[i] in ("", "-", *columns[i].idle) for row in body)

    if over() > 0:
        beneath = [i for i in shown if columns[i].under]
        shown = [i for i in shown if i not in beneath]
    for i in sorted(filter(idle, shown), key=lambda i: -columns[i].drop):
        if over() > 0:
            shown.remove(i)
    while over() > 0:
        for i in shown:
            if columns[i].shrink:
                widths[i] -= max(0, min(over(), widths[i] - columns[i].shrink))
        droppable = [i for i in shown if columns[i].drop]
        if over() <= 0 or not droppable:
            break
        shown.remove(max(droppable, key=lambda i: columns[i].drop))

    def line(cells_: Sequence[str]) -> str:
        parts = [pad(cut(cells_[i], widths[i]), widths[i], columns[i].right) for i in shown]
        return "  ".join(parts).rstrip()

    lines = [dim(line([column.title for column in columns]))]
    for row in body:
        lines.append(line(row))
        for i in beneath:
            lines += wrapped(row[i], width or 0)
    return lines


def wrapped(text: str, width: int) -> list[str]:
    """A text on as many lines as it needs, indented."""
    return textwrap.wrap(
        click.unstyle(text), width, initial_indent=_INDENT, subsequent_indent=_INDENT
    )


def table_lines(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table as wide as the terminal allows."""
    return table(columns, rows, screen_width())


def echo_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as wide as the terminal allows."""
    for line in table_lines(columns, rows):
        click.echo(line)


def paged(lines: Sequence[str], whole: bool = False) -> None:
    """Print lines; on a terminal that is too low for them through a pager, unless `whole`."""
    low = sys.stdout.isatty() and len(lines) >= shutil.get_terminal_size().lines
    if low and not whole:
        os.environ.setdefault("LESS", "-FRSX")  # colours; long lines cut; all of it stays there
        click.echo_via_pager("\n".join(lines) + "\n")
        return
    for line in lines:
        click.echo(line)
