"""Order books of the venues in plain Python and Decimal, by the venues' documents alone.

Nothing of the project is used here: what it makes of a recording is compared with this.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Book:
    bids: dict[Decimal, Decimal] = field(default_factory=dict)
    asks: dict[Decimal, Decimal] = field(default_factory=dict)
    sequence: int = 0
    live: bool = False
    deltas: bool = False  # it has a channel of deltas: a channel of few levels is not its book
    joining: bool = False  # it is a snapshot that no delta has followed yet
    edges: tuple[Decimal | None, Decimal | None] = (None, None)  # the base was cut there
    worn: bool = False  # nothing of its base is left on a side
    time: int = 0  # of a full book by the venue's clock: an older one comes too late
    # A checksum is of the venue's own texts.
    texts: dict[Decimal, tuple[str, str]] = field(default_factory=dict)
    ask_texts: dict[Decimal, tuple[str, str]] = field(default_factory=dict)

    def levels(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """Both sides, best first."""
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())


class Reference:
    """Feed it the lines of a recording; `books` and what else it counts are the answer."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}

    def line(self, line: dict[str, Any]) -> None:
        if line.get("dir", "in") != "in" or line.get("data") is None:
            return
        if line.get("kind") == "rest":
            self.rest(line.get("url") or "", line["data"])
            return
        try:
            message = json.loads(line["data"], parse_float=Decimal)
        except ValueError:
            return
        if isinstance(message, dict):
            self.frame(message)

    def rest(self, url: str, data: str) -> None:
        pass

    def frame(self, message: dict[str, Any]) -> None:
        raise NotImplementedError


def _set(side: dict[Decimal, Decimal], levels: Iterable[tuple[Any, Any]]) -> None:
    for price, size in levels:
        if Decimal(size) == 0:
            side.pop(Decimal(price), None)
        else:
            side[Decimal(price)] = Decimal(size)


class DeribitReference(Reference):
    """https://docs.deribit.com: book.{instrument}.{interval}, and the grouped channels."""

    def frame(self, message: dict[str, Any]) -> None:
        params = message.get("params")
        if message.get("method") != "subscription" or not isinstance(params, dict):
            return
        channel = params["channel"].split(".")
        if channel[0] != "book":
            return
        data, name = params["data"], channel[1]
        if len(channel) > 3:  # a full book every time
            if self.books.get(name, Book()).deltas:
                return
            book = self.books[name] = Book(live=True, sequence=data["change_id"])
            _set(book.bids, data["bids"])
            _set(book.asks, data["asks"])
            return
        previous = data.get("prev_change_id")
        if data.get("type") == "snapshot" or not previous:
            self.books[name] = Book(live=True)
        book = self.books.setdefault(name, Book())
        book.deltas = True
        if previous and data.get("type") != "snapshot":
            if not book.live:
                return
            if previous != book.sequence:
                book.live = False
                return
        book.sequence = data["change_id"]
        for side, key in ((book.bids, "bids"), (book.asks, "asks")):
            _set(side, [(p, 0 if verb == "delete" else size) for verb, p, size in data[key]])


class OkxReference(Reference):
    """https://www.okx.com/docs-v5/en/: order book channel, checksum, sequence ids."""

    def __init__(self) -> None:
        super().__init__()
        self.checksums = 0  # non-zero ones

    def frame(self, message: dict[str, Any]) -> None:
        arg = message.get("arg")
        if not isinstance(arg, dict) or "data" not in message:
            return
        channel, name = arg["channel"], str(arg.get("instId"))
        if channel in ("books5", "bbo-tbt"):
            for data in message["data"]:
                before = self.books.get(name, Book())
                if before.deltas or int(data["ts"]) < before.time:
                    continue
                book = self.books[name] = Book(live=True, time=int(data["ts"]))
                _set(book.bids, [level[:2] for level in data["bids"]])
                _set(book.asks, [level[:2] for level in data["asks"]])
        elif channel in ("books", "books-l2-tbt", "books50-l2-tbt"):
            for data in message["data"]:
                self._books(name, message["action"], data)

    def _books(self, name: str, action: str, data: dict[str, Any]) -> None:
        self.checksums += bool(data.get("checksum"))
        if action == "snapshot":
            self.books[name] = Book(live=True)
        book = self.books.setdefault(name, Book())
        book.deltas = True
        if not book.live:
            return
        if action == "update" and "prevSeqId" in data and data["prevSeqId"] != book.sequence:
            book.live = False
            return
        book.sequence = data.get("seqId", 0)
        for side, texts, key in (
            (book.bids, book.texts, "bids"),
            (book.asks, book.ask_texts, "asks"),
        ):
            for price, size, *_ in data[key]:
                texts[Decimal(price)] = (price, size)
            _set(side, [level[:2] for level in data[key]])
        if data.get("checksum") and data["checksum"] & 0xFFFFFFFF != self.checksum(book):
            book.live = False

    @staticmethod
    def checksum(book: Book) -> int:
        """CRC32 of the best 25 of both sides, bid and ask in turn, in the venue's own words."""
        bids, asks = book.levels()
        words: list[str] = []
        for rank in range(25):
            words += [":".join(book.texts[price]) for price, _ in bids[rank : rank + 1]]
            words += [":".join(book.ask_texts[price]) for price, _ in asks[rank : rank + 1]]
        return zlib.crc32(":".join(words).encode())


