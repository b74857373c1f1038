"""The option board of four venues, field by field: what a frame says, read by another program, is
what the cell has. Absent is NaN and never 0, a side without anybody has no price, volatilities are
fractions, and greeks are of one unit of the base: vega of a point of volatility, theta of a day."""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import NormalDist
from typing import Any, NamedTuple

import orjson
import pytest

import shm
from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from shm import InstrumentKind, Quote, segment
from tests.kit.recordings import recorded
from tests.venues.option_frames import frame

PRICES = (("bid", "bid_size"), ("ask", "ask_size"))
IVS = ("bid_iv", "ask_iv", "mark_iv")
GREEKS = ("delta", "gamma", "vega", "theta", "rho")
BOARD = (
    *("bid", "bid_size", "ask", "ask_size", *IVS, "mark", *GREEKS),
    *("underlying", "index", "open_interest", "volume"),
)  #: all that is asked of a board


class Channel(NamedTuple):
    """`row`: where its rows are in a frame; `says`: field of the cell -> field of the row."""

    row: str
    says: Mapping[str, str]
    percent: bool = False


class Board(NamedTuple):
    """`missing`: what the venue does not stream of an option."""

    symbol: str
    channels: Mapping[str, Channel]
    missing: frozenset[str] = frozenset()


DERIBIT = Channel(
    "params.data",
    {
        "bid": "best_bid_price",
        "bid_size": "best_bid_amount",
        "ask": "best_ask_price",
        "ask_size": "best_ask_amount",
        **{name: name for name in (*IVS, "open_interest")},
        **{name: f"greeks.{name}" for name in GREEKS},
        "mark": "mark_price",
        "underlying": "underlying_price",
        "index": "index_price",
        "volume": "stats.volume",
    },
    percent=True,
)
OKX = {
    "tickers": Channel(
        "data.0",
        {"bid": "bidPx", "bid_size": "bidSz", "ask": "askPx", "ask_size": "askSz"}
        | {"volume": "vol24h"},
    ),
    "mark-price": Channel("data.0", {"mark": "markPx"}),
    "open-interest": Channel("data.0", {"open_interest": "oi"}),
    "index-tickers": Channel("data.0", {"index": "idxPx"}),
    "opt-summary": Channel(
        "data.0",
        {"bid_iv": "bidVol", "ask_iv": "askVol", "mark_iv": "markVol", "underlying": "fwdPx"}
        | {name: f"{name}BS" for name in GREEKS[:4]},
    ),
}
BYBIT = Channel(
    "data",
    {
        "bid": "bidPrice",
        "bid_size": "bidSize",
        "bid_iv": "bidIv",
        "ask": "askPrice",
        "ask_size": "askSize",
        "ask_iv": "askIv",
        "mark": "markPrice",
        "mark_iv": "markPriceIv",
        "underlying": "underlyingPrice",
        "index": "indexPrice",
        "open_interest": "openInterest",
        "volume": "volume24h",
        **{name: name for name in GREEKS[:4]},
    },
)
BINANCE = {
    "@optionMarkPrice": Channel(
        "data.0",
        {"bid": "bo", "bid_size": "bq", "bid_iv": "b", "ask": "ao", "ask_size": "aq"}
        | {"ask_iv": "a", "mark": "mp", "mark_iv": "vo", "index": "i"}
        | {"delta": "d", "gamma": "g", "vega": "v", "theta": "t"},
    ),
    "@optionTicker": Channel("data.0", {"volume": "v"}),
    "@openInterest": Channel("data.0", {"open_interest": "o"}),
}
BOARDS = {
    "deribit": Board("BTC-26JUN26-50000-C", {"ticker": DERIBIT}),
    "coinbase-derivatives": Board("BTC_USDC-26JUN26-50000-C", {"ticker": DERIBIT}),
    "okx": Board("BTC-USD-260626-50000-C", OKX, frozenset({"rho"})),
    "bybit-option": Board("BTC-27MAR26-70000-C-USDT", {"tickers": BYBIT}, frozenset({"rho"})),
    "binance-options": Board(
        "BTC-261225-90000-C", BINANCE, frozenset({"rho", "underlying"})
    ),
}  # fmt: skip


