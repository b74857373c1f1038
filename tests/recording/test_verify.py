"""`verify` finds each kind of damage that is made on purpose, where it is, and nothing else."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from feedhandler.cli.verify import verify as command
from feedhandler.recording.findings import MEANINGS
from feedhandler.recording.verify import verify
from shm import Kind, Reason, State
from shm.recording import schema
from shm.recording.errors import NoRecording
from shm.recording.manifest import MANIFEST, File
from tests.recording.damaged import (
    COUNT,
    VENUE,
    file_of,
    kinds,
    lossy,
    made,
    relist,
    segments,
    the,
    written,
)
from tests.recording.written import BEGIN_NS, SYMBOLS, record, stream


@pytest.mark.parametrize("compacted", [False, True], ids=["parts", "days"])
def test_a_sound_recording_has_no_finding(tmp_path: Path, compacted: bool) -> None:
    recording = made(tmp_path)
    if compacted:
        recording.compact(segments(tmp_path))
    seen: list[tuple[int, int]] = []
    report = verify(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert (report.findings, report.lost, report.notes) == ([], [], [])
    checked = report.checked[VENUE]
    assert checked.records == COUNT
    assert checked.marks == 16
    assert checked.unmarked == 0
    assert checked.bases > 100
    assert seen[-1][0] == seen[-1][1] == seen[0][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_several_processes_find_the_same(tmp_path: Path) -> None:
    made(tmp_path)
    written(tmp_path, stream(COUNT), venue="okx")
    path = tmp_path / file_of(tmp_path, 1, "trades").path
    path.write_bytes(path.read_bytes()[:-1])
    one, two = verify(tmp_path), verify(tmp_path, jobs=2)
    assert one.findings == two.findings != []
    assert one.checked == two.checked
    assert the(one, "size").venue == VENUE
    okx = verify(tmp_path, venues=["okx"])
    assert (okx.findings, list(okx.checked)) == ([], ["okx"])


# ---- files -----------------------------------------------------------------------------------


def test_a_flipped_bit_is_found_in_a_file_of_any_table(tmp_path: Path) -> None:
    made(tmp_path)
    spoilt: dict[str, File] = {}
    for table in schema.TABLES:
        file = file_of(tmp_path, 2, table, "none" if table == "states" else "perpetual")
        path = tmp_path / file.path
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x10
        path.write_bytes(bytes(data))
        spoilt[file.path] = file
    report = verify(tmp_path)
    assert kinds(report) == {"digest"}
    assert {finding.path for finding in report.findings} == set(spoilt)
    for finding in report.findings:
        file = spoilt[str(finding.path)]
        assert (finding.first, finding.last) == (file.first, file.last)


def test_a_truncated_file_and_one_that_is_gone(tmp_path: Path) -> None:
    made(tmp_path)
    short, gone = (tmp_path / file_of(tmp_path, at, "book").path for at in (1, 3))
    short.write_bytes(short.read_bytes()[:-100])
    gone.unlink()
    report = verify(tmp_path)
    assert kinds(report) == {"size", "gone"}
    assert the(report, "gone").path == str(gone.relative_to(tmp_path))
    # the books go on where a base begins them anew, and were right before
    assert report.checked[VENUE].marks == 8


def test_a_file_that_is_no_parquet_and_one_with_other_columns(tmp_path: Path) -> None:
    recording = made(tmp_path)
    file = file_of(tmp_path, 1, "quotes")
    for what, data in (("unreadable", b"PAR1" * 100), ("columns", None)):
        path = tmp_path / file.path
        if data is None:
            table = (
                schema.pyarrow()
                .table({"sequence": [1]})
                .replace_schema_metadata({schema.METADATA_KEY: b"1"})
            )
            schema.pyarrow().parquet.write_table(table, path)
        else:
            path.write_bytes(data)
        rows = [{"sequence": file.first}, {"sequence": file.last}]
        again = recording.described(file.table, file.family, file.path, rows)
        relist(
            tmp_path,
            1,
            lambda s, again=again: replace(  # type: ignore[misc]
                s, files=tuple(again if f.path == again.path else f for f in s.files)
            ),
        )
        assert kinds(verify(tmp_path)) == {what}


def test_another_version_of_the_format(tmp_path: Path) -> None:
    written(tmp_path, stream(COUNT), format=schema.FORMAT + 1)
    report = verify(tmp_path)
    assert f"format {schema.FORMAT + 1}" in the(report, "format").text
    path = tmp_path / MANIFEST  # without the line that says so, each file does
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert kinds(verify(tmp_path)) == {"format"}


def test_files_that_the_manifest_does_not_name(tmp_path: Path) -> None:
    recording = made(tmp_path)
    known = tmp_path / file_of(tmp_path, 0, "book").path
    alien = known.with_name("part-alien.parquet")
    alien.write_bytes(known.read_bytes())
    known.with_name("part-9-000000000001.parquet.partial").write_bytes(b"half")
    (tmp_path / "_quarantine").mkdir()
    (tmp_path / "_quarantine" / "old.was").write_bytes(b"")
    report = verify(tmp_path)
    assert [f.path for f in report.findings] == [str(alien.relative_to(tmp_path))]
    assert kinds(report) == {"alien"}
    assert "left 1 unfinished files" in report.notes[0]
    lock = os.open(tmp_path / schema.LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:  # a recorder is at work: it may commit them in a moment
        report = verify(tmp_path)
    finally:
        os.close(lock)
    assert report.findings == []
    assert "a recorder writes into it" in report.notes[0]
    alien.unlink()
    recording.compact(segments(tmp_path), keep=True)
    assert kinds(verify(tmp_path)) == {"left over"}


def test_a_day_that_is_compacted_while_it_is_looked_at(tmp_path: Path) -> None:
    recording = made(tmp_path)
    done = 0

    def compact(_: int, __: int) -> None:
        nonlocal done
        done += 1
        if done == 5:
            recording.compact(segments(tmp_path))

    report = verify(tmp_path, progress=compact)
    assert report.findings == []
    assert report.checked[VENUE].records == COUNT


# ---- the manifest ----------------------------------------------------------------------------


def test_a_line_that_is_gone_is_a_loss_that_nobody_said(tmp_path: Path) -> None:
    made(tmp_path)
    path = tmp_path / MANIFEST
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[3]
    path.write_bytes(b"".join(lines))
    report = verify(tmp_path)
    assert kinds(report) == {"unsaid", "alien"}
    finding = the(report, "unsaid")
    assert (finding.first, finding.last) == (901, 1300)
    assert (finding.from_ns, finding.to_ns) == (BEGIN_NS + 900_000_000, BEGIN_NS + 1_301_000_000)
    assert [(lost.first, lost.last, lost.count, lost.why) for lost in report.lost] == [
        (901, 1300, 400, "")
    ]


def test_a_line_that_was_changed_and_a_last_one_that_is_torn(tmp_path: Path) -> None:
    made(tmp_path)
    path = tmp_path / MANIFEST
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"last":900', b'"last":800', 1))
    report = verify(tmp_path)
    assert kinds(report) == {"manifest", "unsaid", "alien"}
    assert the(report, "manifest").text.startswith("line 3")
    path.write_bytes(whole + b'{"type":"segment","ti')
    report = verify(tmp_path)
    assert report.findings == []
    assert "not whole (21 bytes)" in report.notes[0]


def test_segments_that_overlap_or_count_wrong(tmp_path: Path) -> None:
    made(tmp_path)
    relist(tmp_path, 1, lambda s: replace(s, first=s.first - 10))
    found = kinds(verify(tmp_path))
    assert {"overlap", "rows"} <= found
    made(tmp_path / "other")
    relist(tmp_path / "other", 1, lambda s: replace(s, to_ns=s.to_ns + 1))
    assert kinds(verify(tmp_path / "other")) == {"value"}


# ---- venues, and the command -----------------------------------------------------------------


def test_gaps_of_the_venue_are_no_findings(tmp_path: Path) -> None:
    records = stream(COUNT)
    for sequence, state, reason in (
        (600, State.STALE, Reason.GAP),
        (650, State.SYNCING, Reason.GAP),
        (700, State.LIVE, Reason.NONE),
        (1500, State.CROSSED, Reason.CROSSED),
        (1550, State.LIVE, Reason.NONE),
    ):
        records[sequence - 1] = record(sequence, Kind.STATE, 2, price=state, size=reason)
    written(tmp_path, records)
    report = verify(tmp_path)
    assert report.findings == []
    gaps = [
        (gap.symbol, gap.state, gap.reason, gap.from_ns, gap.to_ns) for gap in report.venue_gaps
    ]
    assert gaps == [
        (SYMBOLS[2], "STALE", "GAP", BEGIN_NS + 600_000_000, BEGIN_NS + 700_000_000),
        (SYMBOLS[2], "CROSSED", "CROSSED", BEGIN_NS + 1_500_000_000, BEGIN_NS + 1_550_000_000),
    ]


def run(*arguments: object) -> tuple[int, str]:
    runner = CliRunner(env={"COLUMNS": ""})  # as in a pipe: nothing is broken into lines
    result = runner.invoke(command, [str(a) for a in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value), result.output


def test_the_command(tmp_path: Path) -> None:
    made(tmp_path)
    code, text = run(tmp_path, "--jobs", 1)
    assert code == 0
    assert "1,600" in text
    assert "found" not in text.lower().replace("found\n", "", 1)
    path = tmp_path / file_of(tmp_path, 1, "book").path
    path.unlink()
    code, text = run(tmp_path, "--jobs", 1)
    assert code == 1
    assert f"found: {path.relative_to(tmp_path)}: the manifest names it" in text
    code, text = run(tmp_path, "--jobs", 1, "--json")
    document = json.loads(text)
    assert (code, document["ok"]) == (1, False)
    assert document["findings"][0]["what"] == "gone"
    assert document["checked"][VENUE]["marks"] == 12
    with pytest.raises(NoRecording, match="no such directory"):
        run(tmp_path / "nothing")


def test_losses_may_be_allowed(tmp_path: Path) -> None:
    lossy(tmp_path, said=(501, 900))
    code, text = run(tmp_path, "--jobs", 1)
    assert code == 1
    assert "lost: deribit epoch 1700000000000: 400 records, 501 to 900: killed" in text
    assert run(tmp_path, "--jobs", 1, "--allow-losses")[0] == 0


def test_every_kind_of_finding_has_its_meaning() -> None:
    folder = Path(verify.__code__.co_filename).parent
    text = (
        "".join(path.read_text() for path in folder.glob("checked_*.py"))
        + (folder / "verify.py").read_text()
    )
    assert [what for what in MEANINGS if f'"{what}"' not in text] == []
