"""`feedhandler export`: records in files that others read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.errors import FINDING, CliError, say_aside, warn
from feedhandler.cli.options import (
    FilePath,
    force_option,
    json_option,
    namespace_option,
    refuse_overwriting,
    venue_file_option,
)
from feedhandler.cli.output import json_out, prose
from feedhandler.cli.progress import ProgressLine

if TYPE_CHECKING:
    from feedhandler.export.run import Done
    from feedhandler.export.source import Hole, Source

_SHOWN = 20


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option(
    "-o",
    "--out",
    required=True,
    type=FilePath(dir_okay=False),
    help="The file; its name says the format and the table.",
)
@click.option("--format", "format_", metavar="FORMAT", help="csv, parquet, arrow or npz.")
@click.option("--type", "type_", metavar="TABLE", help="Tardis' name of a table, or records.")
@click.option("--from", "start", metavar="TIME", help="2026-11-30T08:00, or -30m before the end.")
@click.option("--to", "end", metavar="TIME", help="Until before then.")
@click.option(
    "--instruments",
    "-i",
    multiple=True,
    metavar="PATTERN",
    help="Names or patterns as in the configuration; may be repeated.",
)
@click.option("--venue", help="Of a recording of several, or of a capture that does not tell.")
@click.option("--kinds", metavar="KIND,...", help="Of the table records: trade, level, stat, ...")
@click.option(
    "--tardis-time",
    type=click.Choice(["E", "T"]),
    help="`timestamp` of Tardis' tables: E, as Tardis has it (of some venues' books when they were "
    "sent), or T, the matching engine's.  [default: E]",
)
@click.option("--follow", is_flag=True, help="live: goes on until --to, or Ctrl-C.")
@force_option
@venue_file_option
@namespace_option
@json_option
def export(
    source: str,
    out: Path,
    format_: str | None,
    type_: str | None,
    start: str | None,
    end: str | None,
    instruments: tuple[str, ...],
    venue: str | None,
    kinds: str | None,
    tardis_time: str | None,
    follow: bool,
    force: bool,
    namespace: str,
    as_json: bool,
) -> int:
    """Write records into a file that others read.

    SOURCE is a recording's directory, a capture, or live:VENUE, the memory of a running feed.
    The format follows from the name of the output: .csv, .csv.gz, .csv.zst, .parquet, .arrow, or
    .npz of hftbacktest. So does the table: a name with a word such as trades, incremental_book_L2
    or book_snapshot_25 gets the columns that Tardis has for it, any other name one row per record.

    \b
    feedhandler export RECORDING -o deribit_trades.csv.gz --from -2h
    feedhandler export RECORDING -o btc.npz -i BTC-PERPETUAL
    feedhandler export okx.ndjson.zst -o incremental_book_L2.csv.gz
    feedhandler export live:deribit -o options_chain.parquet --follow --to 2026-12-01

    \b
    Exit codes: 0 fine, 1 records are missing in the source (they are named),
    2 usage, 3 nothing to attach to, 74 the disk is full or broken.
    """
    from feedhandler.export.run import Job, format_of, type_of
    from feedhandler.export.run import export as run
    from feedhandler.export.symbols import Wanted

    try:
        format_ = format_ or format_of(out.name)
    except ValueError as error:
        raise CliError(str(error)) from error
    type_ = type_ or type_of(out.name)
    _check(format_, type_, kinds, tardis_time)
    refuse_overwriting(out, force)
    line = ProgressLine(0.2)
    opened = _source(source, venue, namespace, follow)
    try:
        start_ns, end_ns = _times(opened, start, end)
        wanted = Wanted(instruments)
        kept = _kinds(kinds)
    except ValueError as error:
        raise CliError(str(error)) from error

    def shown(its: Done) -> None:
        line(lambda: _words(its))

    try:
        sent = tardis_time != "T"
        job = Job(out, format_, type_, start_ns, end_ns, wanted, kept, sent)
        done = run(opened, job, shown if line.shows else None)
    finally:
        line.clear()
    if as_json:
        json_out(done.told())
    _report(done, as_json)
    return FINDING if done.holes else 0


def _check(format_: str, type_: str, kinds: str | None, tardis_time: str | None) -> None:
    from feedhandler.export.run import FORMATS, RECORDS
    from feedhandler.export.tardis import TYPES
    from feedhandler.suggest import did_you_mean

    if format_ not in FORMATS:
        raise CliError(f"no format {format_!r}{did_you_mean(format_, FORMATS)}")
    if type_ not in (*TYPES, RECORDS):
        raise CliError(f"no table {type_!r}{did_you_mean(type_, (*TYPES, RECORDS))}")
    if kinds and (type_ != RECORDS or format_ == "npz"):
        raise CliError("--kinds is for the table records", "another table has kinds of its own")
    if tardis_time and (type_ == RECORDS or format_ == "npz"):
        raise CliError("--tardis-time is for Tardis' tables: this one has all times")


def _kinds(text: str | None) -> frozenset[int]:
    from shm import Kind
    from shm.events import kind_mask

    if text is None:
        return frozenset(Kind)
    mask = kind_mask([word.strip() for word in text.split(",")])
    return frozenset(kind for kind in Kind if mask >> kind & 1)


def _source(source: str, venue: str | None, namespace: str, follow: bool) -> Source:
    from feedhandler.export.open import opened

    return opened(source, venue=venue, namespace=namespace, follow=follow)


def _times(source: Source, *texts: str | None) -> list[int | None]:
    from feedhandler.export.times import is_back, parsed

    return [
        None if text is None else parsed(text, source.end_ns() if is_back(text) else 0)
        for text in texts
    ]


def _words(done: Done) -> str:
    from feedhandler import number_text

    rate = number_text.rate(done.records / done.seconds) if done.seconds else "-"
    at = "" if done.last_ns is None else f", at {_time(done.last_ns)}"
    return f"{number_text.plural(done.records, 'record')}, {rate}/s{at}"


def _time(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _report(done: Done, as_json: bool) -> None:
    from feedhandler import number_text

    if not as_json:
        say = say_aside if not Path(done.out).is_file() else prose  # a pipe: it may be stdout
        say(
            f"{done.out}: {number_text.plural(done.rows, 'row')} of "
            f"{number_text.plural(done.records, 'record')}, {number_text.size(done.bytes)}, "
            + number_text.seconds(done.seconds)
        )
        if done.first_ns is not None and done.last_ns is not None:
            say(f"from {_time(done.first_ns)} to {_time(done.last_ns)} UTC")
    for text in _findings(done):
        warn(text)


def _findings(done: Done) -> list[str]:
    from feedhandler import number_text

    told = [_hole(hole) for hole in done.holes[:_SHOWN]]
    if len(done.holes) > _SHOWN:
        told.append(f"and {number_text.plural(len(done.holes) - _SHOWN, 'hole')} more")
    if done.dropped:
        told.append(
            f"{number_text.plural(done.dropped, 'change')} of books left out: "
            "what they change is not in the source"
        )
    if done.early:
        told.append(
            f"{number_text.plural(done.early, 'event')} received before the venue's clock says: "
            "all local times are later by the most of it"
        )
    return told


def _hole(hole: Hole) -> str:
    from feedhandler import number_text

    many = hole.count
    count = "nobody knows how many records" if many is None else number_text.plural(many, "record")
    last = "the end" if hole.last is None else str(hole.last)
    return f"missing: {count}, {hole.first} to {last} of epoch {hole.epoch}: {hole.why}"
