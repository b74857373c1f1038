"""What venues really sent, replayed, against books kept in plain Python."""

import json
from bisect import bisect
from decimal import Decimal
from typing import Any

import pytest

from feedhandler.capture.frames_file import Frame
from feedhandler.capture.replay import replay
from feedhandler.engine._engine import Engine

from .reference import REFERENCES, OkxReference, Reference, lines
from .support import recording, recording_names

Side = list[tuple[Decimal, Decimal]]


def decimals(side: list[list[str]]) -> Side:
    return [(Decimal(price), Decimal(size)) for price, size in side]


def compare(books: dict[str, dict[str, Any]], reference: Reference) -> int:
    """Every book that is in step by the documents is LIVE and equal; no other one is LIVE."""
    compared = 0
    for symbol, expected in reference.books.items():
        book = books[symbol]
        if expected.joining:  # no message has come to it
            assert (book["state"], book["reason"]) == ("SYNCING", "UNCONFIRMED"), symbol
            continue
        if not expected.live:
            assert book["state"] != "LIVE", symbol
            continue
        assert (book["state"], book["reason"]) == ("LIVE", "NONE"), symbol
        assert book["venue_sequence"] == expected.sequence, symbol
        bids, asks = expected.levels()
        assert decimals(book["bids"]) == bids, symbol
        assert decimals(book["asks"]) == asks, symbol
        compared += 1
    return compared


#: as long as all others together; another day of it is always played
LONG = "hftbacktest_usdm_btcusdt_20240808.ndjson.gz"


@pytest.mark.parametrize(
    ("venue", "name"),
    [
        pytest.param(venue, name, marks=pytest.mark.soak if name == LONG else ())
        for venue, name in recording_names()
    ]
    or [pytest.param("", "", marks=pytest.mark.skip("no recordings folder"))],
)
def test_final_books_equal_the_reference(venue: str, name: str, namespace: str) -> None:
    path = recording(venue, name)
    reference = REFERENCES[venue]()
    for line in lines(path):
        reference.line(line)
    result = replay(path, venue=venue, namespace=namespace)
    assert result.broken == 0
    compared = compare(result.books, reference)
    unexpected = [
        symbol
        for symbol, book in result.books.items()
        if symbol not in reference.books and (book["bids"] or book["asks"])
    ]
    assert not unexpected
    if "samples" not in name and "live_frames" not in name:
        worn = sum(book.worn for book in reference.books.values())
        assert compared + worn == len(reference.books) > 0  # whole sequences end in step


@pytest.mark.parametrize(
    ("name", "books"),
    [("cryptofeed_hist_okx_20220227.ndjson.gz", 10), ("cryptofeed_okx.ndjson.gz", 3)],
)
def test_okx_checksums_of_2022_are_verified_on_every_update(
    name: str, books: int, namespace: str
) -> None:
    path = recording("okx", name)
    reference = OkxReference()
    for line in lines(path):
        reference.line(line)
    result = replay(path, namespace=namespace)
    assert reference.checksums > 0
    assert result.counters["checksum_ok"] == reference.checksums
    assert result.counters["checksum_bad"] == 0
    assert result.states == {"LIVE": books}


