"""Frames as people have them: a capture, a file of one frame a line, or what comes by a pipe."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from feedhandler.capture.frames_file import CaptureError, Frame, parse_frame, read_lines
from feedhandler.capture.writer import FrameWriter

PIPE = Path("-")
_OURS = ("dir", "kind", "wire_b64")  # keys of a capture's lines, of which a frame has none


@contextmanager
def as_capture(path: Path, stdin: IO[bytes] | None = None) -> Iterator[Path]:
    """A capture of the same frames, for as long as it is needed; a capture is one already.

    Raises CaptureError for what cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="feedhandler-") as folder:
        if path == PIPE:
            path = Path(folder) / "stdin"
            path.write_bytes((stdin or sys.stdin.buffer).read())
        if _is_capture(path):
            yield path
            return
        made = Path(folder) / "frames.ndjson"
        some = False
        with FrameWriter(made) as writer:
            for _, line in read_lines(path):
                some = True
                writer.write(_answer(line) or Frame(data=line, conn="frames"))
        if not some:
            raise CaptureError(path, 0, "no frame is in it")
        yield made


def _answer(line: bytes) -> Frame | None:
    """Of a line {"url": ..., "data": ...}: what a request was answered, the data as text or as it
    is; None: the line is a frame."""
    try:
        raw = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        if raw.keys() != {"url", "data"}:
            return None
        url, data = msgspec.json.decode(raw["url"], type=str), bytes(raw["data"])
        if data[:1] == b'"':
            data = msgspec.json.decode(data, type=str).encode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Frame(kind="rest", url=url, conn="rest", data=data) if url.startswith("http") else None


def _is_capture(path: Path) -> bool:
    """Whether its first line that is JSON is one of a capture."""
    for number, line in read_lines(path):
        try:
            raw = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if not isinstance(raw, dict):
            return False
        try:
            frame = parse_frame(line, path, number)
        except CaptureError:
            return False
        named = any(key in raw for key in _OURS) or (frame.data is not None and "t" in raw)
        return named and ("data" in raw or "wire_b64" in raw)
    return False
