"""What the manifest says, held to itself and to the directory: lines, segments, losses, files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from feedhandler.number_text import plural
from feedhandler.recording.findings import Finding
from shm.recording.manifest import MANIFEST, Compacted, Loss, Manifest, Segment, holes
from shm.recording.schema import LOCK, PARTIAL, QUARANTINE

#: records first to last; None: without end
Span = tuple[int, int | None]


def recorder_runs(directory: Path) -> bool:
    """Whether a recorder has the directory's lock; asked without taking it."""
    try:
        lock = (directory / LOCK).stat()
        held = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return False
    device = f"{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino}"
    return any(f" {device} " in line and " FLOCK " in line for line in held)


def lines_of(manifest: Manifest) -> Iterator[Finding]:
    for damage in manifest.damage:
        yield Finding("manifest", f"line {damage.number}: {damage.what}", path=MANIFEST)


def files_beside(directory: Path, manifest: Manifest) -> Iterator[tuple[Path, Finding]]:
    """Files that the manifest does not name, or names as replaced."""
    named = {file.path for file in manifest.files()}
    replaced = {
        path for line in manifest.lines if isinstance(line, Compacted) for path in line.replaces
    }
    for folder, folders, names in os.walk(directory):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if name != QUARANTINE)
        for name in sorted(names):
            path = (here / name).relative_to(directory)
            ours = here == directory and name.startswith("_")
            if ours or path.as_posix() in named or name.endswith(PARTIAL):
                continue
            if path.as_posix() in replaced:
                text = "the file of its day has its rows, too: who reads all files has them twice"
                yield path, Finding("left over", text, path=str(path))
            else:
                yield path, Finding("alien", "the manifest does not name it", path=str(path))


def partials(directory: Path) -> int:
    """How many files are there that were never finished: nobody reads them."""
    return sum(QUARANTINE not in path.parts for path in directory.rglob(f"*{PARTIAL}"))


def segments_of(segments: list[Segment]) -> Iterator[Finding]:
    """Of one venue, in order."""
    for segment in segments:
        if not segment.first <= segment.last:
            yield _finding("manifest", "a segment ends before it begins", segment)
        elif segment.records != segment.last - segment.first + 1:
            many = plural(segment.records, "record")
            text = f"a segment of {many}, {segment.first} to {segment.last}"
            yield _finding("rows", text, segment)
    for before, after in pairwise(segments):
        if before.epoch == after.epoch and after.first <= before.last:
            last = min(before.last, after.last)
            yield Finding(
                "overlap",
                f"records {after.first} to {last} are in two segments",
                after.venue,
                after.epoch,
                after.first,
                last,
                after.from_ns,
                before.to_ns,
            )


def losses_of(manifest: Manifest, venue: str) -> Iterator[Finding]:
    """What is missing is said, and what is said to be missing is not there."""
    losses = manifest.losses(venue)
    segments = manifest.segments(venue)
    for epoch, first, last in holes(manifest, venue):
        said = [(loss.first, loss.last) for loss in losses if loss.epoch == epoch]
        for low, high in without((first, last), said):
            to = "nobody knows which" if high is None else str(high)
            text = f"records {low} to {to} are missing, and no line says why"
            before = [s for s in segments if (s.epoch, s.last) < (epoch, low)]
            after = [s for s in segments if (s.epoch, s.first) > (epoch, low)]
            yield Finding(
                "unsaid",
                text,
                venue,
                epoch,
                low,
                high,
                before[-1].to_ns if before else None,
                after[0].from_ns if after else None,
            )
    for loss in losses:
        there = [s for s in segments if s.epoch == loss.epoch]
        for segment in there:
            first, last = max(loss.first, segment.first), segment.last
            if loss.last is not None:
                last = min(last, loss.last)
            if first <= last:
                text = f"records {first} to {last} are said to be lost, and are there"
                yield _finding("not lost", text, segment, first, last)


def loss_rows(
    venue: str,
    losses: Iterable[Loss],
    rows: Iterable[tuple[int, int, int | None]],
    followed: Iterable[Segment],
) -> Iterator[Finding]:
    """A loss is a row of `states`, in the segment that follows, as well as a line."""
    lines = {(loss.epoch, loss.first, loss.last) for loss in losses}
    there = set(rows)
    behind = [(segment.epoch, segment.first) for segment in followed]
    for epoch, first, last in sorted(there - lines, key=str):
        text = f"a row says that records {first} to {last} are lost, and no line does"
        yield Finding("unsaid", text, venue, epoch, first, last)
    for epoch, first, last in sorted(lines - there, key=str):
        if any(place > (epoch, first) for place in behind):
            text = f"a line says that records {first} to {last} are lost, and no row does"
            yield Finding("unsaid", text, venue, epoch, first, last)


def without(span: Span, others: Iterable[Span]) -> list[Span]:
    """What of a span is in none of the others."""
    left = [span]
    for low, high in others:
        kept: list[Span] = []
        for first, last in left:
            if (high is not None and high < first) or (last is not None and low > last):
                kept.append((first, last))
                continue
            if first < low:
                kept.append((first, low - 1))
            if high is not None and (last is None or high < last):
                kept.append((high + 1, last))
        left = kept
    return left


def _finding(
    what: str, text: str, segment: Segment, first: int | None = None, last: int | None = None
) -> Finding:
    return Finding(
        what,
        text,
        segment.venue,
        segment.epoch,
        segment.first if first is None else first,
        segment.last if last is None else last,
        segment.from_ns,
        segment.to_ns,
    )
