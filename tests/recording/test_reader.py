"""Recordings that were written by hand, read back: the same records, wherever one begins."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shm import Kind
from shm.recording import schema
from shm.recording._books import RECORD, Books
from shm.recording.errors import DamagedRecording, NoRecording, OtherFormat
from shm.recording.manifest import MANIFEST
from shm.recording.reader import Missing, Recording
from tests.recording.written import (
    BEGIN_NS,
    FAMILIES,
    SYMBOLS,
    PlainBooks,
    Record,
    Written,
    rows_of,
    stream,
)

VENUE = "deribit"


def whole(batches: Iterable[NDArray[np.void]]) -> NDArray[np.void]:
    found = list(batches)
    assert {rows.dtype for rows in found} <= {RECORD}
    return np.concatenate(found) if found else np.empty(0, RECORD)


def written(directory: Path, records: list[Record], cuts: list[int], **more: Any) -> Written:
    """These records in segments that end before `cuts`; every third one with bases."""
    recording = Written(directory, **more)
    edges = [0, *cuts, len(records)]
    for at, (low, high) in enumerate(pairwise(edges)):
        recording.segment(
            records[low:high], bases=at % 3 == 0, why="run" if at == 0 else "rotation"
        )
    return recording


def same(found: NDArray[np.void], expected: NDArray[np.void]) -> None:
    assert len(found) == len(expected)
    for name in RECORD.names or ():
        different = np.flatnonzero(found[name] != expected[name])
        assert not len(different), (name, found[different[0]], expected[different[0]])


def test_all_records_come_back_as_they_were_in_order(tmp_path: Path) -> None:
    records = stream(3000)
    recording = written(tmp_path, records, [700, 900, 1500, 2200])
    found = whole(Recording(tmp_path).rows(VENUE, bases=False, batch_rows=97))
    same(found, rows_of(records, recording.epoch))


def test_tables_symbols_and_all_bases(tmp_path: Path) -> None:
    records = stream(2000)
    recording = written(tmp_path, records, [700, 900, 1500])
    there = Recording(tmp_path)
    everything = rows_of(records, recording.epoch)
    trades = np.isin(everything["kind"], (Kind.TRADE, Kind.LIQUIDATION))
    same(whole(there.rows(VENUE, ["trades"])), everything[trades])
    for instrument in range(4):
        found = whole(there.rows(VENUE, symbols=[SYMBOLS[instrument]], bases=False))
        same(found, everything[everything["instrument"] == instrument])
    assert not len(whole(there.rows(VENUE, symbols=["NOBODY"])))
    books = PlainBooks()
    for one in records[:1500]:
        books.take(one)
    base = rows_of(books.base(1500), recording.epoch)
    found = whole(there.rows(VENUE, bases="all"))
    assert len(found) == len(everything) + len(base)
    at = int(np.flatnonzero(found["base"])[0])
    by_family = np.argsort([FAMILIES[i] for i in base["instrument"]], kind="stable")
    same(found[at : at + len(base)], base[by_family])
    assert found["sequence"][at - 1] == 1500
    # a base that only says again what the books are is not needed
    same(whole(there.rows(VENUE)), everything)


@pytest.mark.parametrize("compacted", [False, True], ids=["parts", "a day's file"])
def test_from_any_record_on_with_the_books_as_of_then(tmp_path: Path, compacted: bool) -> None:
    records = stream(1500)
    recording = Written(tmp_path)
    segments = [
        recording.segment(records[low:high], bases=bases)
        for low, high, bases in (
            (0, 400, True),
            (400, 600, False),
            (600, 1000, True),
            (1000, 1500, False),
        )
    ]
    if compacted:
        recording.compact(segments)
    everything = rows_of(records, recording.epoch)
    plain = PlainBooks()
    done = 0
    for start in (1, 400, 401, 601, 777, 1500):
        while done < start - 1:
            plain.take(records[done])
            done += 1
        places: tuple[int | tuple[int, int], ...] = (
            (recording.epoch, start),
            int(everything["receive_ns"][start - 1]),
        )
        for place in places:
            found = whole(Recording(tmp_path).rows(VENUE, start=place, batch_rows=211))
            base = found["base"] != 0
            assert not base[int(base.sum()) :].any()
            same(found[~base], everything[start - 1 :])
            assert set(found["sequence"][base].tolist()) <= {start - 1}
            books = Books()
            books.apply(found[base])
            assert books.instruments() == sorted(plain.sides)
            for instrument in plain.sides:
                bids, asks = books.levels(instrument)
                expected = plain.levels(instrument)
                assert [*map(tuple, bids.tolist())] == expected[0]
                assert [*map(tuple, asks.tolist())] == expected[1]


def test_an_end_and_windows_that_are_empty(tmp_path: Path) -> None:
    records = stream(1000)
    recording = written(tmp_path, records, [300, 600])
    there = Recording(tmp_path)
    everything = rows_of(records, recording.epoch)
    by_number = there.rows(
        VENUE, start=(recording.epoch, 250), end=(recording.epoch, 650), bases=False
    )
    same(whole(by_number), everything[249:649])
    times = BEGIN_NS + 250_000_000, BEGIN_NS + 650_000_000
    same(whole(there.rows(VENUE, start=times[0], end=times[1], bases=False)), everything[249:649])
    same(whole(there.rows(VENUE, end=times[1])), everything[:649])
    assert not len(whole(there.rows(VENUE, start=BEGIN_NS * 2)))
    assert not len(whole(there.rows(VENUE, end=BEGIN_NS)))
    assert not len(whole(there.rows(VENUE, start=(recording.epoch + 1, 1))))


def test_records_received_in_other_than_their_order_stay_where_the_ring_had_them(
    tmp_path: Path,
) -> None:
    records = stream(600)
    for at in range(300, 350):  # a buffer's: older than their place
        records[at]["receive_ns"] = BEGIN_NS + 5
    records[400]["receive_ns"] = BEGIN_NS - 3600 * 10**9  # a clock that was set back
    recording = written(tmp_path, records, [200, 450])
    everything = rows_of(records, recording.epoch)
    there = Recording(tmp_path)
    found = whole(
        there.rows(VENUE, start=BEGIN_NS + 250_000_000, end=BEGIN_NS + 500_000_000, bases=False)
    )
    same(found, everything[249:499])


def test_epochs_and_holes(tmp_path: Path) -> None:
    recording = Written(tmp_path)
    one, two = stream(900), stream(500, seed=8)
    recording.segment(one[:300], bases=True, why="run")
    recording.loss(301, 400)
    for record in one[300:400]:
        recording.books.take(record)
    recording.segment(one[400:700], bases=True, why="loss")
    recording.segment(one[700:900], bases=True)
    recording.end(950)
    recording.next_epoch()
    recording.segment(two, bases=False, why="epoch")
    there = Recording(tmp_path)
    epochs = recording.epoch - 1000, recording.epoch
    expected = np.concatenate([rows_of(one, epochs[0]), rows_of(two, epochs[1])])
    kept = (
        (expected["epoch"] == epochs[1])
        | (expected["sequence"] <= 300)
        | (expected["sequence"] > 400)
    )
    found = whole(there.rows(VENUE))
    same(found[found["base"] == 0], expected[kept])
    # the books begin anew after the hole, and only there
    assert set(found["sequence"][found["base"] != 0].tolist()) == {400}
    same(whole(there.rows(VENUE, start=(epochs[1], 1), bases=False)), rows_of(two, epochs[1]))
    in_hole = whole(there.rows(VENUE, start=(epochs[0], 350)))
    assert in_hole["sequence"][0] == 400
    same(in_hole[in_hole["base"] == 0], expected[kept][300:])
    last, next_one = BEGIN_NS + 300_000_000, BEGIN_NS + 401_000_000
    assert there.missing(VENUE) == [
        Missing(epochs[0], 301, 400, 100, "killed", last, next_one),
        Missing(epochs[0], 901, 950, 50, "", BEGIN_NS + 900_000_000, BEGIN_NS + 1_000_000),
    ]


def test_bases_come_after_a_part_that_has_none(tmp_path: Path) -> None:
    """A recorder that joins in the middle has the books only after its first records."""
    recording = Written(tmp_path)
    records = stream(900)
    for record in records[:200]:
        recording.books.take(record)
    recording.segment(records[200:260], bases=False, why="run")
    recording.segment(records[260:500], bases=True)
    recording.segment(records[500:700], bases=True)
    recording.segment(records[700:], bases=False)
    there = Recording(tmp_path)
    found = whole(there.rows(VENUE))
    same(found[found["base"] == 0], rows_of(records[200:], recording.epoch))
    assert set(found["sequence"][found["base"] != 0].tolist()) == {260}
    for start, based in ((230, 260), (261, 260), (400, 399), (800, 799)):
        found = whole(there.rows(VENUE, start=(recording.epoch, start)))
        same(found[found["base"] == 0], rows_of(records[start - 1 :], recording.epoch))
        assert set(found["sequence"][found["base"] != 0].tolist()) == {based}
        books = Books()
        books.apply(found)
        for instrument in recording.books.sides:
            bids, asks = books.levels(instrument)
            expected = recording.books.levels(instrument)
            assert ([*map(tuple, bids.tolist())], [*map(tuple, asks.tolist())]) == expected


def test_a_day_that_is_compacted_while_it_is_read(tmp_path: Path) -> None:
    records = stream(1200)
    recording = Written(tmp_path)
    segments = [recording.segment(records[at : at + 300], bases=True) for at in range(0, 1200, 300)]
    reading = Recording(tmp_path).rows(VENUE, bases="all", batch_rows=40)
    found = [next(reading) for _ in range(6)]
    recording.compact(segments)
    rows = whole([*found, *reading])
    same(rows[rows["base"] == 0], rows_of(records, recording.epoch))
    numbers = rows["sequence"][rows["base"] != 0]
    expected = whole(Recording(tmp_path).rows(VENUE, bases="all"))
    assert sorted(numbers.tolist()) == sorted(expected["sequence"][expected["base"] != 0].tolist())


def test_the_directory_of_instruments(tmp_path: Path) -> None:
    recording = written(tmp_path, stream(800), [300])
    found = Recording(tmp_path).instruments(VENUE)
    assert [row.symbol for _, row in sorted(found.items())] == list(SYMBOLS)
    option = found[recording.epoch, 3]
    assert (option.kind.name, option.option_type.name, option.strike) == (
        "OPTION",
        "CALL",
        100_000.0,
    )
    assert option.bands == ((10.0, 0.25),)
    assert np.isnan(found[recording.epoch, 0].strike)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoRecording, match="no such directory"):
        Recording(tmp_path / "nothing")
    written(tmp_path, stream(300), [])
    there = Recording(tmp_path)
    assert there.venues() == [VENUE]
    with pytest.raises(NoRecording, match="no venue 'okx': it has deribit"):
        there.rows("okx")
    with pytest.raises(ValueError, match="no table 'candles'"):
        there.rows(VENUE, ["candles"])


@pytest.mark.parametrize("damage", ["gone", "short", "flipped"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    written(tmp_path, stream(900), [300, 600])
    segment = Recording(tmp_path).segments(VENUE)[1]
    path = tmp_path / next(file.path for file in segment.files if file.table == "trades")
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "short":
        path.write_bytes(data[:-20])
    else:
        path.write_bytes(data[:-30] + bytes(byte ^ 0xFF for byte in data[-30:]))
    with pytest.raises(DamagedRecording, match=path.name):
        whole(Recording(tmp_path).rows(VENUE))


def test_rows_out_of_order_are_damage(tmp_path: Path) -> None:
    records = stream(400)
    records[350], records[360] = records[360], records[350]
    written(tmp_path, records, [])
    with pytest.raises(DamagedRecording, match="not in order"):
        whole(Recording(tmp_path).rows(VENUE))


def test_another_format_is_refused(tmp_path: Path) -> None:
    recording = written(tmp_path, stream(300), [], format=schema.FORMAT + 1)
    with pytest.raises(OtherFormat, match=f"format {schema.FORMAT + 1}"):
        Recording(tmp_path)
    manifest = tmp_path / MANIFEST  # its line alone is gone: each file says it, too
    manifest.write_bytes(b"".join(manifest.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(OtherFormat, match=r"\.parquet: format"):
        whole(Recording(tmp_path).rows(recording.venue))


def test_memory_is_that_of_some_batches_however_long_it_is(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        directory = tmp_path / str(rows)
        records = stream(rows)
        written(directory, records, list(range(1000, rows, 1000)), row_group=500)
        there = Recording(directory)
        gc.collect()
        tracemalloc.start()
        count = 0
        for batch in there.rows(VENUE, batch_rows=500):
            count += int((batch["base"] == 0).sum())
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == rows
        return found

    peak(1000)  # what is imported and kept once
    assert peak(5000) < 1.5 * peak(1500) + 100_000
