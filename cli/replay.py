"""`feedhandler replay`: a capture or a recording back into shared memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli.errors import FINDING, CliError
from feedhandler.cli.options import (
    FilePath,
    force_option,
    json_option,
    refuse_overwriting,
    replay_namespace_option,
    venue_file_option,
)
from feedhandler.cli.output import Column, dim, echo, echo_table, json_out, state
from feedhandler.cli.progress import ProgressLine

if TYPE_CHECKING:
    from feedhandler.capture.replay import ReplayResult

_SHOWN = 20


def _speed(_: click.Context, __: click.Parameter, value: str) -> float | None:
    if value == "max":
        return None
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"{value!r}: 'max', or a number above 0 (1 = as recorded)")
    return speed


@click.command()
@click.argument("capture", type=FilePath())
@click.option(
    "--venue",
    "venues",
    multiple=True,
    help="Whose frames they are, where the capture does not tell; which of a recording's venues.",
)
@venue_file_option
@click.option(
    "--speed",
    default="max",
    show_default=True,
    callback=_speed,
    help="max, or a multiple of the recorded pace: 1, 10.",
)
@click.option("--books", type=FilePath(dir_okay=False), help="Write the final books here.")
@force_option
@click.option("--hold", is_flag=True, help="Keep the memory at the end, until Ctrl-C.")
@click.option("--strict", is_flag=True, help="End at the first broken line.")
@click.option("--depth", default=50, show_default=True, help="Levels a side in shared memory.")
@click.option("--from", "start", metavar="TIME", help="Of a recording: 2026-11-30T08:00, or -30m.")
@click.option("--to", "end", metavar="TIME", help="Of a recording: until before then.")
@replay_namespace_option
@json_option
def replay(
    capture: Path,
    venues: tuple[str, ...],
    speed: float | None,
    books: Path | None,
    force: bool,
    hold: bool,
    strict: bool,
    depth: int,
    start: str | None,
    end: str | None,
    namespace: str,
    as_json: bool,
) -> int:
    """Play a capture, or a recording's directory, into memory like that of a live feed.

    CAPTURE is NDJSON, plain, .gz or .zst, which `feedhandler capture` makes: it goes through the
    same decoders and books as live frames. Broken lines are named, counted and passed over.
    Or it is a directory of `feedhandler record`: the same records in the same order, and the cells
    that follow from them; with --from, as they were then.

    Readers may attach meanwhile, in a namespace of its own, so that no strategy takes it for the
    live feed.

    \b
    feedhandler replay okx.ndjson.zst --books books.json
    feedhandler replay recordings --venue deribit --from -1h --speed 1
    feedhandler replay okx.ndjson.zst --speed 10 --hold
    feedhandler inspect book okx BTC-USDT --namespace replay

    \b
    Exit codes: 0 fine, 1 broken lines or malformed frames were found, or
    records are missing, 2 what is to be played cannot be read.
    """
    if capture.is_dir():
        from feedhandler.cli.replay_recording import play as play_recording

        _refuse(books=books, strict=strict)
        return play_recording(
            capture,
            venues=venues,
            namespace=namespace,
            speed=speed,
            depth=depth,
            start=start,
            end=end,
            hold=hold,
            as_json=as_json,
        )
    from feedhandler.capture.replay import replay as play

    _refuse(venues=venues[1:], start=start, end=end)

    refuse_overwriting(books, force)

    shown: Callable[[ReplayResult], None] | bool = False
    if hold:

        def shown(result: ReplayResult) -> None:
            _report(result, books, as_json)
            _wait(f"held in namespace {namespace!r}; Ctrl-C ends it")

    line = ProgressLine(0.2, "line")
    try:
        result = play(
            capture,
            venue=venues[0] if venues else None,
            namespace=namespace,
            speed=speed,
            depth=depth,
            progress=line.share if line.shows else None,
            hold=shown,
            strict=strict,
        )
    except ValueError as error:
        raise CliError(str(error)) from error
    finally:
        line.clear()
    if not hold:
        _report(result, books, as_json)
    return FINDING if result.broken or result.counters.get("malformed", 0) else 0


def _refuse(**options: object) -> None:
    """What is for captures or for recordings only."""
    names = {"start": "--from", "end": "--to", "venues": "a second --venue"}
    for name, value in options.items():
        if value:
            kind = "captures" if name in ("books", "strict") else "recordings"
            raise CliError(f"{names.get(name, f'--{name}')} is for {kind}")


def _wait(text: str) -> None:
    import signal

    echo(dim(text), err=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        return


def _report(result: ReplayResult, books: Path | None, as_json: bool) -> None:
    if books is not None:
        _write_books(books, result.books)
    if as_json:
        json_out(_summary(result))
        return
    rate = number_text.rate(result.frames / result.seconds) if result.seconds else "-"
    echo(
        f"{result.venue}: {number_text.plural(result.frames, 'frame')} in "
        f"{number_text.seconds(result.seconds)} ({rate}/s), "
        f"{number_text.plural(len(result.books), 'book')}"
        + "".join(f", {count} {name}" for name, count in sorted(result.states.items()))
    )
    columns = [
        Column("BOOK", shrink=12),
        Column("STATE"),
        Column("SEQUENCE", right=True, drop=1),
        Column("BID", right=True),
        Column("ASK", right=True),
        Column("LEVELS", right=True),
        Column("REASON", drop=2),
    ]
    rows = [
        (
            symbol,
            state(book["state"]),
            str(book["venue_sequence"]),
            book["bids"][0][0] if book["bids"] else "-",
            book["asks"][0][0] if book["asks"] else "-",
            f"{len(book['bids'])} + {len(book['asks'])}",
            "" if book["reason"] == "NONE" else book["reason"],
        )
        for symbol, book in list(result.books.items())[:_SHOWN]
    ]
    if rows:
        echo_table(columns, rows)
    if len(result.books) > _SHOWN:
        echo(dim(f"and {len(result.books) - _SHOWN} more; all of them: --books FILE"))
    for line in (*result.broken_lines, *result.problems):
        echo(f"{click.style('found:', fg='yellow')} {line}", err=True)
    if result.broken > len(result.broken_lines):
        echo(f"found: {result.broken} broken lines in all", err=True)
    if result.last_error:
        echo(f"found: malformed, the last: {result.last_error}", err=True)


def _summary(result: ReplayResult) -> dict[str, Any]:
    from dataclasses import asdict

    summary = asdict(result)
    summary["books"] = len(result.books)
    return summary


def _write_books(path: Path, books: dict[str, dict[str, Any]]) -> None:
    import orjson

    try:
        path.write_bytes(orjson.dumps(books, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
