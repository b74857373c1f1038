"""The manifest of a recording: a line a thing that is committed, lost, or done.

`_manifest.jsonl` is only ever appended to. A line that it has, whole, is true: the files that a
`segment` names were synced before it was written. Each line ends with a digest of itself. A last
line without its end is what a crash left, and counts for nothing; any other line that is not whole
is damage, and is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from shm.permissions import whose
from shm.recording.errors import DamagedRecording, NoRecording, OtherFormat
from shm.recording.schema import FORMAT

MANIFEST = "_manifest.jsonl"

LAPPED = "lapped"
KILLED = "killed"
STOPPED = "stopped"
DISK_FULL = "disk full"
EPOCH_ENDED = "epoch ended"
CAUSES = MappingProxyType(
    {
        LAPPED: "the ring went round before the recorder had read it",
        KILLED: "the recorder ended out of order, and the ring went round before the next one came",
        STOPPED: "no recorder ran after an orderly stop, and the ring went round",
        DISK_FULL: "the disk took nothing, and the ring went round",
        EPOCH_ENDED: "the epoch ended while nobody recorded: it is not known how many",
    }
)
"""Why records are missing."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a segment. `path` from the recording's directory on; `first` and `last`: the
    lowest and highest `sequence` of its rows; `digest`: blake2b of its bytes, 16 bytes, hex."""

    path: str
    table: str
    family: str
    rows: int
    bytes: int
    digest: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Start:
    """A recorder began. `format`: which version of the format it writes."""

    TYPE: ClassVar[str] = "start"
    time_ns: int
    pid: int
    version: str
    format: int = FORMAT
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Segment:
    """Records `first` to `last` of an epoch, all of them, are in `files`.

    `from_ns`, `to_ns`: the lowest and highest receive_ns. `bases`: it begins with the whole of each
    book, as of record `first` - 1. `why` it begins: "run", "day", "loss", "epoch", "rotation".
    """

    TYPE: ClassVar[str] = "segment"
    time_ns: int
    venue: str
    epoch: int
    first: int
    last: int
    records: int
    day: str
    from_ns: int
    to_ns: int
    bases: bool
    why: str
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Records `first` to `last` of an epoch are not in the recording; `last` and `count` None:
    how many nobody knows, as the epoch is gone. `from_ns`, `to_ns`: the window in time, which is
    that between the records that are there; None: it has no such end."""

    TYPE: ClassVar[str] = "loss"
    time_ns: int
    venue: str
    epoch: int
    first: int
    last: int | None
    count: int | None
    why: str
    from_ns: int | None
    to_ns: int | None


@dataclass(frozen=True, slots=True)
class End:
    """An epoch ended, and `last` is the last record that it published: nothing comes after it."""

    TYPE: ClassVar[str] = "end"
    time_ns: int
    venue: str
    epoch: int
    last: int
    why: str


@dataclass(frozen=True, slots=True)
class Pause:
    """The recorder stopped writing, for lack of room."""

    TYPE: ClassVar[str] = "pause"
    time_ns: int
    why: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Resume:
    """The recorder writes again."""

    TYPE: ClassVar[str] = "resume"
    time_ns: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Compacted:
    """`file` has the rows of the files `replaces`, which may be gone: a finished day."""

    TYPE: ClassVar[str] = "compacted"
    time_ns: int
    venue: str
    epoch: int
    day: str
    file: File
    replaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A file that no line names was moved to `path`, under `_quarantine`."""

    TYPE: ClassVar[str] = "quarantine"
    time_ns: int
    was: str
    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A recorder stopped in order."""

    TYPE: ClassVar[str] = "stop"
    time_ns: int
    pid: int
    why: str


