"""Further venues end to end: one run each, with the faults and the machinery that they all meet."""

import math
import signal
from typing import Any

import pytest

from feedhandler.view.status import venue_status
from shm import Kind, State
from shm.inspect import open_memory
from tests.feed.fault_table import rows
from tests.kit.rig import MORE_SYMBOLS, Levels, Rig, RingBooks, assert_true_book, rig, until

CONNECTIONS = {"binance-usdm": 2}  # where streams are on several endpoints
WINDOWS = {"bybit-linear": 50, "bybit-spot": 50}  # where a stream has the best levels alone
BYBIT = ("bybit-linear", "bybit-spot")


def counters(r: Rig, venue: str) -> dict[str, int]:
    found: dict[str, int] = venue_status(r.namespace, venue)["counters"]
    return found


def live_again(ring: RingBooks, *symbols: str) -> bool:
    ring.catch_up()
    return all(ring.of(symbol)[-1:] == [("LIVE", "NONE")] for symbol in symbols)


def assert_healed(r: Rig, venue: str, ring: RingBooks, why: tuple[str, str], *symbols: str) -> None:
    until(lambda: live_again(ring, *symbols), f"LIVE again after {why}")
    for symbol in symbols:
        assert ring.of(symbol)[0] == why
        assert_true_book(r.sims[venue], ring.feed, symbol)
    ring.states.clear()


def best(sides: tuple[Levels, Levels], count: int | None) -> tuple[Levels, Levels]:
    bids, asks = sides
    return (
        dict(sorted(bids.items(), reverse=True)[:count]),
        dict(sorted(asks.items())[:count]),
    )


@pytest.mark.parametrize("venue", MORE_SYMBOLS)
def test_from_the_first_book_through_faults_to_the_end(venue: str) -> None:
    broken, other = symbols = MORE_SYMBOLS[venue]
    with rig(venue) as r:
        r.change(venue, audit_s=0.5)
        process = r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]
        connections = CONNECTIONS.get(venue, 1)
        ring = RingBooks(feed, "oldest")
        for symbol in symbols:
            assert_true_book(sim, feed, symbol)

        def audited() -> bool:
            found: dict[str, Any] = venue_status(r.namespace, venue)["audits"]
            return set(found) == set(symbols) and counters(r, venue)["audits"] >= 3

        until(audited, "every book was audited", 40)
        assert counters(r, venue)["audit_bad"] == 0
        assert all(a["agree"] == 1 for a in venue_status(r.namespace, venue)["audits"].values())
        ring.catch_up()
        assert ring.states == {}

        sim.fault("gap", broken)
        assert_healed(r, venue, ring, ("STALE", "GAP"), broken)
        assert ring.of(other) == []
        assert sim.stats()["connections"] == connections
        sim.fault("crossed", broken)
        assert_healed(r, venue, ring, ("CROSSED", "CROSSED"), broken)
        sim.fault("drop")
        assert_healed(r, venue, ring, ("STALE", "DISCONNECTED"), *symbols)
        back = 2 * connections
        until(lambda: sim.stats()["connections"] == back, "each connection is there again")

        sim.pause()
        for symbol in symbols:
            truth = sim.book(symbol)
            assert truth is not None
            expected = best(truth[1:], WINDOWS.get(venue))

            def there(symbol: str = symbol, expected: tuple[Levels, Levels] = expected) -> bool:
                ring.catch_up()
                return ring.levels(symbol) == expected

            until(there, f"{symbol} is what the venue has")
        assert ring.events.lost == 0
        assert counters(r, venue)["malformed"] == counters(r, venue)["unknown"] == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(45) == 0
        assert r.left() == []


def test_binance_usdm_tells_what_its_other_path_has() -> None:
    venue = "binance-usdm"
    with rig(venue, rate=2000.0) as r:
        r.change(venue, channels=("book", "trades", "ticker", "quote"))
        r.io_process(venue)
        feed = r.attach(venue)
        events = feed.events(start="oldest", raw=True)
        seen: set[int] = set()

        def told() -> bool:
            while (batch := events.poll()) is not None:
                seen.update(batch["kind"].tolist())
            return {Kind.TRADE, Kind.LIQUIDATION, Kind.QUOTE, Kind.STAT} <= seen

        until(told, "trades, liquidations, quotes and statistics")
        quote = feed.quote(MORE_SYMBOLS[venue][0])
        assert quote.state == State.LIVE
        assert not math.isnan(quote.mark)
        assert abs(quote.mark / quote.index - 1) < 0.01
        assert quote.funding > 0
        assert quote.last is not None
        with open_memory(venue, namespace=r.namespace) as memory:
            urls = {row["url"].rsplit("/", 2)[-2] for row in memory.connections() if row["url"]}
        assert urls == {"public", "market"}


def test_both_paths_of_binance_usdm_are_renewed_before_the_venue_ends_them() -> None:
    venue = "binance-usdm"
    with rig(venue) as r:
        r.change(venue, lifetime_s=6.0)
        r.io_process(venue)
        ring = RingBooks(r.attach(venue))
        until(lambda: r.sims[venue].stats()["connections"] >= 4, "each was renewed", 30)
        ring.catch_up()
        assert ring.states == {}
        assert counters(r, venue)["disconnects"] == 0
        for symbol in MORE_SYMBOLS[venue]:
            assert_true_book(r.sims[venue], ring.feed, symbol)


@pytest.mark.parametrize("venue", BYBIT)
def test_bybit_tells_of_trades_and_quotes(venue: str) -> None:
    linear = venue == "bybit-linear"
    with rig(venue, rate=2000.0) as r:
        r.change(venue, channels=("book", "trades", "ticker", "quote"))
        r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]
        events = feed.events(start="oldest", raw=True)
        wanted = {Kind.TRADE, Kind.QUOTE} | ({Kind.LIQUIDATION, Kind.STAT} if linear else set())
        seen: set[int] = set()

        def told() -> bool:
            while (batch := events.poll()) is not None:
                seen.update(batch["kind"].tolist())
            return wanted <= seen

        until(told, f"{wanted}")
        sim.pause()
        symbol = MORE_SYMBOLS[venue][0]
        truth = sim.book(symbol)
        assert truth is not None
        tops = max(truth[1]), min(truth[2])

        def quoted() -> bool:
            quote = feed.quote(symbol)
            return quote.state == State.LIVE and (quote.bid, quote.ask) == tuple(map(float, tops))

        until(quoted, f"the quote is {tops}")
        quote = feed.quote(symbol)
        assert quote.last is not None
        if linear:
            assert abs(quote.mark / quote.index - 1) < 0.01
            assert quote.funding > 0


@pytest.mark.parametrize("venue", BYBIT)
def test_a_restart_of_the_service_is_a_new_book_at_once(venue: str) -> None:
    restarted, other = MORE_SYMBOLS[venue]
    with rig(venue) as r:
        r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]
        ring = RingBooks(feed)
        assert_true_book(sim, feed, restarted)
        before = counters(r, venue)["snapshots"]
        (fault,) = rows()["numbers begin anew"].kinds
        sim.fault(fault, restarted)
        until(lambda: counters(r, venue)["snapshots"] > before, "a book was taken whole")
        sequence = assert_true_book(sim, feed, restarted)
        until(lambda: assert_true_book(sim, feed, restarted) > sequence, "it goes on")
        assert_true_book(sim, feed, other)
        ring.catch_up()
        assert [state for state, _ in ring.of(restarted)] in ([], ["LIVE"])
        assert ring.of(other) == []
        assert sim.stats()["connections"] == 1
