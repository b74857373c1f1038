"""Recorded frames through the engine against books kept in pure Python, level by level."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from feedhandler.engine import _engine as native
from tests.kit.recordings import recorded

from .support import Levels, Line, apply_levels, engine, engine_book, lines

LIVE = (2, 0)


def frames(venue: str, name: str) -> list[Line]:
    path = recorded(f"{venue}/{name}")
    if not path.is_file():
        pytest.skip(f"no {path}")
    return [line for line in lines(path) if line.direction == "in" and line.data is not None]


def connection_of(line: Line, known: dict[str, int]) -> int:
    return known.setdefault(line.conn, len(known))


class DeribitReference:
    def __init__(self) -> None:
        self.books: dict[str, tuple[Levels, Levels]] = {}
        self.last: dict[str, int] = {}

    def feed(self, text: str) -> None:
        message = orjson.loads(text)
        channel = (message.get("params") or {}).get("channel", "")
        if not channel.startswith("book."):
            return
        data = message["params"]["data"]
        name = data["instrument_name"]
        if data.get("type") == "snapshot" or not data.get("prev_change_id"):
            self.books[name] = ({}, {})
        else:
            assert data["prev_change_id"] == self.last[name]
        self.last[name] = data["change_id"]
        for side, key in zip(self.books[name], ("bids", "asks"), strict=True):
            apply_levels(
                side, [(repr(p), "0" if v == "delete" else repr(s)) for v, p, s in data[key]]
            )


class OkxReference:
    def __init__(self) -> None:
        self.texts: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        self.checked = 0

    def feed(self, text: str) -> None:
        message = orjson.loads(text)
        if "data" not in message or not message["arg"]["channel"].startswith("books"):
            return
        name = message["arg"]["instId"]
        if message["action"] == "snapshot":
            self.texts[name] = ({}, {})
        for row in message["data"]:
            for side, key in zip(self.texts[name], ("bids", "asks"), strict=True):
                for price, size, *_ in row[key]:
                    if size == "0":
                        side.pop(price, None)
                    else:
                        side[price] = size
            bids = sorted(self.texts[name][0].items(), key=lambda x: -Decimal(x[0]))[:25]
            asks = sorted(self.texts[name][1].items(), key=lambda x: Decimal(x[0]))[:25]
            parts = []
            for i in range(25):
                parts += [f"{p}:{s}" for p, s in (bids[i : i + 1] + asks[i : i + 1])]
            crc = zlib.crc32(":".join(parts).encode())
            assert crc == row["checksum"] & 0xFFFFFFFF
            self.checked += 1

    def book(self, name: str) -> tuple[Levels, Levels]:
        bids, asks = self.texts[name]
        return (
            {Decimal(p): Decimal(s) for p, s in bids.items()},
            {Decimal(p): Decimal(s) for p, s in asks.items()},
        )


def test_deribit_books() -> None:
    reference = DeribitReference()
    known: dict[str, int] = {}
    with engine("deribit") as e:
        for line in frames("deribit", "cryptofeed_deribit.ndjson.gz"):
            if line.kind != "ws":
                continue
            assert line.data is not None
            result = e.connection(connection_of(line, known)).feed(line.data.encode(), line.t)
            assert not result & (native.MALFORMED | native.UNKNOWN), e.last_error()
            reference.feed(line.data)
        assert len(reference.books) == 10
        for name, book in reference.books.items():
            i = e.instrument_id(name)
            assert engine_book(e, i) == book
            assert e.book(i)[2] == reference.last[name]
            assert e.state(i) == LIVE
        counters = e.counters()
        assert counters["gaps"] == 0
        assert counters["malformed"] == 0


@pytest.mark.parametrize(
    ("name", "checks"),
    [("cryptofeed_hist_okx_20220227.ndjson.gz", 3679), ("cryptofeed_okx.ndjson.gz", 290)],
)
def test_okx_books_and_every_checksum(name: str, checks: int) -> None:
    reference = OkxReference()
    known: dict[str, int] = {}
    with engine("okx") as e:
        for line in frames("okx", name):
            if line.kind != "ws":
                continue
            assert line.data is not None
            result = e.connection(connection_of(line, known)).feed(line.data.encode(), line.t)
            assert not result & (native.MALFORMED | native.UNKNOWN), e.last_error()
            reference.feed(line.data)
        assert reference.checked == checks
        counters = e.counters()
        assert counters["checksum_ok"] == checks
        assert counters["checksum_bad"] == 0
        for symbol in reference.texts:
            i = e.instrument_id(symbol)
            assert engine_book(e, i) == reference.book(symbol)
            assert e.state(i) == LIVE


class BinanceReference:
    """Buffer, join and chain as the venue's documentation says, in Python."""

    def __init__(self, previous: bool) -> None:
        self.previous = previous  # an event names the one before it
        self.joining: set[str] = set()
        self.books: dict[str, tuple[Levels, Levels]] = {}
        self.last: dict[str, int] = {}
        self.waiting: dict[str, list[dict[str, Any]]] = {}
        self.tops = 0

    def snapshot(self, symbol: str, body: dict[str, Any]) -> None:
        self.books[symbol] = ({}, {})
        self.last[symbol] = body["lastUpdateId"]
        self.joining.add(symbol)
        for side, key in zip(self.books[symbol], ("bids", "asks"), strict=True):
            apply_levels(side, body[key])
        for event in self.waiting.pop(symbol, []):
            self.apply(event)

    def apply(self, event: dict[str, Any]) -> None:
        symbol = event["s"]
        if symbol not in self.books:
            self.waiting.setdefault(symbol, []).append(event)
            return
        last = self.last[symbol]
        if event["u"] <= last:
            return
        if self.previous:
            joins = symbol in self.joining and event["U"] <= last <= event["u"]
            assert event["pu"] == last or joins
        else:
            assert event["U"] <= last + 1
        self.joining.discard(symbol)
        self.last[symbol] = event["u"]
        for side, key in zip(self.books[symbol], ("b", "a"), strict=True):
            apply_levels(side, event[key])


