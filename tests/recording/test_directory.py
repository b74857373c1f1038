"""What cannot be recorded into is refused, with the cure; what a crash left goes aside."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from feedhandler.recording.directory import Busy, RecordingDirectory
from feedhandler.recording.part import Part
from shm.recording import manifest
from shm.recording.errors import OtherFormat, RecordingError
from shm.recording.manifest import Segment, Start
from shm.recording.schema import FORMAT, part_name, partition
from tests.cli.support import json_of, run
from tests.recording import kept
from tests.recording.market import Market
from tests.recording.recorders import Child, at_end, recording


def test_two_recorders_of_one_directory(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace) as recorder:
        at_end(recorder, market)
        with pytest.raises(Busy, match=f"process {os.getpid()} records into .*--to"):
            RecordingDirectory(tmp_path)
        refused = run("record", "--to", str(tmp_path), "--namespace", market.namespace)
        assert refused.returncode == 2
        assert f"process {os.getpid()} records into {tmp_path}" in refused.stderr
    assert kept.check(tmp_path, market).losses == []


def test_a_lock_dies_with_its_recorder(tmp_path: Path, market: Market) -> None:
    child = Child(tmp_path, market.namespace)
    while not (tmp_path / "_manifest.jsonl").exists():
        market.step()
    child.end(signal.SIGKILL)
    RecordingDirectory(tmp_path).close()


def test_a_directory_of_another_version(tmp_path: Path) -> None:
    line = Start(1, 1, "9.9.9", format=FORMAT + 1)
    (tmp_path / "_manifest.jsonl").write_bytes(manifest.encoded(line))
    with pytest.raises(OtherFormat, match=r"9\.9\.9.*record into another directory"):
        RecordingDirectory(tmp_path)
    assert (tmp_path / "_manifest.jsonl").read_bytes() == manifest.encoded(line)


def test_a_recording_without_its_manifest_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "venue=sim" / "table=book" / "x.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"kept")
    with pytest.raises(RecordingError, match=r"no _manifest\.jsonl that names them.*--to"):
        RecordingDirectory(tmp_path)
    assert path.read_bytes() == b"kept"


def test_a_place_that_is_no_directory_or_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=r"cannot record into .*--to"):
        RecordingDirectory(tmp_path / "file")
    with pytest.raises(RecordingError, match=r"cannot record into /proc/feed: .*--to"):
        RecordingDirectory(Path("/proc/feed"))
    refused = run("record", "--to", "/proc/feed", "-v", "okx", "--namespace", "nobody")
    assert refused.returncode == 2
    assert "cannot record into /proc/feed" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_nothing_to_record_is_said(tmp_path: Path) -> None:
    found = run("record", "--to", str(tmp_path / "to"), "--namespace", "nobody-there")
    assert found.returncode == 3
    assert "nobody-there" in found.stderr
    assert not (tmp_path / "to").exists()
    assert run("record").returncode == 2
    wrong = run("record", "--to", str(tmp_path / "to"), "-v", "okx", "--rotate", "0")
    assert wrong.returncode == 2
    assert "rotate_s" in wrong.stderr


def test_what_no_line_names_goes_aside_and_a_torn_line_goes(tmp_path: Path) -> None:
    directory = RecordingDirectory(tmp_path)
    directory.append([Start(1, 1, "x")])
    name = partition("sim", "book", "2026-11-30", "spot") / part_name(7, 1)
    part = Part(tmp_path, name, "book", "spot")
    directory.close()
    with (tmp_path / "_manifest.jsonl").open("ab") as file:
        file.write(b'{"type":"segm')
    (tmp_path / "venue=sim" / "stray.parquet").write_bytes(b"stray")
    (tmp_path / "mine.parquet").write_bytes(b"mine")
    again = RecordingDirectory(tmp_path)
    moved = again.tidy()
    again.close()
    assert {line.was for line in moved} == {f"{name}.partial", "venue=sim/stray.parquet"}
    assert not part.partial.exists()
    assert (tmp_path / "mine.parquet").exists()
    assert not list((tmp_path / "_quarantine").rglob("*.parquet"))
    assert [line["type"] for line in kept.lines(tmp_path)] == ["start", "quarantine", "quarantine"]
    assert not manifest.read(tmp_path).torn


def test_a_damaged_manifest_costs_no_file(tmp_path: Path, market: Market) -> None:
    """Of a line that cannot be read nobody knows which files it named: none is put away."""
    with recording(tmp_path, market.namespace) as recorder:
        at_end(recorder, market)
    path = tmp_path / "_manifest.jsonl"
    names = sorted(tmp_path.rglob("*.parquet"))
    path.write_bytes(path.read_bytes().replace(b'"segment"', b'"segmemt"', 1))
    directory = RecordingDirectory(tmp_path)
    assert directory.tidy() == []
    directory.close()
    assert sorted(tmp_path.rglob("*.parquet")) == names


def test_a_manifest_that_was_removed_is_noticed(tmp_path: Path) -> None:
    directory = RecordingDirectory(tmp_path)
    (tmp_path / "_manifest.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match="the manifest was removed"):
        directory.append([Start(1, 1, "x")])
    directory.close()


def test_the_command_records_and_says_so(tmp_path: Path, market: Market) -> None:
    market.until(200)
    to = tmp_path / "kept"
    arguments = ("record", "--to", str(to), "--namespace", market.namespace)
    told = json_of(run(*arguments, "--seconds", "1", "--free-mib", "1", "--json"))
    assert told["venues"][0]["records"] == market.published
    assert told["venues"][0]["lost"] == 0
    assert kept.check(to, market).losses == []
    assert isinstance(manifest.read(to).segments("sim")[0], Segment)
