"""The directory that a recording is in: one recorder at a time, and what is committed in it.

Nothing counts but what the manifest names. A file that it does not name was left by a recorder that
was cut off: it goes to `_quarantine`, and a line says so.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import time_ns

from feedhandler.log import log
from feedhandler.recording import points
from shm.permissions import whose
from shm.recording import manifest
from shm.recording.errors import RecordingError
from shm.recording.manifest import MANIFEST, Compacted, Line, Manifest, Quarantine
from shm.recording.schema import LOCK, PARTIAL, QUARANTINE

_AT_ONCE = 16
OUT_OF_SIGHT = ".was"  #: behind names in quarantine: no `*.parquet` that somebody reads finds them


class Busy(RecordingError):  # noqa: N818 - says what happened
    """Another process records into the directory."""


class RecordingDirectory:
    """The directory, held until `close`. `manifest`: what it said when it was opened.

    Raises :class:`Busy`, :class:`RecordingError` (no directory that can be written, with the cure),
    :class:`shm.recording.errors.OtherFormat`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = self._file = -1
        try:
            self._open()
        except OSError as error:
            self.close()
            why = f": {whose(path)}" if isinstance(error, PermissionError) else ""
            raise RecordingError(
                f"cannot record into {path}: {error.strerror}{why}: give a directory that this "
                "user may write to (--to, or the key `to` of [record])"
            ) from error
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(self._lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise Busy(
                f"process {pid} records into {self.path}: stop it, or give another directory (--to)"
            ) from None
        self.manifest = manifest.read(self.path, needed=False)
        if not self.manifest.lines and any(self.path.glob("venue=*")):
            raise RecordingError(
                f"{self.path} has files of a recording and no {MANIFEST} that names them: move "
                "them away, or give another directory (--to)"
            )
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self.path / MANIFEST, flags, 0o644)
        os.ftruncate(self._file, self.manifest.whole_bytes)
        self._bytes = self.manifest.whole_bytes
        os.fsync(self._file)
        sync_directory(self.path)

    def close(self) -> None:
        """Let others have it."""
        for fd in (self._file, self._lock):
            if fd >= 0:
                os.close(fd)
        self._lock = self._file = -1

    def append(self, lines: Sequence[Line]) -> None:
        """Commit lines: they are on the disk, all of them, or OSError says that none is."""
        data = b"".join(map(manifest.encoded, lines))
        if os.fstat(self._file).st_nlink == 0:
            raise FileNotFoundError(2, "the manifest was removed", str(self.path / MANIFEST))
        points.at("manifest: before the line")
        try:
            half = len(data) // 2
            _write(self._file, data[:half])
            points.at("manifest: half a line")
            _write(self._file, data[half:])
            points.at("manifest: before it is synced")
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._bytes)
            raise
        self._bytes += len(data)
        points.at("manifest: committed")

    def free_bytes(self) -> int:
        """What this user may still write."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    # ---- after a crash

    def tidy(self) -> list[Quarantine]:
        """Put away what no line names. Files that a finished day has replaced are removed."""
        known = self.manifest
        committed = {each.path for each in known.files()}
        replaced = _replaced(known)
        lines = []
        for path in self._data_files():
            name = path.relative_to(self.path).as_posix()
            if name in committed:
                continue
            if name in replaced:
                path.unlink()
            elif not known.damage or name.endswith(PARTIAL):
                lines.append(self._put_away(path, name))
        if known.torn:
            log.warning("the last line of %s was cut off: ignored", self.path / MANIFEST)
        if lines:
            self.append(lines)
        return lines

    def _put_away(self, path: Path, name: str) -> Quarantine:
        size = path.stat().st_size
        target = self.path / QUARANTINE / f"{time_ns()}-{name.replace('/', '~')}{OUT_OF_SIGHT}"
        target.parent.mkdir(exist_ok=True)
        points.at("quarantine: before a file is moved")
        path.rename(target)
        points.at("quarantine: a file is moved")
        log.warning("%s was not finished when a recorder ended: it is in %s now", name, QUARANTINE)
        where = target.relative_to(self.path).as_posix()
        return Quarantine(time_ns(), name, where, size)

    def _data_files(self) -> Iterator[Path]:
        for venue in sorted(self.path.glob("venue=*")):
            for path in sorted(venue.rglob("*.parquet*")):
                if path.is_file():
                    yield path


def _replaced(known: Manifest) -> set[str]:
    compacted = (line for line in known.lines if isinstance(line, Compacted))
    return {path for line in compacted for path in line.replaces}


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def sync_directory(path: Path) -> None:
    """Names in it are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directories(path: Path) -> set[Path]:
    """Make it, with those above it; which directories got a new name by that."""
    missing = [path]
    while not missing[-1].parent.is_dir():
        missing.append(missing[-1].parent)
    path.mkdir(parents=True, exist_ok=True)
    return {each.parent for each in missing}


def at_once(work: Iterable[Callable[[], object]]) -> None:
    """Syncs that wait for the disk together: it writes them in one go. Raises what one raises."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for each in [pool.submit(one) for one in work]:
            each.result()