FOLDERS = {"binance": "binance_spot", "binance-usdm": "binance_usdm"}


def binance_replay(venue: str, name: str) -> tuple[int, int]:
    """(books compared, tops compared with bookTicker)"""
    reference = BinanceReference(previous=venue == "binance-usdm")
    known: dict[str, int] = {}
    tops: dict[tuple[str, int], tuple[Decimal, ...]] = {}
    seen = 0
    with engine(venue, ring_slots=1 << 16) as e:
        for line in frames(FOLDERS[venue], name):
            assert line.data is not None
            if line.kind == "rest":
                if "depth" not in line.url:
                    continue
                symbol = parse_qs(urlsplit(line.url).query)["symbol"][0]
                if symbol not in e.symbols():
                    e.add_instrument(symbol)
                result = e.snapshot(e.instrument_id(symbol), line.data.encode(), line.t)
                assert not result & native.MALFORMED, e.last_error()
                reference.snapshot(symbol, orjson.loads(line.data))
                continue
            result = e.connection(connection_of(line, known)).feed(line.data.encode(), line.t)
            assert not result & native.MALFORMED, e.last_error()
            event = orjson.loads(line.data)["data"]
            if event.get("e") == "depthUpdate":
                reference.apply(event)
                symbol = event["s"]
                if symbol in reference.books:
                    last = reference.last[symbol]
                    assert e.book(e.instrument_id(symbol))[2] == last
                    ticker = tops.get((symbol, last))
                    if ticker:
                        bids, asks, _, pe, se = e.book(e.instrument_id(symbol))
                        p, s = Decimal(1).scaleb(pe), Decimal(1).scaleb(se)
                        assert ticker == (
                            int(bids[0, 0]) * p,
                            int(bids[0, 1]) * s,
                            int(asks[0, 0]) * p,
                            int(asks[0, 1]) * s,
                        )
                        seen += 1
            elif "B" in event and event.get("e", "bookTicker") == "bookTicker":
                key = (event["s"], event["u"])
                tops[key] = tuple(Decimal(event[k]) for k in "bBaA")
        for symbol, book in reference.books.items():
            i = e.instrument_id(symbol)
            assert engine_book(e, i) == book
            assert e.state(i) == LIVE
        assert e.counters()["gaps"] == 0
        return len(reference.books), seen


