"""How good the venues' data was, as `feedhandler status --quality` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from feedhandler import number_text
from feedhandler.cli.errors import NOTHING, CliError
from feedhandler.cli.output import (
    Column,
    dim,
    echo,
    echo_table,
    json_out,
    prose,
    screen_width,
    wrapped,
)

_COLUMNS = (
    Column("VENUE"),
    Column("LIVE", right=True),
    Column("MESSAGES", right=True),
    Column("GAPS", right=True),
    Column("MISSING", right=True),
    Column("HEALS", right=True, drop=2),
    Column("SUSPECT", right=True, drop=1),
    Column("VERIFIED", drop=3),
    Column("AUDITS", right=True, drop=4),
    Column("OURS", right=True, drop=5),
)

_MEANINGS = (
    "LIVE: share of the time that books were. MISSING: by the venue's own numbers; + more, where "
    "they do not say how many. SUSPECT: for how long books may have been wrong before it was "
    "noticed. OURS: messages lost here."
)


def show(namespace: str, day: str | None, as_json: bool, plot: str | None = None) -> None:
    """Print a day's quality of all venues of which there is any, or `plot` it."""
    from feedhandler.quality.report import report

    wanted = _day(day)
    found = [each for venue in venues_kept(namespace) if (each := report(namespace, venue, wanted))]
    if as_json:
        json_out({"namespace": namespace, "venues": found})
    if not found:
        raise CliError(
            f"no quality of {day or 'today'} is kept of the namespace {namespace!r}",
            f"days: {', '.join(_days(namespace)) or 'none; a feed that runs keeps them'}",
            NOTHING,
        )
    if plot is not None:
        _plot(namespace, [each["venue"] for each in found], wanted, plot)
        return
    if as_json:
        return
    began = min(each["began_ns"] for each in found)
    prose(dim(f"{namespace}: {found[0]['day']} UTC, from {number_text.moment(began)}"))
    echo()
    echo_table(_COLUMNS, [_row(each) for each in found])
    echo()
    for line in wrapped(_MEANINGS, min(80, screen_width() or 80)):
        echo(dim(line))


def _plot(namespace: str, venues: list[str], day: date | None, plot: str) -> None:
    import time

    from feedhandler.picture.figures import quality_figure
    from feedhandler.picture.show import show
    from feedhandler.quality.day_file import day_of, read_day

    wanted = day or day_of(time.time_ns())
    files = [(venue, read_day(namespace, venue, wanted)) for venue in venues]
    written = show(quality_figure([(venue, file) for venue, file in files if file]), plot)
    if written is not None:
        echo(f"written: {written}")


def venues_kept(namespace: str) -> list[str]:
    """The venues of which some day is kept."""
    from feedhandler.quality.day_file import directory

    folder = directory(namespace, "any").parent
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _days(namespace: str) -> list[str]:
    from feedhandler.quality.day_file import days

    found = {day.isoformat() for venue in venues_kept(namespace) for day in days(namespace, venue)}
    return sorted(found)[-7:]


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CliError(f"--day {text}: no day", "such as 2026-11-30") from None


def _row(its: dict[str, Any]) -> Sequence[str]:
    missing = number_text.count(its["missing"]) + (" +" if its["unsized"] else "")
    audits = its["audits"]
    audited = audits["agree"] + audits["differ"]
    return (
        its["venue"],
        "-" if its["live"] is None else share(its["live"]),
        number_text.count(its["messages"]),
        number_text.count(its["gaps"]) if its["gaps"] else "-",
        missing if its["gaps"] else "-",
        number_text.count(its["heals"]) if its["heals"] else "-",
        number_text.duration(its["suspect_ns"]) if its["suspects"] else "-",
        verified(its),
        f"{audits['agree']}/{audited}" if audited else "-",
        number_text.count(its["ours"]["buffer_dropped"]) if its["ours"]["buffer_dropped"] else "-",
    )


def share(value: float) -> str:
    """A share in percent that never rounds up to the whole."""
    return "100 %" if value >= 1 else f"{min(99.9999, 100 * value):.4f} %"


def verified(its: dict[str, Any]) -> str:
    """By what each message of a venue was proven, and how many of its checksums agreed."""
    sums = its["checksums"]
    checked = sums["agree"] + sums["differ"]
    by = its.get("proof") or "by nothing"
    return f"{by}, {sums['agree']:,}/{checked:,} checksums" if checked else by
