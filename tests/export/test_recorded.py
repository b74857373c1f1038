"""What venues really sent, exported, against references in plain Python: every trade, and every
book after every message, as readers of the files have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.capture import reference as plain
from tests.capture.support import recording as capture_of
from tests.export.support import Reader, exported, rows_of
from tests.venues.reference import RECORDINGS, REFERENCES, Recording
from tests.venues.reference.book import Book, Said, Trade
from tests.venues.test_recorded_venues import subscribed, too_wide

WHOLE_EVERY = 50  # messages, between comparisons of all levels

Line = dict[str, Any]


class Comparison:
    """The rows of a file beside the books of a reference, by the time of reception."""

    def __init__(self, path: Path) -> None:
        self._rows = rows_of(path)
        self._next = next(self._rows, None)
        self.clearing: dict[str, Reader] = {}
        self.setting: dict[str, Reader] = {}
        self.compared = 0
        self._touched: dict[str, set[tuple[str, Decimal]]] = {}

    def until(self, us: int) -> None:
        """All rows that were received up to then."""
        while self._next is not None and int(self._next["local_timestamp"]) <= us:
            symbol = self._next["symbol"]
            touched = self._next["side"], Decimal(self._next["price"])
            self._touched.setdefault(symbol, set()).add(touched)
            self.clearing.setdefault(symbol, Reader()).take(self._next)
            self.setting.setdefault(symbol, Reader(clears=False)).take(self._next)
            self._next = next(self._rows, None)

    def compare(self, symbol: str, bids: dict[Decimal, Decimal], asks: Any) -> None:
        """How many levels there are, those that rows were about, and now and then all of them."""
        self.compared += 1
        touched = self._touched.pop(symbol, set())
        for readers in (self.clearing, self.setting):
            reader = readers.get(symbol) or Reader()
            assert (len(reader.bids), len(reader.asks)) == (len(bids), len(asks)), symbol
            for side, price in touched:
                right = (bids if side == "bid" else asks).get(price)
                assert reader.sides[side].get(price) == right, (symbol, side, price)
            if self.compared % WHOLE_EVERY == 0:
                assert (reader.bids, reader.asks) == (bids, asks), symbol


def batches(
    lines: Iterable[Line], say: Callable[[Line], Iterable[str]]
) -> Iterator[tuple[int, set[str]]]:
    """(microseconds, the books that changed) of all lines that were received in one microsecond,
    once the reference has read them."""
    latest, changed = 0, set[str]()
    for line in lines:
        time = max(latest, (line.get("t") or 0) // 1000)
        if time > latest and changed:
            yield latest, changed
            changed = set()
        latest = time
        changed |= {*say(line)}
    yield latest, changed


#: long ones: with -m soak
LONG = ("coinbase", "coinbase-exchange", "bitmex", "cryptocom", "htx-swap")


@pytest.mark.parametrize(
    "recording",
    [pytest.param(one, marks=pytest.mark.soak) if one.venue in LONG else one for one in RECORDINGS],
    ids=str,
)
def test_files_have_what_the_venue_told(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed(recording, monkeypatch)
    reference = REFERENCES[recording.venue]()
    told: list[Trade] = []
    unfit: set[str] = set()

    def say(line: Line) -> Iterable[str]:
        said: Said = reference.line(line)
        if said.kind == "trade":
            told.extend(said.trades)
        return said.books

    capture = recording.capture()
    books = tmp_path / "incremental_book_L2.csv.gz"
    exported(capture, books, recording.venue)
    comparison = Comparison(books)
    for us, changed in batches(recording.lines(), say):
        comparison.until(us)
        for symbol in changed:
            book = reference.books[symbol]
            if book.live and too_wide(book):
                unfit.add(symbol)
            if book.live and not book.joining and symbol not in unfit:
                comparison.compare(symbol, book.bids, book.asks)
    assert comparison.compared > 0
    trades = tmp_path / "trades.csv"
    exported(capture, trades, recording.venue)
    for row, trade in zip_longest(rows_of(trades), told):
        assert row["symbol"] == trade.symbol
        assert Decimal(row["price"]) == trade.price
        assert Decimal(row["amount"]) == trade.size
        assert row["side"] == ("buy" if trade.buys else "sell")
        assert int(row["timestamp"]) == (trade.time // 1000 or int(row["local_timestamp"]))
        if trade.id is not None:
            assert row["id"] == str(trade.id)


OLDEST = [
    ("deribit", "cryptofeed_deribit.ndjson.gz"),
    ("okx", "cryptofeed_hist_okx_20220227.ndjson.gz"),
    ("okx", "cryptofeed_okx.ndjson.gz"),
    ("binance", "cryptofeed_binance.ndjson.gz"),
    ("binance", "cryptofeed_hist_binance_20210417.ndjson.gz"),
    pytest.param("binance", "hftbacktest_spot_btcusdt_20240808.ndjson.gz", marks=pytest.mark.soak),
    ("binance-usdm", "cryptofeed_binance_futures.ndjson.gz"),
    pytest.param(
        "binance-usdm", "hftbacktest_usdm_btcusdt_20240718.ndjson.gz", marks=pytest.mark.soak
    ),
    pytest.param(
        "binance-usdm", "hftbacktest_usdm_btcusdt_20240808.ndjson.gz", marks=pytest.mark.soak
    ),
]


@pytest.mark.parametrize(("venue", "name"), OLDEST)
def test_files_have_what_the_oldest_venues_told(venue: str, name: str, tmp_path: Path) -> None:
    capture = capture_of(venue, name)
    reference = plain.REFERENCES[venue]()
    told: list[Line] = []

    def say(line: Line) -> Iterable[str]:
        was = {symbol: (book.sequence, book.live) for symbol, book in reference.books.items()}
        reference.line(line)
        told.extend(prints(venue, line))
        return [
            symbol
            for symbol, book in reference.books.items()
            if was.get(symbol) != (book.sequence, book.live)
        ]

    books = tmp_path / "incremental_book_L2.csv"
    exported(capture, books, venue)
    comparison = Comparison(books)
    for us, changed in batches(plain.lines(capture), say):
        comparison.until(us)
        for symbol in changed:
            book = reference.books[symbol]
            if book.live and not book.joining:
                comparison.compare(symbol, book.bids, book.asks)
    assert comparison.compared > 0
    trades = tmp_path / "trades.csv"
    exported(capture, trades, venue)
    for row, trade in zip_longest(rows_of(trades), told):
        row = {key: row[key] for key in trade}
        assert {**row, "price": Decimal(row["price"]), "amount": Decimal(row["amount"])} == trade


def prints(venue: str, line: Line) -> Iterator[Line]:
    """The trades of a line, by the venues' documents."""
    if line.get("kind") == "rest" or line.get("dir", "in") != "in" or line.get("data") is None:
        return
    message = orjson.loads(line["data"]) if line["data"][:1] in "{[" else {}
    if venue == "deribit":
        params = message.get("params") or {}
        if str(params.get("channel")).startswith("trades."):
            for one in params["data"]:
                yield _trade(
                    one["instrument_name"], one["timestamp"], one["trade_id"].split("-")[-1],
                    one["direction"], one["price"], one["amount"],
                )  # fmt: skip
    elif venue == "okx":
        if (message.get("arg") or {}).get("channel") == "trades" and "data" in message:
            for one in message["data"]:
                yield _trade(
                    one["instId"], one["ts"], one["tradeId"], one["side"], one["px"], one["sz"]
                )
    else:
        one = message.get("data", message)
        number = {"aggTrade": "a", "trade": "t"}.get(one.get("e")) if "e" in one else None
        if number is not None and one.get("X", "MARKET") == "MARKET":
            side = "sell" if one["m"] else "buy"
            yield _trade(one["s"], one["T"], one[number], side, one["p"], one["q"])


def _trade(symbol: str, ms: Any, number: Any, side: str, price: Any, amount: Any) -> Line:
    return {
        "symbol": symbol,
        "timestamp": str(int(ms) * 1000),
        "id": str(number),
        "side": side,
        "price": Decimal(str(price)),
        "amount": Decimal(str(amount)),
    }


def test_a_book_that_differs_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "incremental_book_L2.csv"
    path.write_text(
        "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
        "x,S,1,1,true,bid,10,1\nx,S,1,1,true,ask,11,1\nx,S,2,2,true,bid,9,1\n"
    )
    comparison = Comparison(path)
    comparison.until(1)
    book = Book()
    book.set([(10, 1)], [(11, 1)])
    comparison.compare("S", book.bids, book.asks)
    comparison.until(2)  # a reader that clears at the first row only has both bids
    book = Book()
    book.set([(9, 1)], [])
    with pytest.raises(AssertionError):
        comparison.compare("S", book.bids, book.asks)
