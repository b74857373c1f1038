"""Writing a capture (`capture/frames_file.py` has the format): whole lines, in whole parts.

Lines are gathered and written a part at a time, each compressed by itself. A part that does not fit
on the disk is taken back: the file ends with the last one that did, and is a whole capture.
"""

import gzip
import os
from base64 import b64encode
from pathlib import Path
from types import TracebackType

import msgspec
import zstandard

from feedhandler.capture.frames_file import Frame

ENDINGS = (".ndjson", ".jsonl")
_COMPRESSED = (".gz", ".zst")
_PART_BYTES = 1 << 20

_encoder = msgspec.json.Encoder()


class CaptureWriteError(OSError):
    """The disk takes no more: in words, with what is whole in the file."""


def check_name(path: Path) -> None:
    """Raises ValueError for a name that promises something else than a capture."""
    rest = path.with_suffix("") if path.suffix in _COMPRESSED else path
    ending = rest.suffix
    if ending and ending not in ENDINGS and not ending[1:].isdigit():
        known = ", ".join((*ENDINGS, *(ENDINGS[0] + each for each in _COMPRESSED)))
        raise ValueError(f"{path}: a capture is not {ending}: its name ends with {known}")


class FrameWriter:
    """Writes a capture, compressed as the name's end says: `.zst`, `.gz`, or plain.

    A context manager. What was written before the last `flush()` survives a kill, and every MiB
    is flushed by itself. `venue` goes into the first line. A file that is there already is
    FileExistsError, unless `force`. Raises OSError, and :class:`CaptureWriteError` for a part that
    could not be written: what came before it is whole, `frames` and `bytes` count that, and
    nothing more is taken.
    """

    def __init__(self, path: Path | str, *, venue: str | None = None, force: bool = False) -> None:
        self.path = Path(path)
        self.frames = 0
        self.bytes = 0  #: before compression
        self._venue = venue
        self._part = bytearray()
        self._whole = (0, 0, 0)  # frames and bytes of the parts that are written; where they end
        self._failed: CaptureWriteError | None = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        special = self.path.exists() and not self.path.is_file()  # a pipe, /dev/null
        self._fd = os.open(path, flags | (os.O_TRUNC if force or special else os.O_EXCL), 0o666)

    def write(self, frame: Frame) -> None:
        """Append one frame."""
        if self._failed is not None:
            raise self._failed
        fields: dict[str, object] = {}
        if venue := frame.venue or self._venue:
            fields["venue"] = venue
            self._venue = None
        fields |= {
            "t": frame.t,
            "kind": frame.kind,
            "dir": frame.dir,
            "url": frame.url,
            "conn": frame.conn,
            "data": None,
        }
        if frame.enc:
            fields["enc"] = frame.enc
        if frame.req is not None:
            fields["req"] = frame.req
        if frame.data is not None:
            try:
                fields["data"] = frame.data.decode()
            except UnicodeDecodeError:
                fields["data"] = b64encode(frame.data).decode()
                fields["enc"] = "base64"
        line = _encoder.encode(fields) + b"\n"
        self._part += line
        self.frames += 1
        self.bytes += len(line)
        if len(self._part) >= _PART_BYTES:
            self.flush()

    def flush(self) -> None:
        """Everything written so far can be read from the file, even if we die now."""
        if not self._part:
            return
        data = memoryview(self._compressed(bytes(self._part)))
        end = self._whole[2] + len(data)
        self._part.clear()
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            self._take_back(error)
        self._whole = self.frames, self.bytes, end

    def _compressed(self, part: bytes) -> bytes:
        if self.path.suffix == ".zst":
            return zstandard.ZstdCompressor(level=3).compress(part)
        if self.path.suffix == ".gz":
            return gzip.compress(part, compresslevel=6)
        return part

    def _take_back(self, error: OSError) -> None:
        self.frames, self.bytes, end = self._whole
        if self.path.is_file():
            os.ftruncate(self._fd, end)
        text = f"{error.strerror}: the capture ends with its first {self.frames} frames, all whole"
        self._failed = CaptureWriteError(error.errno, text, str(self.path))
        raise self._failed from error

    def close(self) -> None:
        """Finish the file. Harmless when called twice."""
        if self._fd < 0:
            return
        try:
            self.flush()
        finally:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "FrameWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