class BinanceReference(Reference):
    """binance-spot-api-docs: "How to manage a local order book correctly"."""

    paths: tuple[str, ...] = ("/api/v3/depth", "/api/v1/depth")

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, list[dict[str, Any]]] = {}
        self.claimed: set[str] = set()  # snapshots that no event has reached: an answer is no word

    def rest(self, url: str, data: str) -> None:
        parts = urlsplit(url)
        if not parts.path.endswith(self.paths):
            return
        symbol = parse_qs(parts.query)["symbol"][0]
        snapshot = json.loads(data)
        last = snapshot["lastUpdateId"]
        waiting = [event for event in self.waiting.get(symbol, []) if event["u"] > last]
        if waiting and not self.joins(waiting[0], last):
            return  # too old: another one has to be asked for
        reached = last < 0 or any(event["u"] >= last for event in self.waiting.get(symbol, []))
        book = self.books[symbol] = Book(sequence=last, live=reached)
        _set(book.bids, snapshot["bids"])
        _set(book.asks, snapshot["asks"])
        asked = int(parse_qs(parts.query).get("limit", ["0"])[0])
        book.edges = (
            min(book.bids) if 0 < asked <= len(book.bids) else None,
            max(book.asks) if 0 < asked <= len(book.asks) else None,
        )
        book.joining = True
        self.claimed.discard(symbol)
        if not reached:
            self.claimed.add(symbol)
        for event in waiting:
            self._apply(book, event)

    def joins(self, event: dict[str, Any], last: int) -> bool:
        """Whether the first event after a snapshot leaves no hole."""
        return bool(event["U"] <= last + 1)

    def follows(self, event: dict[str, Any], last: int) -> bool:
        """Whether an event leaves no hole after the one before it."""
        return self.joins(event, last)

    def frame(self, message: dict[str, Any]) -> None:
        event = message.get("data", message)
        if not isinstance(event, dict) or event.get("e") != "depthUpdate":
            return
        book = self.books.get(event["s"])
        if book is None or not book.live:
            self.books.setdefault(event["s"], Book())
            self.waiting.setdefault(event["s"], []).append(event)
            if book is None or event["s"] not in self.claimed or event["u"] < book.sequence:
                return
            self.claimed.discard(event["s"])
            book.live = True
        self._apply(book, event)

    def _apply(self, book: Book, event: dict[str, Any]) -> None:
        if event["u"] <= book.sequence:
            return
        follows = self.joins if book.joining else self.follows
        if not follows(event, book.sequence):
            book.live = False
            self.waiting[event["s"]] = [event]
            return
        book.joining = False
        book.sequence = event["u"]
        _set(book.bids, event["b"])
        _set(book.asks, event["a"])
        bid, ask = book.edges
        book.worn = (bid is not None and max(book.bids, default=bid - 1) < bid) or (
            ask is not None and min(book.asks, default=ask + 1) > ask
        )
        if book.worn:  # what is best lies where nothing is known
            book.live = False
            self.waiting[event["s"]] = []


class BinanceUsdmReference(BinanceReference):
    """USDⓈ-M futures, "How to manage a local order book correctly": pu is the u before."""

    paths = ("/fapi/v1/depth",)

    def joins(self, event: dict[str, Any], last: int) -> bool:
        return bool(event["U"] <= last <= event["u"] or event["pu"] == last)

    def follows(self, event: dict[str, Any], last: int) -> bool:
        return bool(event["pu"] == last)


class BybitReference(Reference):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook: u counts by one in a
    topic, u == 1 is a snapshot, seq is what topics are compared by."""

    def __init__(self, category: str) -> None:
        super().__init__()
        self.category = category
        self.counts: dict[str, int] = {}

    def line(self, line: dict[str, Any]) -> None:
        url = line.get("url")
        if url is None or url.endswith(f"/{self.category}"):
            super().line(line)

    def frame(self, message: dict[str, Any]) -> None:
        topic = str(message.get("topic")).split(".", 2)
        if topic[0] != "orderbook" or topic[1] == "1":
            return
        data, name = message["data"], topic[2]
        if message["type"] == "snapshot" or data["u"] == 1:
            self.books[name] = Book(live=True)
        elif name not in self.books or not self.books[name].live:
            self.books.setdefault(name, Book())
            return
        elif data["u"] != self.counts[name] + 1:
            self.books[name].live = False
            return
        book = self.books[name]
        self.counts[name] = data["u"]
        book.sequence = data.get("seq", data["u"])  # options have no seq
        _set(book.bids, data["b"])
        _set(book.asks, data["a"])


REFERENCES: dict[str, Callable[[], Reference]] = {
    "deribit": DeribitReference,
    "okx": OkxReference,
    "binance": BinanceReference,
    "binance-usdm": BinanceUsdmReference,
    "bybit-linear": partial(BybitReference, "linear"),
    "bybit-spot": partial(BybitReference, "spot"),
    "bybit-option": partial(BybitReference, "option"),
}


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as source:
        for text in source:
            yield json.loads(text)
