"""`verify` finds what is wrong with records: missing, impossible, or not what the feed held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feedhandler.recording.verify import verify
from tests.recording.damaged import (
    VENUE,
    kinds,
    lossy,
    made,
    rewrite,
    the,
)
from tests.recording.written import BEGIN_NS, SYMBOLS

# ---- losses ----------------------------------------------------------------------------------


def test_a_loss_that_was_said_is_the_hole_exactly(tmp_path: Path) -> None:
    lossy(tmp_path, said=(501, 900))
    report = verify(tmp_path)
    assert report.findings == []
    (lost,) = report.lost
    assert (lost.first, lost.last, lost.count, lost.why) == (501, 900, 400, "killed")
    assert (lost.from_ns, lost.to_ns) == (BEGIN_NS + 500_000_000, BEGIN_NS + 901_000_000)
    assert report.checked[VENUE].marks == 8


@pytest.mark.parametrize(
    ("said", "missing", "there"),
    [(None, (501, 900), None), ((501, 700), (701, 900), None), ((501, 950), None, (901, 950))],
    ids=["nothing", "too little", "too much"],
)
def test_a_loss_that_is_not_the_hole(
    tmp_path: Path,
    said: tuple[int, int] | None,
    missing: tuple[int, int] | None,
    there: tuple[int, int] | None,
) -> None:
    lossy(tmp_path, said=said)
    report = verify(tmp_path)
    assert kinds(report) == ({"unsaid"} if missing else set()) | ({"not lost"} if there else set())
    if missing:
        assert (the(report, "unsaid").first, the(report, "unsaid").last) == missing
    if there:
        assert (the(report, "not lost").first, the(report, "not lost").last) == there


def test_a_loss_is_a_row_too(tmp_path: Path) -> None:
    lossy(tmp_path, said=(501, 900), row=False)
    assert "no row does" in the(verify(tmp_path), "unsaid").text


# ---- rows ------------------------------------------------------------------------------------


def test_a_row_that_is_dropped_and_one_that_is_there_twice(tmp_path: Path) -> None:
    recording = made(tmp_path)
    gone: list[int] = []

    def drop(rows: list[Any]) -> None:
        gone.append(rows.pop(7)["sequence"])

    rewrite(recording, 1, "trades", drop)
    report = verify(tmp_path)
    assert kinds(report) == {"missing", "rows"}
    assert (the(report, "missing").first, the(report, "missing").last) == (gone[0], gone[0])
    twice = tmp_path / "twice"
    recording = made(twice)
    rewrite(recording, 1, "trades", lambda rows: rows.insert(7, rows[7]))
    assert kinds(verify(twice)) == {"twice", "rows"}


def test_rows_out_of_order(tmp_path: Path) -> None:
    recording = made(tmp_path)
    rewrite(recording, 2, "quotes", lambda rows: rows.reverse())
    assert "comes after" in the(verify(tmp_path), "order").text


IMPOSSIBLE: list[tuple[str, list[tuple[dict[str, Any], str]]]] = [
    (
        "book",
        [
            ({"size_scaled": -5, "size": -0.005}, "a size below 0"),
            ({"price": float("nan")}, "price is not price_scaled"),
            ({"size": 1e-9}, "size is not size_scaled"),
            ({"side": None}, "no side"),
            ({"kind": "trade"}, "no kind of book"),
            ({"epoch": 17}, "another epoch's"),
        ],
    ),
    (
        "trades",
        [
            ({"size_scaled": 0, "size": 0.0}, "a trade of nothing"),
            ({"price_scaled": None, "price": None}, "no price"),
            ({"price_exponent": 99}, "an exponent out of range"),
        ],
    ),
    (
        "trades",
        [
            ({"symbol": "ETH/USDC:@107"}, "row 0 of the directory is BTC-PERP"),
            ({"instrument": 900}, "no directory lists row 900"),
            ({"instrument": None}, "an instrument without a symbol"),
        ],
    ),
    (
        "quotes",
        [
            ({"exchange_time": 5}, "exchange_time is not exchange_ns"),
            ({"receive_ns": -1, "receive_time": -1}, "received before 1970"),
            ({"exchange_ns": -1, "exchange_time": -1}, "a time of the venue before 1970"),
        ],
    ),
    ("stats", [({"value": float("inf")}, "value is not its exact pair")]),
]


@pytest.mark.parametrize(("table", "changes"), IMPOSSIBLE)
def test_values_that_cannot_be(
    tmp_path: Path, table: str, changes: list[tuple[dict[str, Any], str]]
) -> None:
    recording = made(tmp_path)
    spoilt: list[tuple[int, str]] = []

    def spoil(rows: list[Any]) -> None:
        whole = [r for r in rows if r["kind"] != "clear" and not r.get("base")]
        for row, (change, text) in zip(whole, changes, strict=False):
            row.update(change)
            spoilt.append((row["sequence"], text))

    rewrite(recording, 3, table, spoil)
    assert len(spoilt) == len(changes)
    texts = [finding.text for finding in verify(tmp_path).findings if finding.what == "value"]
    for sequence, said in spoilt:
        ours = [text for text in texts if said in text and f"(record {sequence}" in text]
        assert len(ours) >= 1, (said, sequence, texts)
        assert "1 such rows" in ours[0]


# ---- books -----------------------------------------------------------------------------------


def test_a_mark_that_is_not_the_book(tmp_path: Path) -> None:
    recording = made(tmp_path)
    rewrite(recording, 2, "marks", lambda rows: rows[0].update(ask_digest=5))
    finding = the(verify(tmp_path), "mark")
    assert (
        finding.text
        == f"{SYMBOLS[0]}: asks that the records make are not those that the feed held, at 1 mark"
    )
    # suspect from the mark before, which was right
    assert (finding.first, finding.last) == (900, 1300)
    assert (finding.from_ns, finding.to_ns) == (BEGIN_NS + 900_000_000, BEGIN_NS + 1_300_000_000)


def test_a_level_that_is_wrong_is_seen_by_every_mark_until_the_book_is_right_again(
    tmp_path: Path,
) -> None:
    recording = made(tmp_path)

    def spoil(rows: list[Any]) -> None:
        row = [row for row in rows if row["kind"] == "level"][-1]
        row.update(price_scaled=999, price=99.9, size_scaled=7, size=0.007, side="bid")

    rewrite(recording, 1, "book", spoil)
    report = verify(tmp_path)
    # the next segment has a base, which is not that book, and is right
    assert kinds(report) == {"mark", "base"}
    finding = the(report, "mark")
    assert (finding.first, finding.last) == (500, 900)
    assert "other bids" in the(report, "base").text or "bids, and" in the(report, "base").text


def test_books_without_a_base_are_not_believed(tmp_path: Path) -> None:
    recording = made(tmp_path)

    def drop(rows: list[Any]) -> None:
        rows[:] = [row for row in rows if row["kind"] != "clear"]

    rewrite(recording, 0, "book", drop)
    report = verify(tmp_path)
    assert "marks are of books that no base begins" in the(report, "book").text
    assert kinds(report) == {"book", "missing", "rows"}
