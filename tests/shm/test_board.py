"""Boards and chains: rows of one instant, the window they span, and which options are meant."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shm
from shm._native import Writer
from tests.shm.conftest import EXPONENTS, Create

ROOT = Path(__file__).parents[2]
ROWS = 400
DEADLINE = 60.0

#: The order of a round's stores: far from the order of reading.
ORDER = [n * 163 % ROWS for n in range(ROWS)]
#: Stores round after round: at any instant rows have the round, from some place on the one before.
_ROUNDS = f"""
import sys, time
from shm import segment
made = segment.create("v", namespace=sys.argv[1], instruments={ROWS}, depth=1, ring_slots=64)
for row in range({ROWS}):
    made.writer.directory_add({{"symbol": str(row)}})
print("ready", flush=True)
turn, end = 0, time.monotonic() + 60
while time.monotonic() < end:
    turn += 1
    made.writer.heartbeat()
    for row in {ORDER}:
        made.writer.quote_store(row, {{"data_ns": turn}})
"""


@pytest.fixture
def rounds(namespace: str) -> Iterator[shm.Feed]:
    writer = subprocess.Popen(
        [sys.executable, "-c", _ROUNDS, namespace], stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        feed = shm.attach("v", namespace=namespace)
        deadline = time.monotonic() + DEADLINE
        while not feed.board()["data_ns"].all():
            assert time.monotonic() < deadline
        yield feed
    finally:
        writer.kill()
        writer.communicate()


def cut(turns: list[int]) -> bool:
    """Whether the rows are of one instant."""
    steps = [turns[one] - turns[next_] for one, next_ in pairwise(ORDER)]
    return all(step >= 0 for step in steps) and sum(steps) <= 1


def test_rows_of_one_instant_are_a_cut_of_what_was_stored(rounds: shm.Feed) -> None:
    deadline = time.monotonic() + DEADLINE
    turns: set[int] = set()
    cuts = 0
    while cuts < 100 or len(turns) < 10:  # many, while it is being written
        assert time.monotonic() < deadline
        board = rounds.board()
        assert board.end_ns > board.begin_ns
        if board.same_instant:
            assert cut(board["data_ns"].tolist())
            cuts += 1
            turns.add(int(board["data_ns"][0]))
    # Read one by one, the same rows are no cut: the writer is fast enough to be noticed.
    every = rounds.instruments()
    while cut([rounds.quote(one).data_ns for one in every]):
        assert time.monotonic() < deadline


def test_how_it_was_read(namespace: str, create: Create) -> None:
    owner = create()
    writer = owner.writer
    for symbol in "ABC":
        writer.directory_add({"symbol": symbol, **EXPONENTS})
    feed = shm.attach("v", namespace=namespace)
    empty = feed.board()
    assert (empty.oldest_ns, empty.newest_ns) == (0, 0)
    assert not empty.live.any()
    now = time.time_ns()
    writer.quote_store(0, {"state": shm.State.LIVE, "data_ns": now - 5 * 10**9})
    writer.quote_store(2, {"state": shm.State.STALE, "data_ns": now, "stats_ns": now - 10**9})
    last = writer.message(0, [(shm.Kind.TRADE, 0, 1, 1)])
    writer.publish()
    writer.heartbeat()
    board = feed.board()
    assert board.same_instant
    assert (board.oldest_ns, board.newest_ns) == (now - 5 * 10**9, now)
    assert (board.sequence, board.epoch) == (last, owner.epoch)
    assert board.live.tolist() == [True, False, False]
    assert now <= board.begin_ns <= board.end_ns <= time.time_ns()
    assert board["age_ns"][0] == board.begin_ns - now + 5 * 10**9
    assert board["stats_age_ns"][2] == board.begin_ns - now + 10**9
    assert board["age_ns"][1] > 10**18  # never: older than any limit
    assert [board.instrument(row).symbol for row in board["instrument"]] == list("ABC")
    with pytest.raises(IndexError):
        board.instrument(3)
    some = board[board["state"] == shm.State.STALE]
    assert (type(some), some.sequence, some.instrument(2).symbol) == (shm.Board, last, "C")
    assert type(board["bid"]) is np.ndarray
    sent = pickle.loads(pickle.dumps(board))
    assert sent["data_ns"].tolist() == board["data_ns"].tolist()
    assert (sent.same_instant, sent.live.any()) == (
        False,
        False,
    )  # it knows no more: it claims none
    with pytest.raises(IndexError, match="without their directory"):
        sent.instrument(0)


def test_chosen_rows_come_in_the_order_asked_for(namespace: str, create: Create) -> None:
    owner = create()
    for row, symbol in enumerate("ABC"):
        owner.writer.directory_add({"symbol": symbol, "name": symbol * 2})
        owner.writer.quote_store(row, {"bid_price": row})
    create("w").writer.directory_add({"symbol": "A"})
    feed = shm.attach("v", namespace=namespace)
    a, c = feed.instrument("A"), feed.instrument("CC")
    assert feed.board([c, "A", "BB"])["bid"].tolist() == [2.0, 0.0, 1.0]
    assert feed.board([]).shape == (0,)
    with pytest.raises(shm.UnknownInstrument, match="no instrument 'D'"):
        feed.board(["D"])
    with pytest.raises(shm.UnknownInstrument, match="of w, not v"):
        feed.board([shm.attach("w", namespace=namespace).instrument("A")])
    owner.close()
    writer = create().writer
    writer.directory_add({"symbol": "C"})
    writer.quote_store(0, {"bid_price": 9})
    assert feed.board([c])["bid"].tolist() == [9.0]  # found again by its symbol
    with pytest.raises(shm.UnknownInstrument, match="no instrument 'A'"):
        feed.board([c, a])


def test_nothing_of_a_silent_writer_is_live(namespace: str, create: Create) -> None:
    writer = create().writer
    writer.directory_add({"symbol": "A"})
    writer.quote_store(0, {"state": shm.State.LIVE})
    feed = shm.attach("v", namespace=namespace)
    writer.heartbeat()
    assert feed.board().live.all()
    deadline = time.monotonic() + DEADLINE
    while (board := feed.board()).live.any():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert board.heartbeat_age_ns >= 10**9
    assert (board["state"] == shm.State.LIVE).all()


# ---- chains ----

DAY = 86_400 * 10**9
NEAR = (datetime(2126, 11, 27, 8, tzinfo=UTC), datetime(2126, 12, 25, 8, tzinfo=UTC))
PAST = datetime(2024, 1, 5, 8, tzinfo=UTC)


def ns(at: datetime) -> int:
    return int(at.timestamp()) * 10**9


def terms(at: datetime, strike: float, side: str, **more: str) -> dict[str, Any]:
    units = {"base": "BTC", "quote": "USD", "settle": "BTC"} | more
    pair = f"{units['base']}_{units['quote']}"
    return {
        "symbol": f"{pair}-{at:%d%b}-{strike:g}-{side}",
        "kind": shm.InstrumentKind.OPTION,
        "option_type": {"C": shm.OptionType.CALL, "P": shm.OptionType.PUT}[side],
        "strike": strike,
        "expiry_ns": ns(at),
        **units,
    }


def option(writer: Writer, at: datetime, strike: float, side: str, **more: str) -> None:
    writer.directory_add(terms(at, strike, side, **more))


@pytest.fixture
def options(namespace: str, create: Create) -> tuple[Writer, shm.Feed]:
    writer = create(instruments=64).writer
    writer.directory_add({"symbol": "BTC-PERPETUAL", "kind": shm.InstrumentKind.PERPETUAL})
    for at in (NEAR[1], PAST, NEAR[0]):
        for strike in (90_000.0, 80_000.0):
            for side in "PC":
                option(writer, at, strike, side)
    option(writer, NEAR[0], 3_000.0, "C", base="ETH", settle="ETH")
    option(writer, NEAR[0], 3_000.0, "C", base="ETH", quote="USDC", settle="USDC")
    return writer, shm.attach("v", namespace=namespace)


def rows(chain: shm.Board) -> list[tuple[float, int]]:
    return [(row["strike"], row["option"]) for row in chain]


def test_a_chain_is_sorted_and_chosen(options: tuple[Writer, shm.Feed]) -> None:
    _, feed = options
    one = [(80_000.0, 1), (80_000.0, 2), (90_000.0, 1), (90_000.0, 2)]
    chain = feed.chain("BTC", expiry="2126-12-25")
    assert rows(chain) == one
    assert set(chain["expiry_ns"]) == {ns(NEAR[1])}
    assert chain.instrument(chain["instrument"][0]).symbol == "BTC_USD-25Dec-80000-C"
    for same in ("21261225", date(2126, 12, 25), NEAR[1], ns(NEAR[1])):
        assert feed.chain("BTC-USD", same)["instrument"].tolist() == chain["instrument"].tolist()
    every = feed.chain("BTC-USD:BTC")
    assert rows(every) == one + one
    assert every["expiry_ns"].tolist() == [ns(NEAR[0])] * 4 + [ns(NEAR[1])] * 4
    assert rows(feed.chain("BTC", expiry=PAST)) == one  # what has expired is there by name only
    assert feed.expiries("BTC") == [ns(at) for at in NEAR]


def test_a_chain_has_the_quotes_and_their_state(options: tuple[Writer, shm.Feed]) -> None:
    writer, feed = options
    chain = feed.chain("BTC", expiry=NEAR[0])
    assert set(chain["state"]) == {shm.State.NONE}
    put = int(chain["instrument"][1])
    now = time.time_ns()
    live = {"state": shm.State.LIVE, "data_ns": now, "bid_price": 5, "bid_size": 3}
    writer.quote_store(put, {**live, "mark_iv": 0.5, "delta": -0.25, "underlying": 82_000.0})
    chain = feed.chain("BTC", expiry=NEAR[0])
    row = chain[1]
    assert (row["bid"], row["bid_size"], row["mark_iv"], row["delta"]) == (5.0, 3.0, 0.5, -0.25)
    assert np.isnan(row["ask"])
    assert chain.live.tolist() == [False, True, False, False]
    assert 0 <= row["age_ns"] < 10**9
    option(writer, NEAR[0], 85_000.0, "C")  # listed meanwhile
    assert [strike for strike, _ in rows(feed.chain("BTC", NEAR[0]))] == [
        80_000, 80_000, 85_000, 90_000, 90_000,
    ]  # fmt: skip


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("change", [{"expiry_ns": ns(NEAR[1])}, {"base": "ETH"}, {"strike": 1.0}])
def test_a_chain_follows_terms_that_change(
    options: tuple[Writer, shm.Feed], change: dict[str, Any], before: bool
) -> None:
    """An expiry that is moved, a strike that is adjusted: found by the rows that are read."""
    writer, feed = options
    if before:
        feed.chain("BTC", expiry=NEAR[0])
    else:  # a look at the chains alone
        feed.expiries("BTC")
    row = terms(NEAR[0], 90_000.0, "C")
    its = feed.instrument(row["symbol"])
    writer.directory_update(its.id, row | change | {"definition": 2})
    chain = feed.chain("BTC", expiry=NEAR[0])
    strikes = [strike for strike, _ in rows(chain)]
    assert strikes == sorted(strikes)
    assert (its.id in chain["instrument"]) == ("strike" in change)
    assert set(chain["expiry_ns"]) == {ns(NEAR[0])}
    assert (its.id in feed.chain("BTC", expiry=NEAR[1])["instrument"]) == ("expiry_ns" in change)
    if "base" in change:
        assert its.id in feed.chain("ETH-USD:BTC")["instrument"]


@pytest.mark.parametrize(
    ("underlying", "expiry", "says"),
    [
        ("XRP", None, "no options on 'XRP'; there are options on BTC-USD:BTC, ETH-USD:ETH"),
        ("ETH", None, "ETH-USD:ETH or ETH-USDC:USDC"),
        ("BTC", "2126-12-26", "expire 2126-12-26; 2024-01-05, 2126-11-27, 2126-12-25 do"),
        ("BTC", 5, "expire 5"),
    ],
)
def test_what_is_not_there_is_said(
    options: tuple[Writer, shm.Feed], underlying: str, expiry: str | int | None, says: str
) -> None:
    with pytest.raises(shm.UnknownInstrument) as caught:
        options[1].chain(underlying, expiry)
    assert says in str(caught.value)


@pytest.mark.parametrize("expiry", ["25DEC26", "soon", datetime(2126, 12, 25, 8)])
def test_no_expiry_is_said(options: tuple[Writer, shm.Feed], expiry: str | datetime) -> None:
    with pytest.raises(ValueError, match="expiry"):
        options[1].chain("BTC", expiry)


def test_a_chain_follows_to_the_next_epoch(namespace: str, create: Create) -> None:
    owner = create()
    option(owner.writer, NEAR[0], 80_000.0, "C")
    feed = shm.attach("v", namespace=namespace)
    before = feed.chain("BTC")
    owner.close()
    with pytest.raises(shm.WriterLost):
        feed.chain("BTC")
    writer = create().writer
    option(writer, NEAR[0], 70_000.0, "C")
    option(writer, NEAR[0], 80_000.0, "C")
    after = feed.chain("BTC")
    assert after["strike"].tolist() == [70_000.0, 80_000.0]
    assert before.epoch < after.epoch
    # The same number, the other epoch's instrument: rows know which directory is theirs.
    assert before["instrument"].tolist() == [0]
    assert before.instrument(0).strike == 80_000.0
    assert after.instrument(0).strike == 70_000.0
