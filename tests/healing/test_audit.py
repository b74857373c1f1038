"""The shadow audit: right books agree wholly, a silently wrong one is found, said and healed."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np
import pytest

from feedhandler.cli.simulated import at_host
from feedhandler.healing.audit import Audit, Duties
from feedhandler.healing.audit_compare import Broken, FollowedBook, Known, compare
from feedhandler.network.rest import RestError
from feedhandler.view.status import venue_status
from shm import Flag, Kind, Reason, State
from shm._native import SLOTS
from tests.feed.fault_table import row
from tests.kit.proxy import proxy
from tests.kit.rig import SYMBOLS, Rig, RingBooks, Sim, assert_true_book, rig, until


def counters(r: Rig, venue: str) -> dict[str, int]:
    found: dict[str, int] = venue_status(r.namespace, venue)["counters"]
    return found


def audits(r: Rig, venue: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = venue_status(r.namespace, venue)["audits"]
    return found


def test_right_books_agree_wholly() -> None:
    with rig(*SYMBOLS) as r:
        for venue in SYMBOLS:
            r.change(venue, audit_s=0.5)
            r.io_process(venue)
        rings = {venue: RingBooks(r.attach(venue)) for venue in SYMBOLS}
        for venue, symbols in SYMBOLS.items():

            def audited(venue: str = venue, symbols: tuple[str, ...] = symbols) -> bool:
                return counters(r, venue)["audits"] >= 4 and set(audits(r, venue)) == set(symbols)

            until(audited, f"{venue}: both books were audited twice", 40)
            for symbol, found in audits(r, venue).items():
                assert found["agree"] == 1.0, symbol
                assert found["levels"] >= 20
                truth = r.sims[venue].book(symbol)
                assert truth is not None
                assert 0 < found["sequence"] <= truth[0]
                assert found["known"] == {"bid": None, "ask": None}
            assert counters(r, venue)["audit_bad"] == 0
            rings[venue].catch_up()
            assert rings[venue].states == {}


def _okx(document: Any, symbol: str, prices: list[Decimal]) -> bool:
    book = document.get("arg", {}).get("channel") == "books" and document.get("action") == "update"
    if book and document["arg"]["instId"] == symbol:
        document["data"][0]["bids"] += [[str(price), "0", "0", "0"] for price in prices]
        return True
    return False


def _binance(document: Any, symbol: str, prices: list[Decimal]) -> bool:
    data = document.get("data", {})
    if data.get("e") == "depthUpdate" and data["s"] == symbol:
        data["b"] += [[str(price), "0"] for price in prices]
        return True
    return False


def _deribit(document: Any, symbol: str, prices: list[Decimal]) -> bool:
    params = document.get("params", {})
    if params.get("channel", "").startswith(f"book.{symbol}.") and (
        params["data"]["type"] == "change"
    ):
        params["data"]["bids"] += [["delete", float(price), 0] for price in prices]
        return True
    return False


DOCTORS = {"okx": _okx, "binance": _binance, "deribit": _deribit}


@pytest.mark.parametrize("venue", SYMBOLS)
def test_silently_wrong_book_is_found_and_healed(venue: str) -> None:
    wrong, other = SYMBOLS[venue]
    with rig(venue) as r, proxy(_origin(r.sims[venue])) as between:
        url = r.config.venues[venue].ws_url
        assert isinstance(url, str)
        r.change(venue, audit_s=0.5, ws_url=at_host(url, between.url))
        r.io_process(venue)
        feed = r.attach(venue)
        ring = RingBooks(feed)
        until(lambda: counters(r, venue)["audits"] >= 2, "audits work", 30)
        assert counters(r, venue)["audit_bad"] == 0

        truth = r.sims[venue].book(wrong)
        assert truth is not None
        gone = sorted(truth[1], reverse=True)[180:210]  # so deep that the market leaves them alone
        assert len(gone) == 30
        between.doctor = _once(partial(DOCTORS[venue], symbol=wrong, prices=gone))

        def found() -> bool:
            ring.catch_up()
            return ("STALE", "AUDIT") in ring.of(wrong)

        its = row("book silently wrong")
        until(found, "the wrong book is STALE(AUDIT)", its.noticed_s())
        assert ring.of(wrong)[:1] == [its.sees[0]] == [("STALE", "AUDIT")]
        assert counters(r, venue)["audit_bad"] >= 1

        def healed() -> bool:
            ring.catch_up()
            return ring.of(wrong)[-1] == ("LIVE", "NONE")

        until(healed, "it is LIVE again", its.healed_s())
        assert_true_book(r.sims[venue], feed, wrong)
        bad = counters(r, venue)["audit_bad"]
        until(lambda: audits(r, venue)[wrong]["agree"] == 1.0, "it agrees again", 30)
        assert counters(r, venue)["audit_bad"] == bad == 1
        assert ring.of(other) == []


def _origin(sim: Sim) -> str:
    parts = urlsplit(sim.endpoint.ws_url)
    return f"{parts.scheme}://{parts.netloc}"


def _once(change: Callable[[Any], bool]) -> Callable[[str], str]:
    """Change the first text that `change` takes, and no other."""
    done = False

    def doctor(text: str) -> str:
        nonlocal done
        if done:
            return text
        document = json.loads(text)
        done = change(document)
        return json.dumps(document, separators=(",", ":")) if done else text

    return doctor


# ---- the comparison by itself


def book(*bids: tuple[int, int], sequence: int = 10) -> FollowedBook:
    asks = np.array([[200, 1]], dtype=np.int64)
    return FollowedBook(np.array(bids, dtype=np.int64).reshape(-1, 2), asks, sequence, 0)


def records(*messages: tuple[int, list[tuple[int, int]]]) -> np.ndarray[Any, Any]:
    """Messages of bids: (venue sequence, [(price, size)])."""
    rows = np.zeros(sum(len(levels) for _, levels in messages), dtype=SLOTS)
    at = 0
    for sequence, levels in messages:
        for number, (price, size) in enumerate(levels, 1):
            flags = Flag.LAST if number == len(levels) else 0
            for name, value in (
                ("kind", Kind.LEVEL), ("flags", flags), ("price", price), ("size", size),
                ("venue_sequence", sequence),
            ):  # fmt: skip
                rows[name][at] = int(value)
            at += 1
    return rows


def test_book_is_followed_to_the_sequence_and_not_beyond() -> None:
    followed = book((100, 1), (99, 2))
    later = records((12, [(100, 5)]), (15, [(99, 0), (98, 7)]), (18, [(100, 9)]))
    assert followed.take(later, 15)
    assert followed.sequence == 15
    assert followed.sides[0] == {100: 5, 98: 7}
    assert followed.touched == frozenset({(0, 100)})


def test_message_cut_between_two_reads_is_applied_whole() -> None:
    followed = book((100, 1))
    both = records((12, [(100, 5), (99, 4)]), (14, [(97, 1)]))
    assert not followed.take(both[:1], 14)
    assert followed.sides[0] == {100: 1}
    assert followed.take(both[1:], 14)
    assert followed.sides[0] == {100: 5, 99: 4, 97: 1}


def test_levels_of_the_message_over_the_sequence_are_not_judged() -> None:
    followed = book((100, 1), (99, 2))
    assert followed.take(records((20, [(99, 3)])), 15)
    found = compare(followed, [(100, 1), (99, 9)], [(200, 1)], 0, Known())
    assert (found.levels, found.agree, found.exact) == (2, 2, False)
    found = compare(followed, [(100, 2), (99, 9)], [(200, 1)], 0, Known())
    assert found.differing == ((0, 100, 1, 2),)


def test_only_guaranteed_depth_is_judged() -> None:
    ours = book((100, 1), (99, 2), (98, 3), (90, 4))
    cut = compare(ours, [(100, 1), (99, 2)], [(200, 1)], 2, Known())
    assert (cut.levels, cut.agree) == (3, 3)  # two of two asked for: 98 may be there
    whole = compare(ours, [(100, 1), (99, 2)], [(200, 1)], 3, Known())
    assert whole.differing == ((0, 98, 3, 0), (0, 90, 4, 0))
    known = compare(ours, [(100, 1), (99, 2), (97, 1)], [(200, 1)], 0, Known(bid=99))
    assert (known.levels, known.share) == (3, 1.0)  # beyond 99 our base knew nothing


def test_state_or_precision_that_changes_meanwhile_gives_no_verdict() -> None:
    rows = records((12, [(100, 5)]))
    rows["kind"] = int(Kind.STATE)
    with pytest.raises(Broken, match="state"):
        book((100, 1)).take(rows, 12)
    rows = records((12, [(100, 5)]))
    rows["precision"] = 1
    with pytest.raises(Broken, match="widened"):
        book((100, 1)).take(rows, 12)


# ---- the turns


def test_budget_that_has_room_every_other_time_passes_no_book_by() -> None:
    """A turn that the budget does not allow is kept: two books asked for by turns out of a budget
    that earns one request every two turns are both asked for."""
    asked: list[str] = []
    books = [SimpleNamespace(id=n, spec=SimpleNamespace(symbol=f"S{n}")) for n in range(2)]
    for each in books:
        each.book_key, each.closed = "book", False
    room = itertools.cycle([True, False])

    class Requests:
        async def get(self, request: Any) -> bytes:
            asked.append(request.symbol)
            raise RestError("no answer", "")

    segment = SimpleNamespace(published=0, instrument=lambda _: SimpleNamespace(precision=0))

    async def turns() -> None:
        audit = Audit(
            cast(
                Any,
                SimpleNamespace(
                    parse_book=None,
                    book_request=lambda symbol: SimpleNamespace(symbol=symbol, levels=0),
                ),
            ),
            cast(
                Any,
                SimpleNamespace(
                    state=lambda _: (State.LIVE, Reason.NONE),
                    book=lambda _: (
                        np.empty((0, 2), np.int64),
                        np.empty((0, 2), np.int64),
                        0,
                        0,
                        0,
                    ),
                    known=lambda _: (None, None),
                ),
            ),
            cast(Any, None),
            cast(Any, Requests()),
            Duties(
                after=lambda last: [each for each in cast(Any, books) if each.id > last] + books,
                free=lambda _: next(room),
                diverged=lambda _: None,
                count=lambda _: None,
            ),
            0.5,
            random.Random(1),
        )
        for _ in range(12):
            await audit._turn(cast(Any, segment))

    asyncio.run(turns())
    assert asked == ["S0", "S1"] * 3
