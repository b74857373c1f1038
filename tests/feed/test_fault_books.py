"""Faults of single books, in one running feed of each venue: rows of the fault table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.feed.fault_table import row
from tests.kit.outage import Watched, healed, noticed, undergo, unnoticed, watched
from tests.kit.patience import SLACK_S
from tests.kit.rig import rig, until

SYMBOLS = {
    "deribit": ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC-25DEC26", "ETH-25DEC26"),
    "okx": ("BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP"),
    "binance": ("BTCUSDT", "ETHUSDT"),  # a snapshot is a fifth of what may be asked for at once
}
LOOK_S = 0.5  #: how often rhythms are looked at, or less often on a busy machine
RHYTHM_S = 20  #: seconds with messages of a book, after which it has a rhythm: 20 gaps, and more
Running = dict[str, Watched]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with (
        rig(*SYMBOLS, rate=150.0) as r,
        watched(r, SYMBOLS, rhythm_floor_s=2.0) as found,
    ):
        yield {each.venue: each for each in found}


@pytest.fixture(autouse=True)
def over(running: Running) -> Iterator[None]:
    """No fault outlives its test, and none is healed late for what others have asked."""
    for each in running.values():
        each.until(Watched.affords_snapshot, "a snapshot may be asked for")
    yield
    for each in running.values():
        each.sim.fault("none")


def strike(running: Running, fault: str, *orders: dict[str, Any], at: int) -> None:
    """One fault of one book, by its place, on all of these venues."""
    for place in {at % len(each.symbols) for each in running.values()}:
        met = [each for each in running.values() if at % len(each.symbols) == place]
        undergo(row(fault), met, *orders, ends=True, only=place)


def test_gap(running: Running) -> None:
    strike(running, "message lost", {"kind": "gap"}, at=0)


def test_reorder(running: Running) -> None:
    strike(running, "messages out of order", {"kind": "reorder"}, at=1)


def test_crossed(running: Running) -> None:
    strike(running, "crossed book", {"kind": "crossed"}, at=2)


def test_truncated(running: Running) -> None:
    strike(running, "message cut short", {"kind": "garbage", "form": "truncated"}, at=3)


ITS_FIELDS = "a book message without a field, or with a value that cannot be"
NEEDED = {"deribit": "bids", "okx": "asks", "binance": "U", "binance-usdm": "U"}


def test_malformed(running: Running) -> None:
    """A book message without one of its sides, or its number."""
    for venue, each in running.items():
        order = {"kind": "malform", "key": NEEDED.get(venue, "b")}
        strike({venue: each}, ITS_FIELDS, order, at=3)


def test_checksum() -> None:
    symbols = {"okx": SYMBOLS["okx"]}
    with rig("okx", rate=300.0, checksums=True) as r, watched(r, symbols) as found:
        strike({"okx": found[0]}, "wrong checksum", {"kind": "bad_checksum"}, at=0)


def test_stale_snapshot(running: Running) -> None:
    """A book that needs a snapshot gets old ones, one after the other."""
    its = row("snapshot older than the stream")
    counted = {"binance": ("stale_snapshots", 1)}
    wanted = {}
    for each in running.values():
        counter, more = counted.get(each.venue, ("snapshots", 2))
        wanted[each.venue] = counter, each.counter(counter) + more
        each.forget()
        each.sim.fault("stale", each.symbols[0], updates=1000)
        each.sim.fault("gap", each.symbols[0])
    for each in running.values():
        counter, least = wanted[each.venue]
        each.until(lambda it, c=counter, n=least: it.counter(c) >= n, "old ones come", 10.0)  # type: ignore[misc]
        each.sim.fault("none")
        healed(its, each, each.sim.stats()["faults"][-1]["began_ns"], only=0)


def refuse(each: Watched, place: int, **keys: Any) -> None:
    """The next subscription of a book fails, and one is needed; it has been asked for by itself."""
    number = each.sim.fault(symbol=each.symbols[place], count=1, **keys)
    each.sim.fault("gap", each.symbols[place])
    each.until(lambda it: bool(it.sim.told(number)["ended_ns"]), "it is refused")


def test_subscription_that_does_not_take(running: Running) -> None:
    """Of one book no snapshot comes, of another one the venue does not answer."""
    streamed = [each for each in running.values() if each.venue != "binance"]
    for each in streamed:
        each.forget()
        refuse(each, 1, kind="no_snapshot")
        refuse(each, 2, kind="lost_ack", subscribed=False)
        if each.venue == "okx":
            refuse(each, 3, kind="error_reply")
    for each in streamed:
        over = each.sim.stats()["faults"][-1]["began_ns"]
        # For one that is refused, since there were too many requests, all wait a while.
        waits = (("SYNCING", "RATE_LIMIT"),) if each.venue == "okx" else ()
        healed(row("no snapshot"), each, over, only=1, alone=False, besides=waits)
        its = row("subscription never answered")
        healed(its, each, over, only=2, alone=False, besides=waits)
        if each.venue == "okx":
            its = row("subscription refused: too many requests")
            healed(its, each, over, only=3, alone=False)


def test_silence_of_one(running: Running) -> None:
    """One book falls silent on a socket that lives, after half a minute in which it was busy."""
    its = row("one subscription silent")
    rhythm = {each.venue: threshold_s(each, each.symbols[0]) for each in running.values()}
    began = {}
    for each in running.values():
        each.forget()
        number = each.sim.fault("silence", each.symbols[0])
        began[each.venue] = each.sim.told(number)["began_ns"]
    left = list(running.values())

    def all_noticed() -> bool:
        """Each is ended as soon as it is: one that lasts costs its connection, and other books."""
        for each in [each for each in left if each.said(each.symbols[0])]:
            assert each.said(each.symbols[0])[0] == its.sees[0]
            noticed(its, each, each.symbols[0], began[each.venue], rhythm_s=rhythm[each.venue])
            for symbol in each.symbols[1:]:
                assert each.said(symbol) == []
            each.sim.fault("unsilence", each.symbols[0])
            began[each.venue] = each.sim.stats()["faults"][-1]["began_ns"]
            left.remove(each)
        return not left

    until(all_noticed, "it is noticed everywhere", max(rhythm.values()) + SLACK_S)
    for each in running.values():
        healed(its, each, began[each.venue], only=0, alone=False)


def threshold_s(each: Watched, symbol: str) -> float:
    """What the watchdog makes of the book's rhythm, or more: outages are no gaps to it.

    Once it has one: it counts a gap at each look, and looks less often on a busy machine."""

    def known(it: Watched) -> bool:
        it.ring.catch_up()
        return len({int(at) for at in times(it, symbol)}) >= RHYTHM_S

    each.until(known, "it has been busy", 4 * RHYTHM_S)
    mean = longest = LOOK_S
    for at, later in pairwise(times(each, symbol)):
        gap = max(LOOK_S, later - at)
        mean += 0.05 * (gap - mean)
        longest = max(longest * 0.99, gap)
    return max(2.0, 20 * mean, 4 * longest)


def times(each: Watched, symbol: str) -> list[float]:
    """When messages of the book came."""
    return each.ring.heard.get(each.feed.instrument(symbol).id, [])


UNNOTICED: dict[str, list[dict[str, Any]]] = {
    "messages twice": [{"kind": "duplicate", "count": 5}],
    "messages in several frames": [{"kind": "fragment", "count": 100}],
    "garbage between the messages": [
        {"kind": "garbage", "form": form} for form in ("text", "utf8", "binary")
    ] + [{"kind": "garbage", "form": "huge", "bytes": 1 << 20}],
    "everything late": [{"kind": "delay", "ms": 300, "jitter_ms": 200, "seconds": 2}],
    "everything in small segments": [{"kind": "segments", "bytes": 300, "seconds": 2}],
    "a slow line": [{"kind": "slow", "bytes_per_second": 40_000, "seconds": 2}],
    "the venue's clock is wrong": [{"kind": "clock_skew", "skew_ms": -3_600_000, "seconds": 2}],
    "heartbeat stops, data flows": [
        {"kind": "no_heartbeat", "seconds": 3}, {"kind": "no_pong", "seconds": 3}
    ],
}  # fmt: skip


COUNTED = {"messages twice": ("duplicates", 5), "garbage between the messages": ("malformed", 1)}


@pytest.mark.parametrize("fault", UNNOTICED)
def test_unnoticed(running: Running, fault: str) -> None:
    numbers = {}
    counter, least = COUNTED.get(fault, ("frames", 1))
    before = {each.venue: each.counter(counter) for each in running.values()}
    for each in running.values():
        each.forget()
        books = {"symbol": each.symbols[0]} if fault == "messages twice" else {}
        numbers[each.venue] = [each.sim.fault(**order, **books) for order in UNNOTICED[fault]]
    for each in running.values():
        for number in numbers[each.venue]:
            each.until(lambda it, n=number: bool(it.sim.told(n)["ended_ns"]), "it is over")  # type: ignore[misc]
        for symbol in each.symbols:
            last = each.feed.book(symbol).venue_sequence
            each.until(lambda it, s=symbol, q=last: it.feed.book(s).venue_sequence > q, "it moves")  # type: ignore[misc]
        unnoticed(row(fault), each)
        assert each.counter(counter) >= before[each.venue] + least


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("snapshot over REST fails", {"kind": "rest_error", "status": 503}),
        ("REST says 429 or 418", {"kind": "rest_error", "status": 429, "retry_after": 1.0}),
        ("REST fails, with Retry-After", {"kind": "rest_error", "status": 503, "retry_after": 1.0}),
        ("snapshot over REST without end", {"kind": "endless"}),
        ("snapshot over REST without end", {"kind": "bomb"}),
    ],
)
def test_snapshot_refused(running: Running, fault: str, answer: dict[str, Any]) -> None:
    its = row(fault)
    binance = running["binance"]
    binance.rest_earned()
    binance.forget()
    binance.sim.fault(path="/api/v3/depth", count=1, **answer)
    number = binance.sim.fault("gap", binance.symbols[1])
    healed(its, binance, binance.sim.told(number)["began_ns"], only=1,
           retry_after=answer.get("retry_after", 0.0))  # fmt: skip


def test_snapshot_late(running: Running) -> None:
    binance = running["binance"]
    binance.rest_earned()
    binance.forget()
    binance.sim.fault("rest_delay", path="/api/v3/depth", count=1, ms=1500)
    number = binance.sim.fault("gap", binance.symbols[1])
    over = binance.sim.told(number)["began_ns"] + 1_500_000_000
    healed(row("snapshot over REST late"), binance, over, only=1)


def rejected(each: Watched, place: int) -> None:
    """The venue takes no subscription to a book that it had."""
    okx = {"code": 60018, "message": "no such channel"}
    keys: dict[str, Any] = okx if each.venue == "okx" else {}
    each.forget()
    refuse(each, place, kind="error_reply", **keys)
    its = row("subscription refused")
    symbol = each.symbols[place]
    each.until(lambda it: it.said(symbol)[-1:] == [its.sees[-1]], "it says so")
    assert each.said(symbol)[0] == its.sees[0]


def test_subscription_that_is_refused(running: Running) -> None:
    for each in running.values():
        if each.venue == "binance":  # whose books are healed without one
            continue
        rejected(each, 3)
        each.until(lambda it: it.connection()["failed"] == 1, "it is counted")
        for symbol in each.symbols[:3]:
            assert each.said(symbol) == []


@pytest.mark.soak
def test_subscription_that_is_refused_is_asked_for_again(running: Running) -> None:
    for each in running.values():
        if each.venue != "binance":
            rejected(each, 2)
            over = each.sim.stats()["faults"][-1]["began_ns"]
            healed(row("subscription refused"), each, over, only=2, alone=False)
