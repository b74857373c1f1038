"""The manifest: what is believed of it, and which holes it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from shm.recording import manifest
from shm.recording.errors import NoRecording, OtherFormat
from shm.recording.manifest import Compacted, End, File, Loss, Segment, Start
from shm.recording.schema import FORMAT

VENUE = "sim"


def file(path: str, first: int, last: int) -> File:
    return File(path, "book", "spot", last - first + 1, 1000, "00" * 16, first, last)


def segment(epoch: int, first: int, last: int) -> Segment:
    files = (file(f"{epoch}-{first}", first, last),)
    count = last - first + 1
    return Segment(1, VENUE, epoch, first, last, count, "2026-11-30", 5, 9, True, "run", files)


def write(directory: Path, *lines: manifest.Line) -> Path:
    path = directory / manifest.MANIFEST
    path.write_bytes(b"".join(map(manifest.encoded, lines)))
    return path


def test_each_line_comes_back(tmp_path: Path) -> None:
    lines: list[manifest.Line] = [
        Start(1, 77, "0.1.0", config={"rotate_s": 300}),
        segment(1, 1, 10),
        Loss(2, VENUE, 1, 11, None, None, manifest.KILLED, 9, None),
        End(3, VENUE, 1, 12, "died"),
        manifest.Pause(4, manifest.DISK_FULL, 100),
        manifest.Resume(5, 10**10),
        Compacted(6, VENUE, 1, "2026-11-30", file("day", 1, 10), ("1-1",)),
        manifest.Quarantine(7, "a.partial", "_quarantine/a.partial", 12),
        manifest.Stop(8, 77, "stopped"),
    ]
    write(tmp_path, *lines)
    found = manifest.read(tmp_path)
    assert found.lines == lines
    assert not found.damage
    assert found.torn == 0
    assert [each.path for each in found.files()] == ["day"]
    assert [each.path for each in found.segments(VENUE)[0].files] == ["day"]
    assert found.venues() == [VENUE]


def test_a_torn_end_counts_for_nothing_and_damage_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, segment(1, 1, 10), segment(1, 11, 20), segment(1, 21, 30))
    data = path.read_bytes()
    path.write_bytes(data[:-10])
    found = manifest.read(tmp_path)
    assert [each.last for each in found.segments(VENUE)] == [10, 20]
    assert found.whole_bytes + found.torn == len(data) - 10
    assert found.torn > 0
    assert not found.damage

    path.write_bytes(data.replace(b'"last":20', b'"last":19', 1))
    found = manifest.read(tmp_path)
    assert [each.last for each in found.segments(VENUE)] == [10, 30]
    assert [each.number for each in found.damage] == [2]


def test_a_line_of_a_later_kind_is_passed_over_but_another_format_is_refused(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, segment(1, 1, 10))
    body = '{"type":"merged","time_ns":1}'
    late = f'{body[:-1]},"check":"{manifest._check(body)}"}}\n'
    path.write_bytes(late.encode() + path.read_bytes())
    found = manifest.read(tmp_path)
    assert len(found.lines) == 1
    assert not found.damage
    write(tmp_path, Start(1, 77, "9.0.0", format=FORMAT + 1))
    with pytest.raises(OtherFormat, match=r"9\.0\.0.*another directory"):
        manifest.read(tmp_path)


def test_no_recording_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoRecording, match="no such directory"):
        manifest.read(tmp_path / "none")
    with pytest.raises(NoRecording, match=r"_manifest\.jsonl"):
        manifest.read(tmp_path)
    assert manifest.read(tmp_path, needed=False).lines == []


def test_holes_are_those_between_segments(tmp_path: Path) -> None:
    write(
        tmp_path,
        segment(1, 5, 10),
        segment(1, 11, 20),
        segment(1, 31, 40),
        segment(2, 4, 9),
        End(1, VENUE, 2, 12, "superseded"),
        segment(3, 1, 9),
        End(1, VENUE, 3, 11, "stopped"),
    )
    found = manifest.read(tmp_path)
    assert list(manifest.holes(found, VENUE)) == [
        (1, 21, 30),
        (1, 41, None),
        (2, 1, 3),
        (2, 10, 12),
        (3, 10, 11),
    ]
