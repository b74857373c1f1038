"""What a recording says, read without a line of the code that writes or reads it."""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

import shm
from feedhandler.recording.verify import verify
from shm import Kind, Stat
from tests.recording.market import SYMBOLS, VENUE, Market, Written

RECORDS = ("book", "trades", "quotes", "stats", "states")
NO_INSTRUMENT, NONE = 0xFFFFFFFF, -(1 << 63)


def lines(root: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """Of the manifest; whole lines only."""
    text = (root / "_manifest.jsonl").read_bytes()
    found = [json.loads(each) for each in text[: text.rfind(b"\n") + 1].splitlines()]
    return [line for line in found if kind is None or line["type"] == kind]


def files(root: Path) -> list[dict[str, Any]]:
    """Committed, and not replaced."""
    gone = {path for line in lines(root, "compacted") for path in line["replaces"]}
    segments = [each for line in lines(root, "segment") for each in line["files"]]
    days = [line["file"] for line in lines(root, "compacted")]
    return [each for each in (*segments, *days) if each["path"] not in gone]


def tables(root: Path, table: str) -> list[dict[str, Any]]:
    """Rows of a table, in the order of files by name."""
    rows: list[dict[str, Any]] = []
    for each in sorted(files(root), key=lambda each: str(each["path"])):
        if each["table"] != table:
            continue
        data = (root / each["path"]).read_bytes()
        assert len(data) == each["bytes"], each["path"]
        assert blake2b(data, digest_size=16).hexdigest() == each["digest"], each["path"]
        found = pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False).to_pylist()
        assert len(found) == each["rows"], each["path"]
        sequences = [row["sequence"] for row in found]
        assert (min(sequences), max(sequences)) == (each["first"], each["last"]), each["path"]
        order = [(row["epoch"], row["sequence"]) for row in found]
        assert order == sorted(order), each["path"]
        rows += found
    return rows


class Kept(NamedTuple):
    """`records` by epoch and sequence; `losses` as (epoch, first, last, why); `marks` that hold."""

    records: dict[int, dict[int, Written]]
    losses: list[tuple[int, int, int | None, str]]
    marks: int


def kept(root: Path) -> Kept:
    """All of it: each record is there once, and the books made of them are those of the marks."""
    records: dict[int, dict[int, Written]] = defaultdict(dict)
    told = []
    there = {table: tables(root, table) for table in RECORDS}
    for rows in there.values():
        for row in rows:
            if row["kind"] == "loss":
                told.append((row["epoch"], row["loss_first"], row["loss_last"], row["note"]))
            elif not row.get("base"):
                assert row["sequence"] not in records[row["epoch"]], row
                records[row["epoch"]][row["sequence"]] = _written(row)
    losses = [
        (line["epoch"], line["first"], line["last"], line["why"]) for line in lines(root, "loss")
    ]
    assert not set(told) - set(losses)
    marks = _marks_hold(root, there["book"])
    return Kept(dict(records), sorted(losses, key=str), marks)


def _written(row: dict[str, Any]) -> Written:
    instrument = NO_INSTRUMENT if row["instrument"] is None else row["instrument"]
    assert row["symbol"] == (None if row["instrument"] is None else SYMBOLS[instrument])
    kind = Kind[row["kind"].upper()]
    side = {"ask": 1, "sell": 1}.get(row["side"], 0)
    if row.get("connection") is not None:
        side = 1
        assert row["connection"] == row["aux"]
    price = NONE if row["price_scaled"] is None else row["price_scaled"]
    if kind in (Kind.LEVEL, Kind.TRADE, Kind.LIQUIDATION):
        assert row["price"] == price / 100
        assert row["size"] == row["size_scaled"] / 1000
    if kind is Kind.STAT:
        assert row["value"] == 0.0012345
        assert row["stat"] == Stat(row["aux"]).name.lower()
    if kind is Kind.STATE:
        assert (row["state"], row["reason"]) == ("live", "none")
    if kind is not Kind.WRITER:
        assert row["exchange_ns"] == row["receive_ns"] - 1000
        assert row["receive_time"].value == row["receive_ns"]
    return Written(
        instrument,
        kind,
        row["flags"],
        side,
        price,
        row["size_scaled"],
        row["aux"],
        0 if kind is Kind.WRITER else row["receive_ns"],
        0 if kind is Kind.WRITER else row["venue_sequence"],
    )


