"""`feedhandler venue check`: what a venue's declarations make of recorded frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli.errors import FINDING, FINE, CliError
from feedhandler.cli.options import FilePath, json_option, venue_file_option
from feedhandler.cli.output import (
    Column,
    bold,
    cut,
    dim,
    echo,
    echo_table,
    json_out,
    screen_width,
    state,
    wrapped,
)
from feedhandler.cli.terminal import utf8

if TYPE_CHECKING:
    from feedhandler.adapter.venue import ListedInstrument, Venue
    from feedhandler.capture.examined import Examined, LeftOver

_WIDE, _LEVELS, _MOST = 80, 8, 12
#: kinds that are read by what was learned of them, and "data" that a decoder reads
_LEARNED = ("snapshot", "book", "full", "trade", "liquidation", "quote", "data")


@click.command()
@click.argument("venue", metavar="FILE|NAME")
@click.option(
    "--frames",
    required=True,
    type=FilePath(allow_dash=True),
    help="A capture, or a file of one frame a line; plain, .gz or .zst; - is stdin.",
)
@click.option(
    "--instruments",
    type=FilePath(dir_okay=False),
    help="An answer to the request for the list of instruments, if FRAMES has none.",
)
@venue_file_option
@json_option
def check(venue: str, frames: Path, instruments: Path | None, as_json: bool) -> int:
    """Read recorded frames by a venue's declarations, and say what became of each.

    The venue is one of ours, of a package, or of a FILE of Python; FILE:NAME where that has
    several. The frames go through the engine as live ones do, into memory that nobody else sees.
    A frame that fits no shape is shown beside the nearest one, with the place where they differ.
    SLOW: frames that the engine read by the shape, not by what it had learned.

    \b
    feedhandler venue check mine.py --frames recorded.ndjson.zst
    feedhandler venue check mine.py --frames frames.txt --instruments list.json
    feedhandler venue check okx --frames - < frames.txt

    \b
    Exit codes: 0 fine, 1 a frame is left over or malformed, a line is broken,
    a list of instruments cannot be read, or what was read cannot be right: a
    book is crossed, a bid above its ask, 2 usage, or the venue cannot be used.
    """
    from feedhandler.capture.examined import examine
    from feedhandler.capture.plain import as_capture

    meant = _venue(venue)
    lists = {str(instruments): instruments.read_bytes()} if instruments else {}
    try:
        with as_capture(frames) as path:
            told = examine(path, meant, lists)
    except ValueError as error:
        raise CliError(str(error)) from error
    if as_json:
        json_out(_document(told))
    else:
        _show(told, frames)
    return FINDING if told.found else FINE


def _venue(text: str) -> Venue:
    from feedhandler import venues
    from feedhandler.suggest import did_you_mean
    from feedhandler.venues import outside

    name, path = text, text
    if ".py:" in text:
        path, name = text.rsplit(":", 1)
    if path.endswith(".py"):
        outside.use([Path(path)])
        there = list(outside.in_file(Path(path).absolute()))
        if name == path and len(there) > 1:
            raise CliError(f"{path} has {', '.join(there)}", f"say which: {path}:{there[0]}")
        name = there[0] if name == path else name
        if name not in there:
            raise CliError(f"{path} has no venue {name!r}{did_you_mean(name, there)}")
    every = venues.names()
    if name not in every:
        raise CliError(
            f"no such venue: {name!r}{did_you_mean(name, every)}", "a file of one ends in .py"
        )
    return venues.load(name)


def _document(told: Examined) -> dict[str, Any]:
    from dataclasses import asdict

    result = told.result
    return {
        "venue": result.venue,
        "frames": result.frames,
        "snapshots": result.snapshots,
        "listed": None if told.listed is None else [_terms(one) for one in told.listed],
        "shapes": [asdict(one) for one in told.shapes],
        "left": [asdict(one) for one in told.left],
        "channels": [asdict(one) for one in told.channels],
        "problems": told.problems,
        "broken_lines": result.broken_lines,
        "counters": result.counters,
        "busiest": told.busiest,
        "book": result.books.get(told.busiest),
        "states": result.states,
    }


def _show(told: Examined, frames: Path) -> None:
    width = screen_width() or _WIDE
    result = told.result
    head = f"{bold(result.venue)}: {number_text.plural(result.frames, 'frame')}"
    echo(cut(f"{head} of {'stdin' if str(frames) == '-' else frames}", width))
    echo()
    _show_shapes(told, width)
    for one in told.left[:_MOST]:
        echo()
        echo("\n".join(_left(one, width)))
    if len(told.left) > _MOST:
        echo(dim(f"and {len(told.left) - _MOST} more reasons; all of them: --json"))
    echo()
    columns = [
        Column("CHANNEL"),
        Column("FRAMES", right=True),
        Column("INSTRUMENTS", right=True),
        Column("MISSING"),
    ]
    rows = [
        (
            one.name,
            number_text.count(one.frames) if one.frames or not one.instruments else "-",
            str(one.instruments),
            one.missing or "-",
        )
        for one in told.channels
    ]
    echo_table(columns, rows)
    _show_listed(told)
    echo()
    echo(_facts(told))
    _show_book(told, width)
    for problem in (*told.problems, *result.broken_lines):
        echo(f"{click.style('found:', fg='yellow')} {problem}", err=True)


def _show_shapes(told: Examined, width: int) -> None:
    kinds = max([len(one.kind) for one in told.shapes] + [5])
    room = width - kinds - 8 - 8 - 6
    columns = [
        Column("SHAPE"),
        Column("SAMPLE", shrink=20),
        Column("FRAMES", right=True),
        Column("SLOW", right=True),
    ]
    samples = _told_apart([(one.kind, one.sample) for one in told.shapes], room)
    rows = [
        (
            one.kind,
            cut(sample or dim("read by its own code"), room),
            number_text.count(one.frames) if one.frames else dim("none"),
            number_text.count(one.slow) if one.kind in _LEARNED else "-",
        )
        for one, sample in zip(told.shapes, samples, strict=True)
    ]
    echo_table(columns, rows)


def _told_apart(shapes: Sequence[tuple[str, str]], room: int) -> Iterator[str]:
    """The samples; those of a kind that would look the same begin where they differ."""
    for kind, sample in shapes:
        alike = [text for its, text in shapes if its == kind and text[:room] == sample[:room]]
        ends = zip(min(alike), max(alike), strict=False)
        same = next((at for at, (a, b) in enumerate(ends) if a != b), 0)
        word = sample.rfind(",", 0, same) + 1
        yield f"{'…' if utf8() else '~'}{sample[word:]}" if word else sample


def _left(one: LeftOver, width: int) -> Iterator[str]:
    many = number_text.plural(one.frames, "frame")
    yield f"{click.style(one.what, fg='red' if one.what != 'unknown' else 'yellow')}  {many}"
    yield cut(f"  {one.quoted}", width)
    if one.near:
        yield cut(f"  {dim('nearest')}  {one.near} {one.sample}", width)
    if one.stop:
        yield from wrapped(one.stop, width, "  ")
    if one.error and one.error != one.stop:
        yield from (dim(line) for line in wrapped(f"the engine: {one.error}", width, "  "))


def _show_listed(told: Examined) -> None:
    if told.listed is None:
        return
    if not told.listed:
        echo("\nno instrument is listed: every row was left out")
        return
    rows = [_terms(one) for one in told.listed[:_MOST]]
    columns = [
        Column("LISTED", shrink=12),
        Column("NAME", shrink=12),
        Column("KIND"),
        Column("TICK", right=True),
        Column("LOT", right=True),
        Column("STATUS"),
    ]
    echo()
    echo_table(columns, [tuple(row.values()) for row in rows])
    if len(told.listed) > _MOST:
        echo(dim(f"and {len(told.listed) - _MOST:,} more"))


def _terms(one: ListedInstrument) -> dict[str, str]:
    return {
        "symbol": one.symbol,
        "name": one.name,
        "kind": one.kind.name,
        "tick": f"{one.tick:f}",
        "lot": f"{one.lot:f}",
        "status": one.status.name,
    }


def _facts(told: Examined) -> str:
    counters = told.result.counters
    names = ("gaps", "malformed", "unknown", "bad_checksums")
    said = [f"{name.replace('_', ' ')} {counters.get(name, 0):,}" for name in names]
    if told.result.snapshots:
        said.append(f"books asked for {told.result.snapshots:,}")
    return ", ".join(said)


def _show_book(told: Examined, width: int) -> None:
    from feedhandler.cli.inspect_.ladder import levels
    from feedhandler.view.book import lined_up

    book = told.result.books.get(told.busiest)
    if book is None:
        return
    reason = "" if book["reason"] == "NONE" else f" {book['reason']}"
    many = f"{len(book['bids'])} + {len(book['asks'])} levels"
    echo()
    echo(
        f"{bold(told.busiest)}  {state(book['state'])}{reason}  "
        + dim(f"{many}  sequence {book['venue_sequence']}")
    )
    steps = [
        (float(one.tick), float(one.lot)) for one in told.listed or () if one.symbol == told.busiest
    ]
    shown = lined_up(book, *next(iter(steps), ()))
    for line in levels(shown["bids"], shown["asks"], width, _LEVELS):
        echo(line)
