"""Gemini: spot, and perpetuals in GUSD and USDC.

Rules: https://developer.gemini.com/websocket/ (introduction: the parameter `snapshot`; streams;
message format), https://developer.gemini.com/specs/asyncapi/websocket.yaml (the rule for gaps), and
/rest/market-data for symbols and their details; the older sockets at api.gemini.com are archived. A
subscription key is the stream's name, `btcusd@depth@100ms`; a wrong one spoils its request.

* A message of a book begins at `U`, which is the `u` of the one before. With `snapshot=-1` the
  first one of a subscription is the whole book, before the acknowledgement: its `U` is its `u`.
* The best bid and offer counts by the same numbers; trades and it have no word that says what they
  are, and keys of their own.
* `markPrice` has the mark; its index has a scale that nobody says, the rate of `fundingAmount` is
  cut off after few digits, and both streams are in no documentation: only the mark is read.
* What an instrument is costs a request each, of 120 in a minute: those are asked for that may be
  meant, 100 at most.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from feedhandler.adapter import listing, promise
from feedhandler.adapter.declared import Answer, By, DeclaredVenue, Listing, Topic, Words
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.row import Row
from feedhandler.adapter.venue import (
    Base,
    Continuity,
    ControlKind,
    Heartbeat,
    Limits,
    ListedInstrument,
    Speaker,
)
from feedhandler.shape import Frame
from shm import ContractType, InstrumentKind, Status

_SYMBOLS, _DETAILS = "/v1/symbols", "/v1/symbols/details"
_MOST = 100
_REFUSAL = '{"id":$id,"status":$_,"error":{"code":$code,"msg":"%s"}}'
_NAME = re.compile(r"[a-z0-9]{2,30}")
_QUOTES = ("gusd", "usd", "usdc", "usdt", "rlusd", "eur", "gbp", "sgd", "btc", "eth", "sol", "fil")

_FRAMES = (
    Frame(
        "book",
        '{"e":"depthUpdate","E":$time_ns,"s":"$symbol","U":$previous,"u":$final,"b":$bids,'
        '"a":$asks}',
        level='["$price","$size"]',
        still=True,
    ),
    Frame(
        "trade",
        '{"e":$never,"E":$time_ns,"s":"$symbol","t":$id,"p":"$price","q":"$size","m":$taker}',
        taker=("false", "true"),  # whether who buys was there first
    ),
    Frame(
        "quote",
        '{"e":$never,"t":$never,"u":$final,"E":$time_ns,"s":"$symbol","b?":"$bid","B?":"$bid_size",'
        '"a?":"$ask","A?":"$ask_size"}',
    ),
    Frame("ticker", '{"e":"markPrice","E":$time_ns,"s":"$symbol","p":"$mark"}'),
)


class Gemini(DeclaredVenue):
    name = "gemini"
    frames = _FRAMES
    rule, base = Continuity.PREVIOUS, Base.STREAM
    proof = Proof((Sign.CHAIN,))
    ws_urls = {"public": "wss://ws.gemini.com/?snapshot=-1"}
    hosts = ("wsapi.fast.gemini.com",)
    rest_url = "https://api.gemini.com"
    heartbeat = Heartbeat(Speaker.SERVER_FRAME, 20.0, 60.0)
    limits = Limits(
        keys_per_message=50,
        keys_per_connection=200,
        messages_per_second=10.0,
        connects_per_window=(250, 300.0),  # of 300
        rest_per_second=1.0,  # as is recommended; of 120 a minute
        rest_burst=20.0,
    )
    promises = {
        "depth": Promise("book", first_s=5.0),
        "trade": promise.TRADES,
        "bookTicker": Promise("quote", moves=True),
        "markPrice": Promise("ticker"),
    }
    topics = {
        "book": Topic("$symbol@depth@100ms", word="depth"),
        "trades": Topic("$symbol@trade", word="trade"),
        "quote": Topic("$symbol@bookTicker", word="bookTicker"),
        "ticker": (
            Topic("$symbol@bookTicker", word="bookTicker"),
            Topic("$symbol@markPrice", word="markPrice", kinds=(InstrumentKind.PERPETUAL,)),
        ),
    }
    words = Words(
        subscribe='{"id":$id,"method":"subscribe","params":$keys}',
        unsubscribe='{"id":$id,"method":"unsubscribe","params":$keys}',
        answers=(
            Answer(ControlKind.ACK, '{"id":$id,"status":200}'),
            Answer(ControlKind.UNSUBSCRIBED, '{"id":$id,"status":200}'),
            Answer(ControlKind.REJECTED, _REFUSAL % "Invalid stream name: $key", text="no stream"),
            Answer(ControlKind.REJECTED, _REFUSAL % "$text"),
        ),
        passing=("-1003",),  # too many requests
    )
    statuses = {
        "open": Status.ACTIVE,
        "limit_only": Status.ACTIVE,  # to limit orders
        "post_only": Status.POST_ONLY,
        "cancel_only": Status.CANCEL_ONLY,
        "closed": Status.HALTED,
    }
    listing = Listing(
        _DETAILS,
        symbol="symbol",
        base="base_currency",
        quote="quote_currency",
        kind=By("product_type", {"spot": InstrumentKind.SPOT, "swap": InstrumentKind.PERPETUAL}),
        contract=ContractType.LINEAR,
        settle="contract_price_currency",
        tick="quote_increment",
        lot="tick_size",
        status="status",
    )
    default_instruments = ("btcusd", "ethusd", "solusd", "btcgusdperp")

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:  # noqa: ARG002
        return [Request(_SYMBOLS)]

    def follow_up(self, patterns: Sequence[str], request: Request, body: bytes) -> list[Request]:
        rows = _rows(self.name, body) if request.path == _SYMBOLS else []
        names = dict.fromkeys(one for one in rows if isinstance(one, str) and _NAME.fullmatch(one))
        wanted = [Pattern.parse(text) for text in patterns]
        meant = [name for name in names if any(map(any, _matches(name, wanted)))]
        if len(meant) > _MOST:
            text = f"{len(meant)} instruments are meant, and each costs a request of 120 a minute"
            raise ValueError(f"{self.name}: {text}: name {_MOST} at most")
        return [Request(f"{_DETAILS}/{name}") for name in meant]

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        rows = _rows(self.name, body)
        named = any(isinstance(row, str) for row in rows)
        if named and not any(isinstance(row, dict) for row in rows):
            return []  # see `follow_up`
        its = self.listings[0]
        return listing.parse_each(self.name, rows, "symbol", lambda row: self.instrument(row, its))

    def instrument(self, row: Row, its: Listing) -> ListedInstrument | None:
        """The list writes symbols in capitals, all else in small letters."""
        found = super().instrument(row, its)
        return replace(found, symbol=found.symbol.lower()) if found is not None else None

    def lists_instruments(self, url: str, body: str = "") -> bool:  # noqa: ARG002
        return urlsplit(url).path.startswith(_SYMBOLS)


def _rows(venue: str, body: bytes) -> list[object]:
    """Of an answer, which may be one alone."""
    document = listing.decoded(venue, body)
    rows = [document] if isinstance(document, dict) and "symbol" in document else document
    if not rows or not isinstance(rows, list):
        raise ValueError(f"{venue}: no list of instruments: {body[:80]!r}")
    return rows


def _matches(symbol: str, patterns: Sequence[Pattern]) -> Iterator[Iterator[bool]]:
    """Of all that it may be by its end: a currency may begin as another one ends."""
    pair, perpetual, _ = symbol.partition("perp")
    kind = InstrumentKind.PERPETUAL if perpetual else InstrumentKind.SPOT
    found = (re.fullmatch(f"(.+)({quote})", pair) for quote in _QUOTES)
    for base, quote in [(symbol, ""), *(one.groups() for one in found if one)]:
        name = f"{base}-{quote}{'-PERP' if perpetual else ''}".upper()
        spec = ListedInstrument(symbol, name, kind, base, quote)
        yield (pattern.matches(spec) for pattern in patterns)