def check(root: Path, market: Market) -> Kept:
    """Each record of the epochs that are there is in it, as it was, or in a loss; and no other."""
    found = kept(root)
    for epoch, records in found.records.items():
        truth = market.truth[epoch]
        for sequence, record in records.items():
            want = truth[sequence]
            if want.kind == Kind.WRITER:
                want = want._replace(receive_ns=0, venue_sequence=0)
            assert record == want, (epoch, sequence)
        lost: set[int] = set()
        for _, first, last, _ in (loss for loss in found.losses if loss[0] == epoch):
            window = set(range(first, (last if last is not None else len(truth)) + 1))
            assert not window & lost, "lost twice"
            lost |= window
        assert not lost & records.keys(), "lost, and there"
        begins = 1 if epoch != min(found.records) else min(records)
        ends = max(records) if epoch == max(found.records) else len(truth)
        assert lost | records.keys() >= set(range(begins, ends + 1)), "missing, and not said"
    report = verify(root)
    assert report.findings == [], report.findings
    assert [(each.epoch, each.first, each.last) for each in report.lost] == [
        loss[:3] for loss in sorted(found.losses)
    ]
    return found


def _marks_hold(root: Path, rows: list[dict[str, Any]]) -> int:
    """Books made again from the rows are those of the cells; how many marks that were."""
    marks: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for mark in tables(root, "marks"):
        marks[mark["epoch"], mark["sequence"]].append(mark)
    segments = lines(root, "segment")
    book = defaultdict(list)
    for row in rows:
        book[row["epoch"]].append(row)
    done = 0
    for segment in sorted(segments, key=lambda line: (line["epoch"], line["first"])):
        if not segment["bases"]:
            continue
        books: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
        limits: dict[int, tuple[int | None, int | None]] = {}
        first, last = segment["first"], segment["last"]
        its = [
            row
            for row in book[segment["epoch"]]
            if (row["base"] and row["sequence"] == first - 1)
            or (not row["base"] and first <= row["sequence"] <= last)
        ]
        its.sort(key=lambda row: row["sequence"])
        at = 0
        for sequence in range(first - 1, last + 1):
            while at < len(its) and its[at]["sequence"] == sequence:
                _apply(books, limits, its[at])
                at += 1
            for mark in marks.get((segment["epoch"], sequence), ()):
                if sequence >= first:
                    _same(books[mark["instrument"]], limits[mark["instrument"]], mark)
                    done += 1
    return done


def _apply(books: Any, limits: Any, row: dict[str, Any]) -> None:
    if row["kind"] == "clear":
        books[row["instrument"]] = ({}, {})
        limits[row["instrument"]] = (row["known_bid"], row["known_ask"])
        return
    side = books[row["instrument"]][row["side"] == "ask"]
    side.pop(row["price_scaled"], None)
    if row["size_scaled"]:
        side[row["price_scaled"]] = row["size_scaled"]


def _same(book: Any, limit: Any, mark: dict[str, Any]) -> None:
    for side, name in enumerate(("bid", "ask")):
        count = mark[f"{name}s"]
        levels = sorted(book[side].items(), reverse=not side)[:count]
        worst = limit[side]
        if worst is not None:
            levels = [
                each for each in levels if (each[0] >= worst if not side else each[0] <= worst)
            ]
        if len(levels) < count:
            continue  # fewer are known than the feed showed
        data = b"".join(struct.pack("<qq", *level) for level in levels)
        want = int.from_bytes(blake2b(data).digest()[:8], "little")
        assert mark[f"{name}_digest"] == want, (mark["symbol"], mark["sequence"], name)


def count_lost(found: Kept) -> int:
    """Records that are lost, as far as that is known."""
    return sum(last + 1 - first for _, first, last, _ in found.losses if last is not None)


assert VENUE
assert shm.NONE == NONE
