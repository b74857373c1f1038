"""A book stands still on a socket that lives, while other channels of its instrument go on."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from tests.feed.fault_table import row
from tests.kit.outage import LIVE, Watched, healed, noticed, watched
from tests.kit.patience import SLACK_S
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, rig, until

ALL = SYMBOLS | MORE_SYMBOLS
#: of each venue: what is asked for, so that something tells of the market beside the book; and the
#: subscription of its first book
ASKED: dict[str, tuple[tuple[str, ...], str]] = {
    "deribit": (("book", "ticker"), "book.BTC-PERPETUAL.100ms"),
    "okx": (("book", "ticker"), "books:BTC-USDT"),
    "binance": (("book", "quote"), "btcusdt@depth@100ms"),
    "binance-usdm": (("book", "trades"), "btcusdt@depth@100ms"),
    "bybit-linear": (("book", "quote"), "orderbook.50.BTCUSDT"),
    "bybit-spot": (("book", "trades"), "orderbook.50.BTCUSDT"),
}
MOVES = 300  #: steps of the market in which nobody is suspected
#: one by the venue's clock, one by the book's own numbers, one by trades alone
ALWAYS = ("deribit", "bybit-linear", "binance-usdm")


def longest_live_s(each: Watched, symbol: str, from_ns: int, to_ns: int) -> float:
    """How long it was LIVE at most, between the two times and after its first state."""
    states = [*zip(each.said(symbol), each.stamps(symbol), strict=True), (("", ""), to_ns)]
    return max(
        (end - max(at, from_ns)) / 1e9 if said == LIVE else 0.0
        for (said, at), (_, end) in pairwise(states)
    )


def moved(each: Watched, since: int) -> bool:
    return int(each.sim.stats()["updates"]) > since + MOVES


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(ALWAYS, id="one of each kind"),
        pytest.param(tuple(ASKED), id="all", marks=pytest.mark.soak),
    ],
)
def test_a_book_that_stands_still_while_its_market_moves(chosen: tuple[str, ...]) -> None:
    its = row("a book stands still while its market moves")
    with rig(*chosen, rate=100.0) as r:
        for venue in chosen:
            r.change(venue, channels=ASKED[venue][0])
        with watched(r, {venue: ALL[venue] for venue in chosen}) as all_watched:
            for each in all_watched:
                each.forget()
            since = {each.venue: each.sim.stats()["updates"] for each in all_watched}
            for each in all_watched:
                until(partial(moved, each, since[each.venue]), "its market moves")
                assert [each.said(symbol) for symbol in each.symbols] == [[], []]
                assert each.counter("resubscribes") == 0
            began = {}
            for each in all_watched:
                key = ASKED[each.venue][1]
                number = each.sim.fault("silence", channel=key)
                began[each.venue] = each.sim.told(number)["began_ns"]
            for each in all_watched:
                first = each.symbols[0]
                each.until(lambda it, s=first: bool(it.said(s)), "it is noticed", its.noticed_s())  # type: ignore[misc]
                assert each.said(first)[0] == its.sees[0], (each.venue, each.said(first))
                noticed(its, each, first, began[each.venue])
            for each in all_watched:  # whatever is tried while it lasts is not believed for long
                first = each.symbols[0]
                each.until(lambda it: it.counter("connects") > 1, "a connection is tried", 20.0)
                each.sim.fault("none")
                over = each.sim.stats()["faults"][-1]["began_ns"]
                stood_s = longest_live_s(each, first, began[each.venue], over)
                print(f"{each.venue}: LIVE for {stood_s:.2f} s at most")
                assert stood_s < its.noticed_s() + SLACK_S
                healed(its, each, over, only=0, alone=False)
