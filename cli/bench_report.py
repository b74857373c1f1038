"""What all benchmarks have in common on the command line: options, progress, the report."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedhandler.cli.errors import FINDING, FINE
from feedhandler.cli.options import (
    FilePath,
    force_option,
    json_option,
    refuse_overwriting,
    venue_file_option,
)
from feedhandler.cli.output import (
    Column,
    bold,
    dim,
    echo,
    echo_table,
    json_out,
    screen_width,
    table,
)
from feedhandler.cli.progress import ProgressLine

if TYPE_CHECKING:
    from feedhandler.bench.kit.compare import Change
    from feedhandler.bench.kit.result import Findings, Result

_VERDICTS = {"better": "green", "worse": "red", "new": "cyan", "gone": "yellow"}


def captures_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--captures`"""
    return click.option(
        "--captures",
        type=FilePath(exists=True, file_okay=False),
        help="A folder of recordings [env var: FEEDHANDLER_RECORDINGS]; else frames made in code.",
    )(function)


def venue_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--venue`, which may be repeated; passes `venues`. And `--venue-file`."""
    function = venue_file_option(function)
    return click.option(
        "--venue", "-v", "venues", multiple=True, callback=_known, help="Only this one; repeatable."
    )(function)


def _known(_: click.Context, __: click.Parameter, value: Sequence[str]) -> Sequence[str]:
    from feedhandler import venues
    from feedhandler.suggest import did_you_mean

    for name in value:
        if name not in venues.names():
            raise click.BadParameter(f"no venue {name!r}{did_you_mean(name, venues.names())}")
    return value


def repetitions_option(default: int, least: int = 3) -> Callable[..., Any]:
    """`--repetitions`"""
    return click.option(
        "--repetitions",
        "-n",
        type=click.IntRange(least),
        default=default,
        show_default=True,
        help="Of each figure; the median is reported.",
    )


install_option = click.option(
    "--install", is_flag=True, help="Make the environments that are missing, with pip."
)
environments_option = click.option(
    "--environments",
    type=FilePath(file_okay=False),
    metavar="FOLDER",
    help="Where they are  [default: the user's cache]",
)


def frames_option(default: int) -> Callable[..., Any]:
    """`--frames`"""
    return click.option(
        "--frames",
        type=click.IntRange(1000),
        default=default,
        show_default=True,
        help="In a repetition.",
    )


def reported(body: Callable[..., None]) -> Callable[..., int]:
    """A benchmark as a command: `body(findings, **options)` measures, all else is done here.

    Adds --json, --plot, --force and --compare. The exit code is 1 where --compare finds something
    worse.
    """

    @json_option
    @click.option(
        "--plot",
        type=FilePath(file_okay=False),
        metavar="FOLDER",
        help="Write plots here, PNG.",
    )
    @force_option
    @click.option(
        "--compare",
        type=FilePath(dir_okay=False),
        metavar="OLD.json",
        help="Say what changed beyond noise since that --json was written.",
    )
    @functools.wraps(body)
    def command(
        as_json: bool, plot: Path | None, force: bool, compare: Path | None, **options: Any
    ) -> int:
        from feedhandler.bench.kit import compare as comparing
        from feedhandler.bench.kit import cores, host, leftovers
        from feedhandler.bench.kit import plot as plotting
        from feedhandler.bench.kit.result import Findings

        old = comparing.load(compare) if compare is not None else None
        if plot is not None:
            plotting.check()
            for there in sorted(plot.glob("*.png")):
                refuse_overwriting(there, force)
        progress = ProgressLine()
        findings = Findings(progress=lambda text: progress(lambda: text))
        try:
            with leftovers.none(), cores.favoured() as raised:
                if not raised:
                    findings.note("not allowed to raise priorities (nice): others may intrude")
                body(findings, **options)
        finally:
            progress.clear()
        about = host.describe(findings.notes)
        if as_json:
            json_out({"host": about, "results": [one.asdict() for one in findings.results]})
        else:
            show(findings)
            echo("")
            width = min(screen_width() or 100, 100)
            for line in host.in_words(about):
                echo(dim(click.wrap_text(line, width)))
        for path in plotting.draw(findings, plot) if plot is not None else ():
            echo(dim(f"wrote {path}"), err=True)
        if old is None:
            return FINE
        found = comparing.changes(old[1], findings.results)
        return show_changes(found, comparing.other_host(old[0], about), to_stderr=as_json)

    return command


def show(findings: Findings) -> None:
    """A table a benchmark, and what was left out."""
    for bench in dict.fromkeys(result.bench for result in findings.results):
        results = [result for result in findings.results if result.bench == bench]
        echo(bold(bench))
        if bench in findings.wide:
            _show_wide(results)
            continue
        rows = [_row(result) for result in results]
        echo_table(
            [
                Column("CASE", shrink=14),
                Column("METRIC", shrink=12),
                Column("VALUE", right=True),
                Column("UNIT"),
                Column("SPREAD", right=True, drop=1),
                Column("FLOOR", right=True),
                Column("RATIO", right=True),
            ],
            rows,
        )
    if any(result.noisy for result in findings.results):
        echo(dim("? so much else ran that the figure is not to be relied on"))
    for note in findings.notes:
        echo(f"{click.style('note:', fg='yellow')} {note}")


def _show_wide(results: Sequence[Result]) -> None:
    """A line a case and a column a metric; a table for each set of metrics."""
    cases: dict[str, list[Result]] = {}
    for result in results:
        cases.setdefault(result.case, []).append(result)
    heads = {
        case: tuple(f"{one.metric.upper()} {one.unit}" for one in found)
        for case, found in cases.items()
    }
    for head in dict.fromkeys(heads.values()):
        columns = [Column("CASE", shrink=20)]
        columns += [Column(each, right=True, drop=n) for n, each in enumerate(head)]
        rows = [
            (case, *(_wide_cell(one) for one in cases[case]))
            for case in cases
            if heads[case] == head
        ]
        echo_table(columns, rows)
        echo("")


def _wide_cell(result: Result) -> str:
    if result.ratio is None:
        return number(result.value)
    return f"{number(result.value)} ({result.ratio:.2g}x{'?' if result.noisy else ''})"


def _row(result: Result) -> tuple[str, ...]:
    ratio = number(result.ratio) + ("?" if result.noisy else "")
    figures = (number(result.value), result.unit, number(result.spread), number(result.floor))
    return (result.case, result.metric, *figures, ratio)


def number(value: float | None) -> str:
    """As many digits as a person reads."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e15 and (abs(value) >= 100 or value == 0):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def show_changes(changes: Sequence[Change], hosts: str, *, to_stderr: bool) -> int:
    """What changed beyond noise; the exit code."""
    rows = [_change(change) for change in changes if change.verdict != "same"]
    lines = []
    if rows:
        columns = [
            Column("CHANGE"),
            Column("FIGURE", shrink=20),
            Column("OLD", right=True),
            Column("NEW", right=True),
            Column("OF", drop=1),
            Column("BY", right=True),
            Column("NOISE", right=True, drop=2),
        ]
        lines += table(columns, rows, screen_width())
    same = len(changes) - len(rows)
    lines.append(f"{same} figure{'' if same == 1 else 's'} unchanged within noise")
    if hosts:
        lines.append(f"another host: {hosts}; only ratios mean something")
    echo("", err=to_stderr)
    for line in lines:
        echo(line, err=to_stderr)
    return FINDING if any(change.verdict == "worse" for change in changes) else FINE


def _change(change: Change) -> tuple[str, ...]:
    verdict = click.style(change.verdict, fg=_VERDICTS[change.verdict])
    known = change.old is not None and change.new is not None
    by, noise = (f"{change.change:+.1%}", f"{change.noise:.0%}") if known else ("-", "-")
    figure = " ".join(change.key)
    return (verdict, figure, number(change.old), number(change.new), change.what, by, noise)
