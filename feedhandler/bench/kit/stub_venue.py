"""A venue's decoder, rule and base with the benchmarks' server behind it.

All that the IO process does for a venue it does here too: the same connection, watchdogs, books and
memory. Only what is said besides market data is the benchmarks' own: the list of instruments, and
the words of subscribing and their answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from feedhandler import venues
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import (
    Control,
    ControlKind,
    Heartbeat,
    ListedInstrument,
    Speaker,
    Venue,
)
from shm import InstrumentKind

LIST_PATH = "/bench/instruments"
_BOOK_PATH = "/bench/book?symbol="
_ACK = b'{"bench":'


class Listed(msgspec.Struct, frozen=True):
    """An instrument as the benchmarks' server lists it."""

    symbol: str
    price_exponent: int
    size_exponent: int


class Asked(msgspec.Struct, frozen=True):
    """A subscription message, and its acknowledgement."""

    bench: int  #: the request's id
    keys: list[str] = []
    numbers: dict[str, int] = {}  #: by which frames name what comes on a key


def stub(name: str, keys: int | None = None) -> Venue:
    """The stub of a venue of the registry. `keys`: how many a connection may carry."""
    real = type(venues.load(name))
    made: Venue = type(f"Bench{real.__name__}", (_Stub, real), {})()
    if keys is not None:
        made.limits = replace(made.limits, keys_per_connection=keys, bytes_per_connection=0)
    return made


def listing(instruments: Sequence[Listed]) -> bytes:
    """What `LIST_PATH` answers."""
    return msgspec.json.encode(list(instruments))


def book_asked(path: str) -> str | None:
    """Whose book is asked for; None: none."""
    return unquote(path.removeprefix(_BOOK_PATH)) if path.startswith(_BOOK_PATH) else None


def acknowledgement(text: str, numbers: Mapping[str, int]) -> tuple[list[bytes], list[str]]:
    """The answer to a client's message, and the keys that it subscribes to. `numbers`: of keys."""
    try:
        asked = msgspec.json.decode(text, type=Asked)
    except msgspec.DecodeError:
        return [], []
    named = {key: numbers[key] for key in asked.keys if key in numbers}
    return [msgspec.json.encode(Asked(asked.bench, numbers=named))], asked.keys


class _Stub(Venue):
    """Goes before the real venue's class."""

    heartbeat = Heartbeat(Speaker.SERVER_FRAME, 3600.0, 3600.0)
    socket_requests = socket_books = False
    token = welcome = None
    encoding = "text"
    ws_headers: Mapping[str, Mapping[str, str]] = {}

    def endpoint(self, key: str) -> str:  # noqa: ARG002
        return next(iter(self.ws_urls))

    def on_connect(self) -> Sequence[str]:
        return ()

    def keys(self, instrument: ListedInstrument, channels: Sequence[str]) -> list[str]:
        """Market data alone: the server tells of no statuses."""
        return [
            key
            for key in super().keys(instrument, channels)  # type: ignore[safe-super]
            if self.key_symbols(key)[0] != "status"
        ]

    def subscribe(self, keys: Sequence[str], request_id: int) -> str:
        return msgspec.json.encode(Asked(request_id, list(keys))).decode()

    def unsubscribe(self, keys: Sequence[str], request_id: int) -> str:  # noqa: ARG002
        return msgspec.json.encode(Asked(request_id)).decode()

    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        if not frame.startswith(_ACK):
            return super().control(frame, asked)  # type: ignore[safe-super]
        said = msgspec.json.decode(frame, type=Asked)
        keys = asked.get(said.bench, ())
        if not said.numbers:
            return [Control(ControlKind.ACK, tuple(keys), request_id=said.bench)]
        return [
            Control(
                ControlKind.ACK, (key,), request_id=said.bench, channel=said.numbers.get(key, 0)
            )
            for key in keys
        ]

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:  # noqa: ARG002
        return [Request(LIST_PATH)]

    def snapshot_request(self, symbol: str) -> Request | None:
        """For a book as it is: however short, it is whole. One that wore thin would be asked for
        again, and there is no other one."""
        if super().snapshot_request(symbol) is None:
            return None
        return Request(_BOOK_PATH + quote(symbol, safe=""), symbol=symbol)

    def follow_up(self, *_: Any) -> list[Request]:
        return []

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        return [
            ListedInstrument(
                symbol=one.symbol,
                name=one.symbol,
                kind=InstrumentKind.SPOT,
                base="",
                quote="",
                tick=Decimal(1).scaleb(one.price_exponent),
                lot=Decimal(1).scaleb(one.size_exponent),
            )
            for one in msgspec.json.decode(body, type=list[Listed])
        ]
