"""What people see: aligned tables, colours only on a terminal, JSON for programs."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from feedhandler.cli import terminal
from feedhandler.cli.terminal import colours, shows, utf8

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
#: what does something to a terminal, turns what stands beside it round, or is not to be seen
_DOES = dict.fromkeys(
    (
        *range(0x20),
        *range(0x7F, 0xA0),
        *(0xAD, 0x061C, 0x200B, 0x200E, 0x200F, 0xFEFF),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x206A),
        *range(0xD800, 0xE000),
    ),
    "?",
)


def echo(text: str = "", *, err: bool = False) -> None:
    """Lines for people, harmless, in colours only where they are wanted."""
    lines = "\n".join(map(harmless, text.split("\n")))
    click.echo(lines, err=err, color=None if colours() else False)


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
        return terminal.columns(sys.stdout)
    return None


def harmless(text: str) -> str:
    """A line of text as it may be shown: names and reasons are others' words, and a terminal does
    what some characters say. What it has no character for is a ? in each of its columns. Styles
    stay."""
    if text.isascii() and text.isprintable():
        return text
    parts = _STYLE.split(text)
    parts[::2] = [part.translate(_DOES) for part in parts[::2]]
    found = "".join(parts)
    if found.isascii() or utf8():
        return found
    return "".join(c if c.isascii() or shows(c) else "?" * _width(c) for c in found)


def cells(text: str) -> int:
    """How many columns a text takes on the screen."""
    plain = click.unstyle(text)
    return len(plain) if plain.isascii() else sum(map(_width, plain))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):  # it goes with the one before
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


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
    even that is not narrow enough, the column with the highest number goes first; 0 = never goes:
    where it has no room it stands under the row, with its title.
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
    titled: list[int] = []
    while over() > 0 and len(shown) > 1:
        titled.insert(0, shown.pop())
    widths[shown[0]] -= max(0, over())

    def line(cells_: Sequence[str]) -> str:
        parts = [pad(cut(cells_[i], widths[i]), widths[i], columns[i].right) for i in shown]
        return "  ".join(parts).rstrip()

    lines = [dim(line([column.title for column in columns]))]
    for row in body:
        lines.append(line(row))
        said = [f"{columns[i].title} {row[i]}".strip() for i in titled if row[i] not in ("", "-")]
        for text in (", ".join(said), *(row[i] for i in beneath)):
            lines += wrapped(text, width or 0, _INDENT)
    return lines


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """A text on as many lines as it needs; none is wider, whatever a word is."""
    room = max(2, width - len(indent))
    return [indent + line for line in _broken(click.unstyle(text).split(), room)]


def _broken(words: Iterable[str], room: int) -> Iterator[str]:
    line = ""
    for word in words:
        if line and cells(line) + 1 + cells(word) > room:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while cells(line) > room:
            at = next(at for at in range(len(line), 0, -1) if cells(line[:at]) <= room)
            yield line[:at]
            line = line[at:]
    if line:
        yield line


def folded(text: str, width: int | None) -> list[str]:
    """A line, or more where it is wider than that: broken between words, and plain."""
    return [text] if width is None or cells(text) <= width else wrapped(text, width)


def prose(text: str, *, aside: bool = False) -> None:
    """Print a line, or more where the terminal is narrower; `aside`: faint."""
    for line in folded(text, screen_width()):
        echo(dim(line) if aside else line)


def found(what: str, colour: str, text: str) -> None:
    """Print `what: text`; the word in its colour, and further lines are set in."""
    width = screen_width()
    first, *more = [f"{what}: {text}"] if width is None else _set_in(f"{what}: {text}", width)
    echo(click.style(what, fg=colour) + first.removeprefix(what))
    for line in more:
        echo(line)


def _set_in(text: str, width: int) -> list[str]:
    if cells(text) <= width:
        return [text]
    text = " ".join(click.unstyle(text).split())
    first = wrapped(text, width)[0]
    return [first, *wrapped(text.removeprefix(first), width, _INDENT)]


def facts(rows: Iterable[tuple[str, str]], label: int) -> None:
    """Print what is told in the first `label` columns, and beside it what there is to tell."""
    width = screen_width()
    for name, text in rows:
        lines = [text] if width is None else folded(text, max(10, width - label - 1))
        for number, line in enumerate(lines):
            echo(f"{'' if number else name:{label}} {line}")


def table_lines(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table as wide as the terminal allows."""
    return table(columns, rows, screen_width())


def echo_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as wide as the terminal allows."""
    for line in table_lines(columns, rows):
        echo(line)


def paged(lines: Sequence[str], whole: bool = False) -> None:
    """Print lines; on a terminal that is too low for them through a pager, unless `whole`."""
    low = sys.stdout.isatty() and len(lines) >= shutil.get_terminal_size().lines
    if low and not whole and terminal.draws():
        os.environ.setdefault("LESS", "-FRSX")  # colours; long lines cut; all of it stays there
        shown = "\n".join(map(harmless, lines))
        click.echo_via_pager(shown + "\n", color=None if colours() else False)
        return
    for line in lines:
        echo(line)
