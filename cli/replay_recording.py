"""`feedhandler replay` of a recording: its records back into memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler import number_text
from feedhandler.cli.errors import FINDING, FINE, CliError
from feedhandler.cli.output import Column, dim, echo, echo_table, json_out
from feedhandler.cli.progress import ProgressLine

if TYPE_CHECKING:
    from feedhandler.mirror.replay import Replayed


def play(
    directory: Path,
    *,
    venues: tuple[str, ...],
    namespace: str,
    speed: float | None,
    depth: int,
    start: str | None,
    end: str | None,
    hold: bool,
    as_json: bool,
) -> int:
    """Play it, and say what was played; 1 if records are missing in it."""
    from feedhandler.mirror.replay import replay

    began = time.monotonic()
    shown, line = False, ProgressLine(0.2, "record")

    def show(done: list[Replayed]) -> None:
        nonlocal shown
        shown = True
        line.clear()
        _report(done, time.monotonic() - began, as_json)
        echo(dim(f"held in namespace {namespace!r}; Ctrl-C ends it"), err=True)
        _until_interrupt()

    try:
        done = replay(
            directory,
            venues=venues or None,
            namespace=namespace,
            speed=speed,
            depth=depth,
            start=_time(directory, start),
            end=_time(directory, end),
            progress=line.share if line.shows else None,
            hold=show if hold else None,
        )
    except ValueError as error:
        raise CliError(str(error)) from error
    finally:
        line.clear()
    if not shown:
        _report(done, time.monotonic() - began, as_json)
    return FINDING if any(one.missing or one.problems for one in done) else FINE


def _time(directory: Path, text: str | None) -> int | None:
    """A time, or so long before the recording's end."""
    from feedhandler.export.times import is_back, parsed
    from shm.recording.reader import Recording

    if text is None:
        return None
    last = 0
    if is_back(text):
        recording = Recording(directory)
        last = max(
            segment.to_ns for venue in recording.venues() for segment in recording.segments(venue)
        )
    return parsed(text, last)


def _until_interrupt() -> None:
    import signal

    try:
        signal.pause()
    except KeyboardInterrupt:
        return


def _report(done: list[Replayed], seconds: float, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        json_out({"seconds": seconds, "venues": [asdict(one) for one in done]})
        return
    columns = [
        Column("VENUE"),
        Column("RECORDS", right=True),
        Column("MISSING", right=True),
        Column("EPOCHS", right=True, drop=1),
        Column("FROM"),
        Column("LASTED", right=True),
    ]
    rows = [
        (
            one.venue,
            number_text.count(one.records),
            number_text.count(one.missing) if one.missing else "-",
            str(one.epochs),
            number_text.moment(one.from_ns),
            number_text.duration(one.to_ns - one.from_ns),
        )
        for one in done
    ]
    echo_table(columns, rows)
    records = sum(one.records for one in done)
    rate = number_text.rate(records / seconds) if seconds else "-"
    echo(
        dim(f"{number_text.plural(records, 'record')} in {number_text.seconds(seconds)} ({rate}/s)")
    )
    for one in done:
        for problem in one.problems:
            echo(f"{click.style('found:', fg='yellow')} {one.venue}: {problem}", err=True)