def at(value: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(value, list):
            value = value[int(key)]
        elif isinstance(value, dict):
            value = value.get(key)
        else:
            return None
    return value


def number(value: Any) -> float:
    return math.nan if value in (None, "") else float(value)


def meant(channel: Channel, payload: bytes) -> dict[str, float]:
    """What the frame says, by its names: a size of 0 is a side without anybody, a volatility that
    is not above 0 is none."""
    row = at(orjson.loads(payload), channel.row)
    said = {name: number(at(row, path)) for name, path in channel.says.items()}
    for price, size in PRICES:
        if price in said and not (said[size] > 0 and said[price] > 0):
            said[price] = said[size] = math.nan
    for iv in IVS:
        if iv in said:
            said[iv] = said[iv] / (100 if channel.percent else 1) if said[iv] > 0 else math.nan
    return said


class Cell:
    """One option without a book, so that its cell shows what its tickers say."""

    def __init__(self, engine: Any, feed: shm.Feed, symbol: str) -> None:
        self._feed_frame, self._now = engine.connection(0).feed, 1_770_000_000 * 10**9
        self._engine, self._feed, self._symbol = engine, feed, symbol

    def __call__(self, payload: bytes) -> Quote:
        self._now += 2 * 10**9  # an index is told to options once a second
        self._feed_frame(payload, self._now)
        counters = self._engine.counters()
        assert counters["malformed"] == 0, self._engine.last_error()
        return self._feed.quote(self._symbol)


@contextmanager
def cell(venue: str, symbol: str, namespace: str) -> Iterator[Cell]:
    facts = venues.load(venue)
    with segment.create(venue, namespace=namespace, instruments=4) as held:
        engine = make_engine(facts, held.writer)
        row = engine.add_instrument(
            symbol, price_exponent=-4, size_exponent=-4, has_book=False,
            kind=int(InstrumentKind.OPTION), strike=1.0,
        )  # fmt: skip
        engine.follow(row, "BTC-USD")
        held.writer.heartbeat()
        with shm.attach(venue, namespace=namespace) as feed:
            yield Cell(engine, feed, symbol)


def assert_says(quote: Quote, said: Mapping[str, float], payload: bytes) -> None:
    for name, value in said.items():
        shown = getattr(quote, name)
        same = math.isnan(shown) if math.isnan(value) else math.isclose(shown, value, rel_tol=1e-14)
        assert same, (name, shown, value, payload)


@pytest.mark.parametrize("venue", BOARDS)
def test_every_field_of_the_board_is_the_frames(venue: str, namespace: str) -> None:
    board = BOARDS[venue]
    told: dict[str, float] = {}
    with cell(venue, board.symbol, namespace) as show:
        for name, channel in board.channels.items():
            payload = frame(venue, name, board.symbol)
            told |= meant(channel, payload)
            assert_says(show(payload), told, payload)
        assert {name for name in BOARD if not math.isnan(told.get(name, math.nan))} == {
            *BOARD
        } - board.missing
        quote = show(frame(venue, next(iter(board.channels)), board.symbol))
        for name in BOARD:
            assert math.isnan(getattr(quote, name)) == (name in board.missing), name


@pytest.mark.parametrize("venue", BOARDS)
@pytest.mark.parametrize("none", [None, "", ...])
def test_what_a_frame_does_not_say_is_nan(venue: str, none: Any, namespace: str) -> None:
    """Of each field: null, an empty text, a key that does not come."""
    board = BOARDS[venue]
    with cell(venue, board.symbol, namespace) as show:
        for name, channel in board.channels.items():
            for field, path in channel.says.items():
                if field in ("bid_size", "ask_size") or not _may_miss(venue, field, none):
                    continue
                key = path.replace(".", "__")
                other = {
                    channel.says[f"{field}_size"]: none for _ in (1,) if field in ("bid", "ask")
                }
                show(frame(venue, name, board.symbol))
                payload = frame(venue, name, board.symbol, **{key: none, **other})
                shown = getattr(show(payload), field)
                before = meant(channel, frame(venue, name, board.symbol))[field]
                if none is ...:  # what does not come is as it was
                    assert shown == pytest.approx(before, rel=1e-14), (field, payload)
                else:
                    assert math.isnan(shown), (field, shown, payload)


def _may_miss(venue: str, field: str, none: Any) -> bool:
    """Whether the venue's frames may be without its key: what is declared to be there always is
    malformed without."""
    always = {
        "okx": {"bid", "ask", "mark", "open_interest", "index"},
        "binance-options": {"mark", "volume", "open_interest"},
    }
    return none is not ... or field not in always.get(venue, set())


@pytest.mark.parametrize("venue", BOARDS)
def test_a_side_without_anybody_has_no_price(venue: str, namespace: str) -> None:
    board = BOARDS[venue]
    with cell(venue, board.symbol, namespace) as show:
        name, channel = next(
            (name, one) for name, one in board.channels.items() if "bid" in one.says
        )
        text = venue in ("okx", "bybit-option", "binance-options")
        zeros: tuple[Any, ...] = ("0", "0.000") if text else (0, 0.0)
        for price, size in PRICES:
            for zero in zeros:
                gone = {channel.says[price]: zero, channel.says[size]: zero}
                iv = channel.says.get(f"{price}_iv")
                gone |= {iv: zero} if iv else {}
                payload = frame(venue, name, board.symbol, **gone)
                said = meant(channel, payload)
                quote = show(payload)
                assert_says(quote, said, payload)
                assert math.isnan(getattr(quote, price))
                assert math.isnan(getattr(quote, size))
                if iv:
                    assert math.isnan(getattr(quote, f"{price}_iv"))
                other = "ask" if price == "bid" else "bid"
                assert getattr(quote, other) > 0
                show(frame(venue, name, board.symbol))


# -- units, on frames that the venues sent -------------------------------------------------------

RECORDED = {
    "deribit": "deribit/cryptofeed_deribit.ndjson.gz",
    "okx": "okx/samples/tardis_mappers_okex-options.ndjson.gz",
    "bybit-option": "bybit/samples/gocryptotrader_ws.ndjson.gz",
    "binance-options": "binance_options/samples/tardis_mappers_binance-european-options.ndjson.gz",
}
#: frames that were made up: no volatility makes such greeks
INVENTED = {"BTC-251219-89000-C"}
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DATED = re.compile(r"(\d{1,2})([A-Z]{3})(\d\d)|(\d\d)(\d\d)(\d\d)")
NORMAL = NormalDist()


def expiry(symbol: str) -> datetime:
    """Of the name's date; all expire at 08:00 UTC."""
    found = DATED.fullmatch(symbol.split("-")[-3 if symbol[-2] == "-" else -4])
    assert found is not None, symbol
    day, month, year = (
        (found[1], MONTHS.index(found[2]) + 1, found[3])
        if found[1]
        else (found[6], found[5], found[4])
    )
    return datetime(2000 + int(year), int(month), int(day), 8, tzinfo=UTC)


def recorded_rows(venue: str) -> Iterator[tuple[bytes, str, int]]:
    """(frame, symbol, its time in ms) of each that has greeks."""
    name, channel = next(
        (name, one) for name, one in BOARDS[venue].channels.items() if "delta" in one.says
    )
    with gzip.open(recorded(RECORDED[venue]), "rt") as lines:
        for line in lines:
            text = json.loads(line)["data"] or ""
            if name not in text or ('"delta' not in text and '"d":' not in text):
                continue
            message = orjson.loads(text)
            rows = at(message, channel.row.removesuffix(".0"))
            for row in rows if isinstance(rows, list) else [rows]:
                symbol = row.get("instrument_name") or row.get("instId") or row.get("symbol")
                time = row.get("timestamp") or row.get("ts") or message.get("ts") or row.get("E")
                yield text.encode(), symbol or row["s"], int(time)


@pytest.mark.parametrize("venue", RECORDED)
def test_greeks_are_of_one_of_the_base_a_point_and_a_day(venue: str, namespace: str) -> None:
    """By the model of Black, with the forward that the delta implies."""
    checked = 0
    for payload, symbol, time_ms in recorded_rows(venue):
        with cell(venue, symbol, f"{namespace}{checked}") as show:
            quote = show(payload)
        if symbol in INVENTED or not 0.1 < abs(quote.delta) < 0.9:
            continue
        years = (expiry(symbol).timestamp() - time_ms / 1000) / (365 * 86_400)
        strike = float(symbol.split("-")[3 if venue == "okx" else 2])
        vol, spread = quote.mark_iv, quote.mark_iv * math.sqrt(years)
        call = symbol.removesuffix("-USDT").endswith("C")
        d1 = NORMAL.inv_cdf(quote.delta if call else 1 + quote.delta)
        forward = strike * math.exp(d1 * spread - spread**2 / 2)
        density = NORMAL.pdf(d1)
        vega = forward * density * math.sqrt(years) / 100
        theta = -forward * density * vol / (2 * math.sqrt(years)) / 365
        gamma = density / (forward * spread)
        assert quote.vega == pytest.approx(vega, rel=0.1), (symbol, forward)
        assert quote.theta == pytest.approx(theta, rel=0.1), (symbol, forward)
        assert quote.gamma == pytest.approx(gamma, rel=0.1, abs=1e-5), (symbol, forward)
        checked += 1
        if checked == 20:
            break
    assert checked