Line: TypeAlias = Start | Segment | Loss | End | Pause | Resume | Compacted | Quarantine | Stop
_LINES: dict[str, type[Any]] = {
    kind.TYPE: kind
    for kind in (Start, Segment, Loss, End, Pause, Resume, Compacted, Quarantine, Stop)
}


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that is not whole, and is not the last. `number` counts from 1."""

    number: int
    text: str
    what: str


def encoded(line: Line) -> bytes:
    """The line as it stands in the file, with its digest and its end."""
    body = json.dumps({"type": line.TYPE, **asdict(line)}, separators=(",", ":"))
    return f'{body[:-1]},"check":"{_check(body)}"}}\n'.encode()


def _check(body: str) -> str:
    return blake2b(body.encode(), digest_size=8).hexdigest()


def decoded(text: str) -> Line | None:
    """The line of that text; None: of a type that this version does not know.

    Raises ValueError that says what is wrong with it.
    """
    body, comma, check = text.rpartition(',"check":"')
    if not comma or check[-2:] != '"}':
        raise ValueError("it has no digest")
    if _check(body + "}") != check[:-2]:
        raise ValueError("its digest is another one")
    found = json.loads(body + "}")
    kind = _LINES.get(found.pop("type"))
    if kind is None:
        return None
    known = {each.name for each in fields(kind)}
    values = {name: value for name, value in found.items() if name in known}
    if kind is Segment:
        values["files"] = tuple(_file(each) for each in values["files"])
    elif kind is Compacted:
        values["file"] = _file(values["file"])
        values["replaces"] = tuple(values["replaces"])
    line: Line = kind(**values)
    return line


def _file(found: dict[str, Any]) -> File:
    return File(**{each.name: found[each.name] for each in fields(File)})


class Manifest:
    """What a manifest says, as of when it was read.

    `lines` in order; `damage`: lines that cannot be believed; `torn`: bytes at the end that are no
    whole line, `whole_bytes` those before them.
    """

    def __init__(self, lines: list[Line], damage: list[Damage], torn: int, whole_bytes: int):
        self.lines = lines
        self.damage = damage
        self.torn = torn
        self.whole_bytes = whole_bytes

    @property
    def starts(self) -> list[Start]:
        """Runs of recorders, oldest first."""
        return [line for line in self.lines if isinstance(line, Start)]

    def segments(self, venue: str) -> list[Segment]:
        """Segments of a venue by epoch and record, their files as they are after compaction.

        A file of a finished day is in each of its segments, once: ask :meth:`files` for files.
        """
        instead: dict[str, File] = {}
        for line in self.lines:
            if isinstance(line, Compacted) and line.venue == venue:
                instead.update(dict.fromkeys(line.replaces, line.file))
        found = [
            _with(line, instead)
            for line in self.lines
            if isinstance(line, Segment) and line.venue == venue
        ]
        return sorted(found, key=lambda segment: (segment.epoch, segment.first))

    def files(self, venue: str | None = None) -> list[File]:
        """Files that a reader has to read, each once; None: of all venues."""
        replaced: set[str] = set()
        found: dict[str, File] = {}
        for line in self.lines:
            if not isinstance(line, (Segment, Compacted)) or venue not in (None, line.venue):
                continue
            if isinstance(line, Compacted):
                replaced.update(line.replaces)
            for each in line.files if isinstance(line, Segment) else (line.file,):
                found[each.path] = each
        return [each for path, each in found.items() if path not in replaced]

    def losses(self, venue: str) -> list[Loss]:
        """What of a venue is missing, by epoch and record."""
        found = [line for line in self.lines if isinstance(line, Loss) and line.venue == venue]
        return sorted(found, key=lambda loss: (loss.epoch, loss.first))

    def unseen(self, venue: str) -> list[Loss]:
        """Losses of whole epochs: no segment has anything of them."""
        there = {segment.epoch for segment in self.segments(venue)}
        return [loss for loss in self.losses(venue) if loss.epoch not in there]

    def ends(self, venue: str) -> dict[int, End]:
        """The epochs of a venue whose end the recorder saw."""
        return {
            line.epoch: line for line in self.lines if isinstance(line, End) and line.venue == venue
        }

    def venues(self) -> list[str]:
        """Venues that have a segment, by name."""
        return sorted({line.venue for line in self.lines if isinstance(line, Segment)})


def _with(segment: Segment, instead: dict[str, File]) -> Segment:
    if not any(each.path in instead for each in segment.files):
        return segment
    kept = {each.path: each for each in (instead.get(e.path, e) for e in segment.files)}
    values = {each.name: getattr(segment, each.name) for each in fields(segment)}
    return Segment(**values | {"files": tuple(kept.values())})


def read(directory: Path, *, needed: bool = True) -> Manifest:
    """The manifest of a recording. Without `needed`, none at all is an empty one.

    Raises :class:`NoRecording`; :class:`OtherFormat` of one that a later version wrote.
    """
    path = directory / MANIFEST
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if not needed:
            return Manifest([], [], 0, 0)
        what = "it has no _manifest.jsonl" if directory.is_dir() else "there is no such directory"
        raise NoRecording(f"{directory} is no recording: {what}") from None
    except OSError as error:
        why = f": {whose(path)}" if isinstance(error, PermissionError) else ""
        raise DamagedRecording(f"{path}: {error.strerror}{why}") from error
    whole = data.rfind(b"\n") + 1
    lines: list[Line] = []
    damage: list[Damage] = []
    for number, text in enumerate(data[:whole].splitlines(), 1):
        try:
            line = decoded(text.decode())
        except (ValueError, KeyError, TypeError) as error:
            damage.append(Damage(number, text[:200].decode(errors="replace"), str(error)))
            continue
        if line is not None:
            _check_format(path, line)
            lines.append(line)
    return Manifest(lines, damage, len(data) - whole, whole)


def _check_format(path: Path, line: Line) -> None:
    if isinstance(line, Start) and line.format != FORMAT:
        raise OtherFormat(
            f"{path}: format {line.format} of feedhandler {line.version}, and this one reads "
            f"format {FORMAT}: use that version, or record into another directory",
            line.format,
            FORMAT,
        )


def holes(manifest: Manifest, venue: str) -> Iterator[tuple[int, int, int | None]]:
    """(epoch, first, last) of what is between the segments, without asking any `loss` line.

    Within an epoch; before the first segment of each but the recording's first epoch; and after
    the last segment of an epoch, up to its end: `last` is None if that end was not seen, which
    says nothing of the newest epoch.
    """
    segments = manifest.segments(venue)
    ends = manifest.ends(venue)
    for at, segment in enumerate(segments):
        before = segments[at - 1] if at else None
        if before is not None and before.epoch != segment.epoch:
            end = ends.get(before.epoch)
            if end is None:
                yield before.epoch, before.last + 1, None
            elif end.last > before.last:
                yield before.epoch, before.last + 1, end.last
        next_one = before.last + 1 if before and before.epoch == segment.epoch else 1
        if before is not None and segment.first > next_one:
            yield segment.epoch, next_one, segment.first - 1
    newest = ends.get(segments[-1].epoch) if segments else None
    if newest is not None and newest.last > segments[-1].last:
        yield newest.epoch, segments[-1].last + 1, newest.last