@pytest.mark.parametrize(
    ("venue", "name", "known"),
    [
        ("binance", "cryptofeed_binance.ndjson.gz", 26),
        ("binance", "cryptofeed_hist_binance_20210417.ndjson.gz", 199),
        ("binance", "hftbacktest_spot_btcusdt_20240808.ndjson.gz", 423),
        ("binance-usdm", "cryptofeed_binance_futures.ndjson.gz", 50),
        ("binance-usdm", "hftbacktest_usdm_btcusdt_20240718.ndjson.gz", 195),
        pytest.param(
            "binance-usdm", "hftbacktest_usdm_btcusdt_20240808.ndjson.gz", 629,
            marks=pytest.mark.soak,
        ),
    ],
)  # fmt: skip
def test_binance_top_equals_the_book_ticker_of_the_same_update(
    venue: str, name: str, known: int, namespace: str
) -> None:
    tops: dict[tuple[str, int], tuple[Any, ...]] = {}
    tickers: dict[tuple[str, int], tuple[Any, ...]] = {}

    def observe(frame: Frame, engine: Engine) -> None:
        if frame.kind == "ws":
            event = json.loads(frame.data or b"{}")["data"]
            symbol = event["s"]
            if "B" in event and event.get("e", "bookTicker") == "bookTicker":
                tickers[symbol, event["u"]] = tuple(
                    Decimal(event[key]) for key in ("b", "B", "a", "A")
                )
        else:
            symbol = (frame.url or "").partition("symbol=")[2].partition("&")[0]
        instrument = engine.instrument_id(symbol)
        bids, asks, sequence, price, size = engine.book(instrument)
        if engine.state(instrument) == (2, 0) and len(bids) and len(asks):
            scales = Decimal(1).scaleb(price), Decimal(1).scaleb(size)
            tops[symbol, sequence] = tuple(
                int(value) * scale
                for best in (bids[0], asks[0])
                for value, scale in zip(best, scales, strict=True)
            )

    result = replay(recording(venue, name), namespace=namespace, observe=observe)
    assert result.states.keys() <= {"LIVE", "STALE"}  # STALE: nobody asked for another snapshot
    both = tops.keys() & tickers.keys()
    assert len(both) >= known
    assert {key: tops[key] for key in both} == {key: tickers[key] for key in both}


def test_bybit_tickers_have_the_best_bid_of_the_book_at_their_place(namespace: str) -> None:
    """Where the best bid is the same before and after a ticker's place, the ticker has it."""
    bests: dict[str, list[tuple[int, Decimal]]] = {}
    tickers: list[tuple[str, int, Decimal]] = []

    def observe(frame: Frame, engine: Engine) -> None:
        message = json.loads(frame.data or b"{}")
        kind, _, symbol = str(message.get("topic", "")).rpartition(".")
        if kind.startswith("orderbook."):
            bids, _, sequence, price, _ = engine.book(engine.instrument_id(symbol))
            bests.setdefault(symbol, []).append((sequence, Decimal(int(bids[0, 0])).scaleb(price)))
        elif kind == "tickers" and "bid1Price" in message["data"]:
            tickers.append((symbol, message["cs"], Decimal(message["data"]["bid1Price"])))

    path = recording("bybit-linear", "cryptofeed_v3_bybit_v5.ndjson.gz")
    result = replay(path, venue="bybit-linear", namespace=namespace, observe=observe)
    assert result.states == {"LIVE": 4}
    assert all(len(book["bids"]) == 200 == len(book["asks"]) for book in result.books.values())
    agreeing = 0
    for symbol, place, bid in tickers:
        at = bisect(bests.get(symbol, []), (place, Decimal("Infinity")))
        around = {best for _, best in bests.get(symbol, [])[max(0, at - 1) : at + 1]}
        if at and len(around) == 1:
            assert around == {bid}
            agreeing += 1
    assert agreeing >= 409


def test_speed_of_reading_does_not_change_the_books(namespace: str) -> None:
    path = recording("deribit", "cryptofeed_deribit.ndjson.gz")
    assert replay(path, namespace=namespace, speed=1000.0).books == (
        replay(path, namespace=namespace).books
    )


def test_only_instruments_of_the_capture_are_added_and_with_what_is_listed(
    namespace: str,
) -> None:
    added: set[str] = set()

    def observe(_frame: Frame, engine: Engine) -> None:
        added.update(engine.symbols())

    result = replay(
        recording("binance", "cryptofeed_binance.ndjson.gz"), namespace=namespace, observe=observe
    )
    assert added == {"NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"}
    assert result.instruments == 4
    # Listed tick and lot sizes hold the prices; only a level below the tick of its day widens.
    assert result.counters["precision"] <= 1
