"""A finished day in few files: the same rows, whatever ends the one who makes them."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedhandler.recording import points
from feedhandler.recording.compaction import compact
from feedhandler.recording.directory import RecordingDirectory
from shm.recording import manifest
from shm.recording.errors import DamagedRecording
from tests.cli.support import json_of, run
from tests.conftest import remove_objects
from tests.recording import kept
from tests.recording.market import DAY, NS, VENUE, Market
from tests.recording.recorders import at_end, recording, until


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    namespace = f"test-compaction-{os.getpid()}"
    try:
        with Market(namespace, now_ns=1_700_000_000 * NS) as made:
            yield made
    finally:
        remove_objects(namespace)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, market: Market) -> Path:
    """Two days, in several segments each, and two epochs."""
    tmp_path = tmp_path_factory.mktemp("recorded")
    for segments in (2, 2):
        with recording(tmp_path, market.namespace, rotate_s=0.1) as recorder:
            for _ in range(segments):
                before = recorder._venues[VENUE].segments
                market.until(60)
                at_end(recorder, market)
                until(lambda: recorder._venues[VENUE].segments > before, "a segment")  # noqa: B023
            market.restart()
            at_end(recorder, market)
    market.now_ns += DAY
    with recording(tmp_path, market.namespace) as recorder:
        market.until(60)
        at_end(recorder, market)
    return tmp_path


@pytest.fixture(scope="module")
def state(once: Path, market: Market) -> tuple[kept.Kept, Counter[str], int]:
    """What a reader of it gets."""
    return _state(once, market)


@pytest.fixture
def recorded(tmp_path: Path, once: Path) -> Path:
    """The same, for a test alone."""
    return Path(shutil.copytree(once, tmp_path / "recorded"))


def _compact(root: Path, today: str) -> list[manifest.Compacted]:
    directory = RecordingDirectory(root)
    try:
        directory.tidy()
        return list(compact(directory, today))
    finally:
        directory.close()


def _state(root: Path, market: Market) -> tuple[kept.Kept, Counter[str], int]:
    """What a reader gets, whatever files it is in; and the rows of each table, as they are said:
    that those of instruments are there is looked at here, those of the others there."""
    rows: Counter[str] = Counter()
    for each in kept.files(root):
        rows[each["table"]] += each["rows"]
    return kept.check(root, market), rows, len(kept.tables(root, "instruments"))


def _of_day(root: Path, day: str) -> Counter[tuple[str, str]]:
    """How many files of each partition and epoch."""
    paths = [Path(each["path"]) for each in kept.files(root)]
    return Counter(
        (str(path.parent), path.name.split("-")[1]) for path in paths if f"date={day}" in str(path)
    )


def test_a_finished_day_is_the_same_in_few_files(recorded: Path, market: Market) -> None:
    before = _state(recorded, market)
    days = sorted({line["day"] for line in kept.lines(recorded, "segment")})
    files = _of_day(recorded, days[0])
    assert len(days) > 1
    done = _compact(recorded, days[1])
    assert done
    assert {line.day for line in done} == {days[0]}
    assert _state(recorded, market) == before
    assert max(files.values()) > 1
    assert _of_day(recorded, days[0]) == dict.fromkeys(files, 1)
    there = {each.relative_to(recorded).as_posix() for each in recorded.rglob("*.parquet")}
    assert there == {each["path"] for each in kept.files(recorded)}
    assert all(Path(line.file.path).name.startswith("day-") for line in done)
    assert _compact(recorded, days[1]) == []
    with recording(recorded, market.namespace) as recorder:  # and recording goes on
        market.until(60)
        at_end(recorder, market)
    kept.check(recorded, market)


def test_the_command(recorded: Path) -> None:
    told = json_of(run("record", "--to", str(recorded), "--compact", "--json"))
    assert told["files"]
    assert told["files"] == [line["file"]["path"] for line in kept.lines(recorded, "compacted")]
    again = run("record", "--to", str(recorded), "--compact")
    assert "no finished day" in again.stdout
    assert run("record", "--to", str(recorded / "none"), "--compact").returncode == 2


@pytest.mark.parametrize(
    "at",
    [
        "part: before it is opened",
        "compaction: proved",
        "part: renamed",
        "compaction: before it counts",
        "manifest: half a line",
        "manifest: committed",
        "compaction: before parts are removed",
        "compaction: a part is removed",
    ],
)
def test_killed_anywhere(
    recorded: Path, market: Market, state: tuple[kept.Kept, Counter[str], int], at: str
) -> None:
    pid = os.fork()
    if pid == 0:
        _killed_at(recorded, at)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    _compact(recorded, "2100-01-01")
    assert _state(recorded, market) == state
    there = {each.relative_to(recorded).as_posix() for each in recorded.rglob("*.parquet*")}
    assert {each for each in there if not each.startswith("_")} == {
        each["path"] for each in kept.files(recorded)
    }


def _killed_at(root: Path, at: str) -> None:
    passes = 0

    def reached(name: str) -> None:
        nonlocal passes
        passes += name == at
        if passes == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        points.hook = reached
        _compact(root, "2100-01-01")
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(1)


def test_a_damaged_part_stays_what_it_is(recorded: Path) -> None:
    """It must not come out of it with a digest that is right."""
    victim = next(each for each in kept.files(recorded) if "table=book" in each["path"])
    path = recorded / victim["path"]
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedRecording, match="feedhandler verify"):
        _compact(recorded, "2100-01-01")
    assert path.read_bytes() == data
    assert not list(recorded.rglob("*.partial"))


def test_a_recorder_does_it_by_itself(recorded: Path, market: Market) -> None:
    with recording(recorded, market.namespace, compact=True) as recorder:
        until(lambda: kept.lines(recorded, "compacted"), "a day is compacted")
        at_end(recorder, market)
    kept.check(recorded, market)
