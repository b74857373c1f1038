"""A recording has every record as it was, or says exactly which it has not."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from feedhandler.recording.recorder import Recorder
from shm.registry import readers
from tests.recording import kept
from tests.recording.market import DAY, NS, SYMBOLS, VENUE, Market
from tests.recording.recorders import at_end, caught_up, config, full_disk, recording, until


def segments(recorder: Recorder) -> int:
    return recorder._venues[VENUE].segments


def rotated(recorder: Recorder) -> None:
    before = segments(recorder)
    until(lambda: segments(recorder) > before, "a rotation")


def test_every_record_is_kept_as_it_was(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace, rotate_s=0.3) as recorder:
        for _ in range(5):
            market.until(400)
            caught_up(recorder, market.published)
            rotated(recorder)
        [reader] = readers(VENUE, namespace=market.namespace)
        assert (reader["name"], reader["cursor"]) == ("record", market.published + 1)
    found = kept.check(tmp_path, market)
    assert found.losses == []
    assert len(found.records[market.epoch]) == market.published
    assert found.marks > 10
    written = kept.lines(tmp_path, "segment")
    assert len(written) >= 5
    assert [line["bases"] for line in written] == [True] + [False] * (len(written) - 1)
    assert kept.lines(tmp_path)[-1]["type"] == "stop"
    listed = {row["symbol"]: row["instrument"] for row in kept.tables(tmp_path, "instruments")}
    assert listed == {symbol: number for number, symbol in enumerate(SYMBOLS)}
    assert not list(tmp_path.rglob("*.partial"))


def test_books_are_written_whole_now_and_then(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace, rotate_s=0.2, base_s=0.0) as recorder:
        for _ in range(3):
            market.until(100)
            rotated(recorder)
    kept.check(tmp_path, market)
    assert {line["bases"] for line in kept.lines(tmp_path, "segment")} == {True}


def test_the_files_are_partitions_that_name_no_symbol(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace) as recorder:
        market.until(300)
        caught_up(recorder, market.published)
    names = {each["path"].split("/") and each["path"] for each in kept.files(tmp_path)}
    families = {name.split("/")[3] for name in names}
    assert families == {f"family={each}" for each in ("spot", "perpetual", "option", "none")}
    for name in names:
        assert name.startswith(f"venue={VENUE}/table=")
        assert name.isascii()
        assert not set(name) & set("@:")


def test_a_recorder_that_comes_late_joins_the_books(tmp_path: Path, namespace: str) -> None:
    """The ring has gone round: it begins after the oldest record, with the books from the cells."""
    with Market(namespace, slots=256, depth=4) as market:
        market.until(1000)
        with recording(tmp_path, namespace) as recorder:
            caught_up(recorder, 1)
            for _ in range(6):
                market.until(100)
                at_end(recorder, market)
        found = kept.check(tmp_path, market)
        assert found.losses == []  # the recording begins here
        assert max(found.records[market.epoch]) == market.published
    assert [line["bases"] for line in kept.lines(tmp_path, "segment")] == [False, True]
    assert found.marks > 5


def test_a_lapped_recorder_says_exactly_what_is_missing(tmp_path: Path, namespace: str) -> None:
    with Market(namespace, slots=256) as market:
        with recording(tmp_path, namespace) as recorder:
            caught_up(recorder, market.published)
            for _ in range(3):
                with recorder._turn:  # it gets no core
                    market.until(700)
                at_end(recorder, market)
                market.until(50)
                at_end(recorder, market)
        found = kept.check(tmp_path, market)
        assert [loss[3] for loss in found.losses] == ["lapped"] * 3
        assert len(found.records[market.epoch]) + kept.count_lost(found) == market.published
        [told] = {row["lost"] for row in kept.tables(tmp_path, "states") if row["lost"]} and [1]
        assert told
        assert recorder._venues[VENUE].lost == kept.count_lost(found)


def test_epochs_follow_each_other(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace) as recorder:
        for _ in range(3):
            market.until(200)
            records = sum(map(len, market.truth.values()))
            caught_up(recorder, records)
            market.restart()
        caught_up(recorder, sum(map(len, market.truth.values())))
    found = kept.check(tmp_path, market)
    assert found.losses == []
    assert list(found.records) == list(market.truth)
    ends = {line["epoch"]: line["last"] for line in kept.lines(tmp_path, "end")}
    assert ends == {epoch: len(its) for epoch, its in market.truth.items() if epoch in ends}
    assert len(ends) == 3


def test_what_ended_while_nobody_recorded_is_said(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace) as recorder:
        market.until(100)
        caught_up(recorder, market.published)
    first, last = market.epoch, len(market.truth[market.epoch])
    market.until(100)
    market.restart()
    with recording(tmp_path, market.namespace) as recorder:
        caught_up(recorder, market.published)
    found = kept.check(tmp_path, market)
    assert found.losses == [(first, last + 1, None, "epoch ended")]


def test_an_epoch_that_nobody_saw_is_said(tmp_path: Path, market: Market) -> None:
    """It began and ended between two looks: the memory of the next one names it."""
    with recording(tmp_path, market.namespace) as recorder:
        caught_up(recorder, market.published)
    first, last = market.epoch, len(market.truth[market.epoch])
    unseen = []
    for _ in range(2):
        market.restart(keep=True)  # as after kill -9: what tells of the one before is left
        unseen.append(market.epoch)
        market.until(50)
    market.restart(keep=True)
    with recording(tmp_path, market.namespace) as recorder:
        caught_up(recorder, market.published)
    with recording(tmp_path, market.namespace) as recorder:  # and is said once
        at_end(recorder, market)
    found = kept.check(tmp_path, market)
    assert found.losses == [
        (first, last + 1, None, "epoch ended"),
        (unseen[0], 1, None, "epoch ended"),
        (unseen[1], 1, None, "epoch ended"),
    ]
    rows = [row["epoch"] for row in kept.tables(tmp_path, "states") if row["kind"] == "loss"]
    assert rows == [first, *unseen]


def test_a_stop_loses_nothing_that_the_ring_still_has(tmp_path: Path, market: Market) -> None:
    for _ in range(3):
        market.until(200)
        with recording(tmp_path, market.namespace) as recorder:
            at_end(recorder, market)
        market.until(200)
    found = kept.check(tmp_path, market)
    assert found.losses == []


def test_a_stop_of_which_the_ring_knows_no_more_is_said(tmp_path: Path, namespace: str) -> None:
    with Market(namespace, slots=256) as market:
        for _ in range(2):
            with recording(tmp_path, namespace) as recorder:
                at_end(recorder, market)
                market.until(50)
                at_end(recorder, market)
            market.until(600)
        found = kept.check(tmp_path, market)
        assert [loss[3] for loss in found.losses] == ["stopped"]


def test_a_loss_at_the_very_end_is_said_and_said_once(tmp_path: Path, namespace: str) -> None:
    with Market(namespace, slots=256) as market:
        with recording(tmp_path, namespace) as recorder:
            at_end(recorder, market)
            with recorder._turn:
                market.until(700)
            at_end(recorder, market)
        assert [loss[2:] for loss in kept.kept(tmp_path).losses] == [(market.published, "lapped")]
        market.until(50)
        with recording(tmp_path, namespace) as recorder:
            at_end(recorder, market)
        found = kept.check(tmp_path, market)
        assert len(found.losses) == 1
        rows = [row["lost"] for row in kept.tables(tmp_path, "states") if row["kind"] == "loss"]
        assert rows == [kept.count_lost(found)]
        assert max(found.records[market.epoch]) == market.published


def test_a_full_disk_pauses_and_what_is_missing_then_is_said(
    tmp_path: Path, namespace: str
) -> None:
    with Market(namespace, slots=1024) as market, full_disk() as full:
        with recording(tmp_path, namespace, rotate_s=0.2) as recorder:
            market.until(300)
            until(lambda: segments(recorder) > 0, "a segment counts")
            full.set()
            market.until(300)
            until(lambda: recorder.state == "PAUSED", "it pauses")
            assert "No space left" in recorder.status()["detail"]
            market.until(3000)
            full.clear()
            until(lambda: recorder.state == "RECORDING", "it goes on")
            at_end(recorder, market)
            market.until(300)
            at_end(recorder, market)
        found = kept.check(tmp_path, market)
        assert [loss[3] for loss in found.losses] == ["disk full"]
        assert max(found.records[market.epoch]) == market.published
    types = [line["type"] for line in kept.lines(tmp_path)]
    assert "resume" in types
    assert types.index("resume") > types.index("pause")
    assert not list(tmp_path.rglob("*.partial"))


def test_a_short_pause_loses_nothing(tmp_path: Path, market: Market) -> None:
    with full_disk() as full, recording(tmp_path, market.namespace, rotate_s=0.2) as recorder:
        market.until(200)
        until(lambda: segments(recorder) > 0, "a segment counts")
        full.set()
        market.until(200)
        until(lambda: recorder.state == "PAUSED", "it pauses")
        full.clear()
        until(lambda: recorder.state == "RECORDING", "it goes on")
        at_end(recorder, market)
    found = kept.check(tmp_path, market)
    assert found.losses == []
    assert len(found.records[market.epoch]) == market.published


def test_it_pauses_before_the_disk_is_full(tmp_path: Path, market: Market) -> None:
    free = shutil.disk_usage(tmp_path).free >> 20
    with recording(tmp_path, market.namespace, free_mib=2 * free) as recorder:
        market.until(100)
        until(lambda: recorder.state == "PAUSED", "it pauses")
        assert f"less than {2 * free} MiB are free" in recorder.status()["detail"]


def test_a_day_begins_with_whole_books_and_all_instruments(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace) as recorder:
        market.until(100)
        market.now_ns += DAY - market.now_ns % DAY - 30_000_000
        market.until(300)
        caught_up(recorder, market.published)
    found = kept.check(tmp_path, market)
    assert found.losses == []
    written = kept.lines(tmp_path, "segment")
    assert [line["why"] for line in written] == ["run", "day"]
    assert [line["bases"] for line in written] == [True, True]
    for line in written:
        days = {
            time.strftime("%Y-%m-%d", time.gmtime(line[end] // NS)) for end in ("from_ns", "to_ns")
        }
        assert days == {line["day"]}
        names = [each["path"] for each in line["files"]]
        assert all(f"date={line['day']}" in name for name in names)
        assert any("table=instruments" in name for name in names)


@pytest.mark.parametrize("jump", [-3 * DAY, -NS, 40 * DAY])
def test_a_clock_that_jumps_loses_nothing(tmp_path: Path, market: Market, jump: int) -> None:
    with recording(tmp_path, market.namespace) as recorder:
        market.until(100)
        market.now_ns += jump
        market.until(100)
        market.now_ns -= jump
        market.until(100)
        caught_up(recorder, market.published)
    found = kept.check(tmp_path, market)
    assert found.losses == []
    assert len(found.records[market.epoch]) == market.published


def test_an_instrument_that_is_new_or_other_is_in_the_table(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace) as recorder:
        market.until(50)
        caught_up(recorder, market.published)
        row = market.writer.directory_add({"symbol": "NEW/USD", "kind": 1})
        market.writer.directory_update(0, {"symbol": SYMBOLS[0], "kind": 1, "tick": 0.5})
        market.message(row, [(3, 0, 5, 5)])
        market.writer.publish()
        caught_up(recorder, market.published)
    rows = kept.tables(tmp_path, "instruments")
    assert [each["symbol"] for each in rows if each["instrument"] == row] == ["NEW/USD"]
    assert [each["tick"] for each in rows if each["instrument"] == 0] == [0.01, 0.5]


def test_the_configuration_stands_in_the_manifest(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace) as recorder:
        caught_up(recorder, 1)
    [start] = kept.lines(tmp_path, "start")
    assert start["config"]["rotate_s"] == config(tmp_path).rotate_s
    assert json.dumps(start["config"])


def test_how_far_behind_is_told_in_time(tmp_path: Path, market: Market) -> None:
    """Of the ring and of the queue; of a venue that is silent it is nothing."""
    with recording(tmp_path, market.namespace) as recorder:
        at_end(recorder, market)
        until(lambda: recorder.status()["venues"][0]["behind_ns"] == 0, "all is handled")
        with recorder._turn:  # nobody reads
            market.now_ns = time.time_ns() - 60 * NS
            market.until(50)
            [told] = recorder.status()["venues"]
            assert told["lag"] >= 50
            assert 59 * NS < told["behind_ns"] < 120 * NS
        until(lambda: recorder.status()["venues"][0]["behind_ns"] == 0, "all is handled")


def test_how_long_the_ring_holds_goes_by_what_is_written(tmp_path: Path, market: Market) -> None:
    """Not by what is read: who catches up reads in a moment what was written in a minute."""
    began, before = time.time_ns(), market.published
    for second in range(-50, 0):
        market.now_ns = began + second * NS
        market.until(100)
    with recording(tmp_path, market.namespace) as recorder:
        at_end(recorder, market)
        [told] = recorder.status()["venues"]
    written = (market.published - before) / 50  # a second
    assert told["ring_ns"] == pytest.approx(market.slots / written * NS, rel=0.5)
