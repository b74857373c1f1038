"""Captures: raw frames of a venue on disk, a JSON object a line; plain, gzip or zstandard.

    {"t": receive ns or null, "kind": "ws"|"rest", "dir": "in"|"out"|"open"|"close", "url": ...,
     "conn": ..., "data": "<verbatim text>", "req": "<what was posted for it>"}

Keys may be missing, unknown keys are skipped, the order is the order of arrival. `open` and
`close` are the life of a connection and have no data. A frame that is not UTF-8 is written in
base64 with `"enc": "base64"`; other values of `enc` say how a frame came over the wire, its `data`
is plain. A frame as it was on the wire may be there instead, in base64 as `wire_b64`. The first
line of our own captures says `"venue"`.
"""

import binascii
import gzip
import io
import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import urlsplit

import msgspec
import zstandard

from shm.permissions import whose

if TYPE_CHECKING:
    from typing_extensions import Buffer

DIRECTIONS = ("in", "out", "open", "close")
_LINE_BYTES = 256 << 20  # a list of all instruments is 20 MB; more than this is not a line
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class CaptureError(ValueError):
    """A capture that cannot be read: `path`, `line` (from 1; 0 = the file itself), `problem`."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {problem}")
        self.path = path
        self.line = line
        self.problem = problem


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `t`: receive time, unix ns; `data`: the payload, None of `open` and `close`;
    `enc`: how it came, "" if just so; `req`: what was posted for it, None where nothing was."""

    t: int | None = None
    kind: str = "ws"
    dir: str = "in"
    url: str | None = None
    conn: str | None = None
    data: bytes | None = None
    venue: str | None = None
    enc: str = ""
    req: str | None = None


class _Line(msgspec.Struct):
    """A line as it may be; `parse_frame` makes sense of it."""

    t: int | float | None = None
    kind: str | None = None
    dir: str | None = None
    url: str | None = None
    conn: str | int | None = None
    data: str | None = None
    enc: str | None = None
    venue: str | None = None
    req: str | None = None
    wire_b64: str | None = None


_decoder = msgspec.json.Decoder(_Line)


def read_frames(path: Path | str) -> Iterator[Frame]:
    """Every frame, in order. Raises :class:`CaptureError` at the first broken line."""
    path = Path(path)
    for number, line in read_lines(path):
        yield parse_frame(line, path, number)


def read_lines(path: Path | str) -> Iterator[tuple[int, bytes]]:
    """(number from 1, text) of every line that is not empty, for who wants to go on after one.

    Raises :class:`CaptureError` for a file that cannot be opened, whose compression breaks off
    (after the lines before the break), or with a line of absurd length.
    """
    path = Path(path)
    number = 0
    try:
        with _open(path) as source:
            while line := source.readline(_LINE_BYTES):
                number += 1
                if len(line) == _LINE_BYTES:
                    raise CaptureError(path, number, f"no end of line in {_LINE_BYTES >> 20} MiB")
                if line := line.strip():
                    yield number, line
    except OSError as error:  # gzip.BadGzipFile is one
        why = f": {whose(path)}" if isinstance(error, PermissionError) else ""
        raise CaptureError(path, 0, f"cannot be read: {error.strerror or error}{why}") from None
    except (EOFError, zlib.error, zstandard.ZstdError) as error:
        raise CaptureError(path, number + 1, f"the compressed data breaks off: {error}") from None


def parse_frame(line: bytes, path: Path | str = "capture", number: int = 0) -> Frame:
    """One line of a capture. Raises :class:`CaptureError` that says what is wrong with it."""
    path = Path(path)
    try:
        raw = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise CaptureError(path, number, f"not a frame: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaptureError(path, number, f"not a JSON object: {error}") from None
    kind = raw.kind or ("rest" if (raw.url or "").startswith("http") else "ws")
    direction = raw.dir or "in"
    if kind not in ("ws", "rest"):
        raise CaptureError(path, number, f"kind {kind[:40]!r}: 'ws' or 'rest' is allowed")
    if direction not in DIRECTIONS:
        allowed = ", ".join(map(repr, DIRECTIONS))
        raise CaptureError(path, number, f"dir {direction[:40]!r}: {allowed} are allowed")
    if raw.data is None and raw.wire_b64 is None and direction in ("in", "out"):
        raise CaptureError(path, number, "no data: the frame's text is missing")
    try:
        urlsplit(raw.url or "")
    except ValueError as error:
        raise CaptureError(path, number, f"url {str(raw.url)[:40]!r}: {error}") from None
    if raw.t is not None and not abs(raw.t) < 2**63:
        raise CaptureError(path, number, f"t {raw.t!r}: nanoseconds since 1970 are allowed")
    return Frame(
        t=None if raw.t is None else int(raw.t),
        kind=kind,
        dir=direction,
        url=raw.url,
        conn=None if raw.conn is None else str(raw.conn),
        data=_payload(raw, path, number),
        venue=raw.venue,
        enc=raw.enc if raw.enc and raw.enc != "base64" and raw.data is not None else "",
        req=raw.req,
    )


def _payload(raw: _Line, path: Path, number: int) -> bytes | None:
    if raw.data is None and raw.wire_b64 is None:
        return None
    try:
        if raw.data is None:
            return b64decode(raw.wire_b64 or "", validate=True)
        if raw.enc == "base64":
            return b64decode(raw.data, validate=True)
        return raw.data.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise CaptureError(path, number, f"data cannot be turned into bytes: {error}") from None


def _open(path: Path) -> IO[bytes]:
    """By what the file is, not by what it is called."""
    source = path.open("rb")
    magic = source.read(4)
    source.seek(0)
    if magic.startswith(_GZIP):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=source))
    if magic == _ZSTD:
        return io.BufferedReader(_ZstdReader(source), 1 << 20)
    return source


class _ZstdReader(io.RawIOBase):
    """Zstandard, frame after frame. Raises EOFError where one breaks off."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._decompressor = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        while not self._ready:
            if self._decompressor.eof:
                chunk = self._decompressor.unused_data
                self._decompressor = zstandard.ZstdDecompressor().decompressobj()
                self._begun = False
            else:
                chunk = b""
            chunk = chunk or self._source.read(1 << 18)
            if not chunk:
                if self._begun:
                    raise EOFError("the end of the file in the middle of a frame")
                return 0
            self._begun = True
            self._ready = memoryview(self._decompressor.decompress(chunk))
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def close(self) -> None:
        self._source.close()
        super().close()