@pytest.mark.parametrize(
    ("venue", "name", "books", "tops"),
    [
        ("binance", "cryptofeed_binance.ndjson.gz", 4, 26),
        ("binance", "cryptofeed_hist_binance_20210417.ndjson.gz", 10, 199),
        ("binance", "hftbacktest_spot_btcusdt_20240808.ndjson.gz", 1, 564),
        ("binance-usdm", "cryptofeed_binance_futures.ndjson.gz", 4, 50),
        ("binance-usdm", "hftbacktest_usdm_btcusdt_20240718.ndjson.gz", 1, 171),
    ],
)
def test_binance_books_and_their_tops(venue: str, name: str, books: int, tops: int) -> None:
    compared, seen = binance_replay(venue, name)
    assert compared == books
    assert seen >= tops


@pytest.mark.parametrize(("venue", "books"), [("bybit-linear", 4), ("bybit-spot", 2)])
def test_bybit_books_after_every_frame(venue: str, books: int) -> None:
    """Numbers after each message; levels, which stay within the window, every so often."""
    reference: dict[str, tuple[Levels, Levels]] = {}
    last: dict[str, int] = {}
    with engine(venue) as e:
        for number, line in enumerate(frames("bybit", "cryptofeed_v3_bybit_v5.ndjson.gz")):
            if line.kind != "ws" or not line.url.endswith(venue.partition("-")[2]):
                continue
            assert line.data is not None
            result = e.connection(0).feed(line.data.encode(), line.t)
            assert not result & native.MALFORMED, e.last_error()
            message = orjson.loads(line.data)
            if not message.get("topic", "").startswith("orderbook."):
                continue
            data = message["data"]
            symbol = data["s"]
            if message["type"] == "snapshot":
                reference[symbol] = ({}, {})
            else:
                assert data["u"] == last[symbol] + 1
            last[symbol] = data["u"]
            for side, key in zip(reference[symbol], ("b", "a"), strict=True):
                apply_levels(side, data[key])
                assert len(side) <= 200
            i = e.instrument_id(symbol)
            assert e.state(i) == LIVE
            assert e.book(i)[2] == data["seq"]
            if number % 10 == 0:
                assert engine_book(e, i) == reference[symbol]
        assert len(reference) == books
        for symbol, book in reference.items():
            assert engine_book(e, e.instrument_id(symbol)) == book


@pytest.mark.parametrize(
    ("venue", "folder"),
    [
        *FOLDERS.items(),
        ("bybit-linear", "bybit"),
        ("bybit-option", "bybit"),
        ("deribit", "deribit"),
        ("okx", "okx"),
    ],
)
def test_no_sample_is_malformed_json_to_us_only(venue: str, folder: str) -> None:
    """Single frames of every channel: malformed only where they are not JSON, or cut by hand."""
    with engine(venue, instruments=512) as e:
        for path in sorted(recorded(f"{folder}/samples").glob("*.ndjson.gz")):
            if ("options" in path.name) != (venue == "bybit-option"):
                continue  # another product
            for line in lines(path):
                if line.kind != "ws" or not isinstance(line.data, str):
                    continue
                result = e.connection(0).feed(line.data.encode())
                try:
                    orjson.loads(line.data)
                except orjson.JSONDecodeError:
                    assert result & (native.MALFORMED | native.CONTROL)
                    continue
                assert not result & native.MALFORMED, (e.last_error(), line.data[:300])
