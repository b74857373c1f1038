"""All of a recording read again: is it what the feed held, and where is it not?

What is damaged is a finding, with the records and the time that are suspect because of it. What the
recorder did not get is told apart from that, and from what the feed itself said of its venues.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from feedhandler.recording import checked_manifest as manifests
from feedhandler.recording.checked_day import Day, DayChecked, States, check, days, rows_of
from feedhandler.recording.findings import Checked, Finding, Findings, Lost, Report, VenueGap
from shm import Reason, State
from shm.recording.errors import OtherFormat
from shm.recording.reader import Recording

#: (rows done, rows in all)
Progress = Callable[[int, int], None]

_LOOK_S = 0.1
_GAPS_KEPT = 10_000
_OUT_OF_STEP = (State.STALE, State.CROSSED)
_ENDS = (Reason.EXPIRED, Reason.UNSUBSCRIBED, Reason.STOPPED)


def verify(
    directory: Path,
    *,
    venues: Iterable[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Read all of a recording again, or of these venues of it.

    Raises :class:`shm.recording.errors.NoRecording` (there is none, or not of such a venue) and
    `NoPyarrow`.
    """
    began = time.monotonic()
    report = Report(str(directory))
    findings = Findings()
    try:
        recording = Recording(directory)
    except OtherFormat as error:
        report.findings = [Finding("format", str(error))]
        return report
    wanted = list(venues) if venues is not None else recording.venues()
    for venue in wanted:
        recording.segments(venue)
    _manifest(recording, report, findings)
    todo = [day for day in days(recording) if day.venue in wanted]
    found = dict(_checked(directory, todo, recording, jobs, progress))
    for venue in wanted:
        of_venue = [found[day] for day in todo if day.venue == venue]
        _venue(recording, venue, of_venue, report, findings)
    report.findings, report.more = findings.found, dict(findings.more)
    report.seconds = time.monotonic() - began
    return report


def _manifest(recording: Recording, report: Report, findings: Findings) -> None:
    manifest, directory = recording.manifest, recording.directory
    running = manifests.recorder_runs(directory)
    if running:
        report.notes.append("a recorder writes into it: what it has not committed is not looked at")
    elif count := manifests.partials(directory):
        report.notes.append(
            f"a recorder that was killed left {count} unfinished files; the next one moves them"
        )
    if manifest.torn:
        report.notes.append(
            f"the manifest's last line is not whole ({manifest.torn} bytes), and counts for nothing"
        )
    findings.extend(manifests.lines_of(manifest))
    for path, finding in manifests.files_beside(directory, manifest):
        if not running:
            findings.add(finding)
        elif finding.what != "alien":
            report.notes.append(f"{path}: {finding.text}")


def _venue(
    recording: Recording,
    venue: str,
    found: list[DayChecked],
    report: Report,
    findings: Findings,
) -> None:
    manifest = recording.manifest
    segments = recording.segments(venue)
    findings.extend(manifests.segments_of(segments))
    findings.extend(manifests.losses_of(manifest, venue))
    checked = report.checked.setdefault(venue, Checked())
    rows: list[tuple[int, int, int | None]] = []
    damaged = False
    for day in found:
        findings.extend(day.findings)
        checked.add(day.checked)
        rows += day.losses
        damaged |= any(each.path is not None for each in day.findings)
    if not damaged:
        findings.extend(manifests.loss_rows(venue, manifest.losses(venue), rows, segments))
    report.lost += [
        Lost(venue, m.epoch, m.first, m.last, m.count, m.why, m.from_ns, m.to_ns)
        for m in recording.missing(venue)
    ]
    report.venue_gaps += _gaps(venue, found, _GAPS_KEPT - len(report.venue_gaps))


def _gaps(venue: str, found: list[DayChecked], most: int) -> list[VenueGap]:
    """When books were out of step with their venue, as the feed said at the time."""
    symbols = {
        (day.day.epoch, row): name for day in found for row, (name, _) in day.symbols.items()
    }
    parts = sorted((part for day in found for part in day.states), key=lambda part: part[:2])
    gaps: list[VenueGap] = []
    open_gaps: dict[int, VenueGap] = {}
    before: States | None = None
    for part in parts:
        if before is None or (before.epoch, before.last + 1) != (part.epoch, part.first):
            open_gaps = {}
        before = part
        for at, instrument, state, reason in part.rows.tolist():
            gap = open_gaps.get(instrument)
            if state in _OUT_OF_STEP and reason not in _ENDS:
                if gap is None and len(gaps) < most:
                    name = symbols.get((part.epoch, instrument), f"row {instrument}")
                    words = _name(State, state), _name(Reason, reason)
                    gap = VenueGap(venue, name, *words, at, None)
                    open_gaps[instrument] = gap
                    gaps.append(gap)
            elif gap is not None and state != State.SYNCING:
                gap.to_ns = at
                del open_gaps[instrument]
    return gaps


def _name(kind: type[State] | type[Reason], number: int) -> str:
    try:
        return kind(number).name
    except ValueError:
        return str(number)


# ---- processes -----------------------------------------------------------------------------------


class _Stopped(Exception):  # noqa: N818 - nobody waits for the result any more
    pass


_done: Synchronized[int] | None = None
_stop: Synchronized[int] | None = None


def _begin(done: Synchronized[int], stop: Synchronized[int]) -> None:
    global _done, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this one says when
    _done, _stop = done, stop


def _advance(rows: int) -> None:
    assert _done is not None
    assert _stop is not None
    if _stop.value:
        raise _Stopped
    with _done.get_lock():
        _done.value += rows


def _one(directory: Path, day: Day) -> DayChecked:
    return check(directory, day, _advance)


def _checked(
    directory: Path,
    todo: list[Day],
    recording: Recording,
    jobs: int,
    progress: Progress | None,
) -> Iterator[tuple[Day, DayChecked]]:
    """Each of them looked at, in as many processes."""
    sizes = {day: rows_of(recording, day) for day in todo}
    total = sum(sizes.values())
    if min(jobs, len(todo)) <= 1:
        done = 0

        def advance(rows: int) -> None:
            nonlocal done
            done += rows
            if progress is not None:
                progress(done, total)

        for day in todo:
            yield day, check(directory, day, advance)
        return
    context = get_context("spawn")
    rows, stop = context.Value("q", 0), context.Value("b", 0)
    with ProcessPoolExecutor(
        min(jobs, len(todo)), context, initializer=_begin, initargs=(rows, stop)
    ) as pool:
        try:
            largest_first = sorted(todo, key=lambda day: -sizes[day])
            waiting = {pool.submit(_one, directory, day) for day in largest_first}
            while waiting:
                ready, waiting = wait(waiting, _LOOK_S, FIRST_COMPLETED)
                for each in ready:
                    result = each.result()
                    yield result.day, result
                if progress is not None:
                    progress(rows.value, total)
        except BaseException:
            stop.value = 1
            pool.shutdown(wait=False, cancel_futures=True)
            raise
