"""`feedhandler verify`: is a recording what the feed held?"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli.errors import FINDING, FINE
from feedhandler.cli.options import FilePath, json_option
from feedhandler.cli.output import Column, echo_table, found, json_out, prose
from feedhandler.cli.progress import ProgressLine

if TYPE_CHECKING:
    from feedhandler.recording.findings import Checked, Finding, Lost, Report, VenueGap

_SHOWN = 20


@click.command()
@click.argument("directory", type=FilePath())
@click.option("--venue", "venues", multiple=True, help="Only of this one; may be repeated.")
@click.option(
    "--allow-losses",
    is_flag=True,
    help="Losses that the recorder has named are no finding; only damage is.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Processes that read at the same time.  [default: one a core]",
)
@json_option
def verify(
    directory: Path, venues: tuple[str, ...], allow_losses: bool, jobs: int | None, as_json: bool
) -> int:
    """Read all of a recording again: is it what the feed held?

    Each file's bytes, columns and values; records without a hole; books made again from their
    bases, and compared with those that the feed held at marked records. What the recorder lost is
    one thing, gaps of the venues are another: at those, the feed itself said that its books were
    not in step.

    \b
    feedhandler verify recordings
    feedhandler verify recordings --venue deribit --json

    \b
    Exit codes: 0 fine, 1 something is damaged, or lost,
    2 there is no recording, or pyarrow is missing.
    """
    from feedhandler.recording.verify import verify as look

    line = ProgressLine(0.2, "record")
    try:
        report = look(
            directory,
            venues=venues or None,
            jobs=jobs or os.cpu_count() or 1,
            progress=line.share if line.shows else None,
        )
    finally:
        line.clear()
    ok = not report.findings and (allow_losses or not report.lost)
    if as_json:
        json_out(_document(report, ok))
    else:
        _show(report)
    return FINE if ok else FINDING


def _document(report: Report, ok: bool) -> dict[str, Any]:
    from dataclasses import asdict

    its = asdict(report)
    its["checked"] = {venue: asdict(each) for venue, each in report.checked.items()}
    return {"ok": ok, "total": asdict(report.total)} | its


def _show(report: Report) -> None:
    for note in report.notes:
        prose(note, aside=True)
    if report.checked:
        echo_table(
            [
                Column("VENUE"),
                Column("RECORDS", right=True),
                Column("MARKS", right=True),
                Column("BASES", right=True, drop=3),
                Column("FILES", right=True, drop=2),
                Column("SIZE", right=True, drop=1),
                Column("LOST", right=True),
                Column("FOUND", right=True),
            ],
            [_row(report, venue, checked) for venue, checked in report.checked.items()],
        )
    total = report.total
    rate = number_text.rate(total.rows / report.seconds) if report.seconds else "-"
    took = number_text.seconds(report.seconds)
    prose(f"{number_text.plural(total.rows, 'row')} in {took} ({rate}/s)", aside=True)
    for finding in report.findings:
        found("found", "red", _words(finding))
    for what, more in report.more.items():
        found("found", "red", f"{number_text.count(more)} more: {what}")
    for lost in report.lost[:_SHOWN]:
        found("lost", "yellow", _lost(lost))
    if len(report.lost) > _SHOWN:
        prose(f"and {len(report.lost) - _SHOWN} more losses; all of them: --json", aside=True)
    for line in _gaps(report.venue_gaps):
        prose(line, aside=True)


def _row(report: Report, venue: str, checked: Checked) -> tuple[str, ...]:
    lost = [each.count for each in report.lost if each.venue == venue]
    known = sum(count or 0 for count in lost)
    findings = sum(finding.venue == venue for finding in report.findings)
    return (
        venue,
        number_text.count(checked.records),
        number_text.count(checked.marks),
        number_text.count(checked.bases),
        number_text.count(checked.files),
        number_text.size(checked.bytes),
        (number_text.count(known) + (" +" if None in lost else "")) if lost else "-",
        number_text.count(findings) if findings else "-",
    )


def _words(finding: Finding) -> str:
    where = " ".join(
        str(part)
        for part in (
            finding.path,
            None if finding.path else finding.venue,
            None if finding.path or finding.epoch is None else f"epoch {finding.epoch}",
        )
        if part is not None
    )
    window = _window(finding.from_ns, finding.to_ns)
    return f"{where + ': ' if where else ''}{finding.text}" + (f"; {window}" if window else "")


def _window(from_ns: int | None, to_ns: int | None) -> str:
    if from_ns is None and to_ns is None:
        return ""
    since = number_text.moment(from_ns) if from_ns is not None else "?"
    until = number_text.moment(to_ns) if to_ns is not None else "?"
    if from_ns is None or to_ns is None or from_ns == to_ns:
        return f"{since} to {until}" if since != until else since
    return f"{since} to {until} ({number_text.duration(to_ns - from_ns)})"


def _lost(lost: Lost) -> str:
    many = lost.count
    count = "nobody knows how many records" if many is None else number_text.plural(many, "record")
    which = f"{lost.first} to {lost.last}" if lost.last is not None else f"{lost.first} and on"
    window = _window(lost.from_ns, lost.to_ns)
    return (
        f"{lost.venue} epoch {lost.epoch}: {count}, {which}: "
        f"{lost.why or 'no line says why'}" + (f"; {window}" if window else "")
    )


def _gaps(gaps: list[VenueGap]) -> Iterator[str]:
    """By venue and reason: they are no findings."""
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    for gap in gaps:
        times[gap.venue, gap.reason].append(0 if gap.to_ns is None else gap.to_ns - gap.from_ns)
    for (venue, reason), each in sorted(times.items()):
        total = number_text.duration(sum(each))
        books = "a book was" if len(each) == 1 else f"books were, {len(each)} times,"
        yield f"{venue}: {books} out of step, as the feed said ({reason}): {total}"
