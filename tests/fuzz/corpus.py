"""What fuzzing starts from: our own small inputs, samples of frames, and what venues sent."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from feedhandler.capture.frames_file import CaptureError, read_frames
from tests.kit.recordings import folder

SEEDS = Path(__file__).with_name("seeds")
SAMPLES = Path(__file__).parents[1] / "venues" / "samples"
UNIT = 4096  # bytes, at most
FILES = 12  # of a venue's recordings
FRAMES = 400  # of a file
TOGETHER = 6  # frames in a row, as one input
LONGEST = 2500  # bytes of a frame


def seeds(name: str) -> list[bytes]:
    """The project's own: the paragraphs of `seeds/NAME.txt`, which may not be there."""
    path = SEEDS / f"{name}.txt"
    if not path.exists():
        return []
    return [part.strip(b"\n") for part in path.read_bytes().split(b"\n\n") if part.strip()]


def sampled(name: str) -> list[bytes]:
    """What a venue's documentation prints, some in a row together; nothing of what has none."""
    path = SAMPLES / f"{name}.ndjson"
    if not path.exists():
        return []
    lines = map(orjson.loads, path.read_bytes().splitlines())
    frames = (line["in"].encode() for line in lines if "rest" not in line)
    return [b"\n".join(some)[:UNIT] for some in _batched(frames, TOGETHER)]


def recorded(venue: str) -> Iterator[bytes]:
    """Frames of a venue's recordings, some in a row together; nothing where there are none."""
    name = venue.replace("-", "_")
    places = name, f"{name}_spot", venue.partition("-")[0]
    paths = [path for place in dict.fromkeys(places) for path in _captures(folder() / place)]
    for path in paths[:FILES]:
        for frames in _batched(_payloads(path), TOGETHER):
            yield b"\n".join(frames)[:UNIT]


def _captures(place: Path) -> list[Path]:
    return sorted(place.rglob("*.ndjson*")) if place.is_dir() else []


def _payloads(path: Path) -> Iterator[bytes]:
    try:
        for frame in itertools.islice(read_frames(path), FRAMES):
            data = frame.data
            if data is not None and len(data) <= LONGEST and b"\n" not in data:
                yield (b"" if frame.kind == "ws" else b"?0") + data
    except CaptureError:
        return  # another venue's kind of file


def _batched(items: Iterable[bytes], count: int) -> Iterator[list[bytes]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, count)):
        yield batch


def write(target: str, venue: str | None, place: Path) -> Path:
    """The corpus of a target, a file an input, in a folder of its own inside `place`."""
    corpus = place / target
    corpus.mkdir(parents=True, exist_ok=True)
    for data in [*seeds(target), *sampled(target), *(recorded(venue) if venue else ())]:
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return corpus
