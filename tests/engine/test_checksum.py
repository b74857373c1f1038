"""Checksums: every rule that a venue may have, over books that venues sent and over made ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from feedhandler.engine import _engine as native
from tests.kit import natives
from tests.kit.recordings import recorded

from . import checksum_oracle as oracle
from .support import engine, lines, okx_book

LIVE, BAD = (2, 0), (3, 3)
Rows = Sequence[tuple[str, str]]

#: levels, order, number, separator, sizes of asks negative, an int32
TEN_ASKS = (10, native.CHECKSUM_ASKS, native.NUMBER_DIGITS, "", False, False)
FIFTY_BIDS = (50, native.CHECKSUM_BIDS, native.NUMBER_PLAIN, ":", False, False)
SCRIPTED = (25, native.CHECKSUM_PAIRS, native.NUMBER_SCRIPT, ":", True, True)
WRITTEN = (25, native.CHECKSUM_PAIRS, native.NUMBER_WRITTEN, ":", False, True)
PLAIN = (25, native.CHECKSUM_PAIRS, native.NUMBER_PLAIN, ":", False, True)


class Book:
    """A book in Decimals, and the engine's, told the same in frames with sequence numbers.
    `limit`: the window that the engine cuts it to; what leaves it is not told."""

    def __init__(self, e: native.Engine, symbol: str, limit: int = 0) -> None:
        self.engine, self.symbol, self.limit = e, symbol, limit
        self.sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
        self.sequence = 10

    def tell(self, bids: Rows, asks: Rows, checksum: int, *, full: bool = False) -> None:
        rows: list[list[tuple[str, ...]]] = []
        for side, changes, ask in zip(self.sides, (bids, asks), (False, True), strict=True):
            if full:
                side.clear()
            for price, size in changes:
                side[Decimal(price)] = Decimal(size)
                if not Decimal(size):
                    del side[Decimal(price)]
            for price_, _ in oracle.best(side, len(side), ask)[self.limit or len(side) :]:
                del side[price_]
            rows.append([(price, size, "0", "1") for price, size in changes])
        previous = -1 if full else self.sequence
        self.sequence += 1
        frame = okx_book(
            self.sequence, previous, bids=rows[0], asks=rows[1], symbol=self.symbol,
            action="snapshot" if full else "update", checksum=checksum,
        )  # fmt: skip
        result = self.engine.connection(0).feed(frame)
        assert not result & (native.MALFORMED | native.UNKNOWN), self.engine.last_error()

    @property
    def state(self) -> tuple[int, int]:
        return self.engine.state(self.engine.instrument_id(self.symbol))


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _array_books(path: Path) -> Iterator[tuple[str, bool, list[Rows], int]]:
    """(symbol, full, [bids, asks], checksum or 0) of Kraken's first WebSocket protocol."""
    for line in lines(path):
        message = orjson.loads(line.data) if line.direction == "in" and line.data else None
        if line.kind != "ws" or not isinstance(message, list) or "book-" not in message[-2]:
            continue
        parts: dict[str, Any] = {}
        for part in message[1:-2]:
            parts |= part
        full = "as" in parts
        sides = [parts.get(key + "s" * full, []) for key in "ba"]
        rows: list[Rows] = [[(row[0], row[1]) for row in side] for side in sides]
        yield message[-1], full, rows, int(parts.get("c", 0))


def test_every_checksum_of_a_recording_of_kraken() -> None:
    books: dict[str, Book] = {}
    checks = 0
    with engine("okx", checksum=TEN_ASKS, window=1000) as e:
        recording = recorded("kraken/cryptofeed_kraken.ndjson.gz")
        for symbol, full, (bids, asks), checksum in _array_books(recording):
            if symbol not in books:
                price, size = (_decimals(text) for text in bids[0])
                e.add_instrument(
                    symbol, price_exponent=-price, size_exponent=-1, written=(price, size)
                )
                books[symbol] = Book(e, symbol, limit=1000)
            books[symbol].tell(bids, asks, checksum, full=full)
            checks += checksum != 0
        assert all(book.state == LIVE for book in books.values())
        assert (len(books), checks) == (10, 4269)
        assert e.counters()["checksum_ok"] == checks
        assert e.counters()["checksum_bad"] == 0


def test_every_checksum_of_a_recording_of_its_second_protocol() -> None:
    checks = 0
    with engine("okx", checksum=TEN_ASKS, window=25) as e:
        e.add_instrument("MINA/GBP", price_exponent=-4, size_exponent=-8)
        book = Book(e, "MINA/GBP", limit=25)
        for line in lines(recorded("kraken_v2/depthcharge_minagbp_d25_20260816.ndjson.gz")):
            message = orjson.loads(line.data) if line.direction == "in" and line.data else {}
            if message.get("channel") != "book":
                continue
            for data in message["data"]:
                bids, asks = (
                    [(f"{x['price']:.4f}", f"{x['qty']:.8f}") for x in data[key]]
                    for key in ("bids", "asks")
                )
                book.tell(bids, asks, data["checksum"], full=message["type"] == "snapshot")
                checks += 1
        assert (checks, book.state) == (30, LIVE)
        assert e.counters()["checksum_ok"] == 30


@pytest.mark.parametrize("decimals", [(2, 8), (8, 3), (0, 0), (12, 12), (5, 8)])
@pytest.mark.parametrize("rule", [TEN_ASKS, FIFTY_BIDS, SCRIPTED, WRITTEN, PLAIN], ids=str)
def test_made_books_have_the_checksum_of_their_text(
    rule: tuple[int, int, int, str, bool, bool], decimals: tuple[int, int]
) -> None:
    rng = random.Random(f"{rule}{decimals}")
    price_of, size_of = (Decimal(1).scaleb(-places) for places in decimals)

    def crc(book: Book) -> int:
        bids, asks = book.sides
        if rule == TEN_ASKS:
            price, size = map(oracle.digits, decimals)
            return oracle.asks_first(bids, asks, 10, price, size)
        if rule == FIFTY_BIDS:
            return oracle.bids_first(bids, asks, 50, oracle.plain)
        if rule == WRITTEN:
            assert decimals[0] == decimals[1]
            return oracle.signed(oracle.pairs(bids, asks, 25, oracle.written(decimals[0])))
        text, negative = (oracle.script, "-") if rule == SCRIPTED else (oracle.plain, "")
        return oracle.signed(oracle.pairs(bids, asks, 25, text, negative))

    if rule == WRITTEN:
        decimals = (decimals[0], decimals[0])
        size_of = price_of
    with engine("okx", checksum=rule) as e:
        e.add_instrument("A-B", written=decimals)
        book, shadow = Book(e, "A-B"), Book(e, "A-B")
        mid = rng.choice((40, 10**4, 10**9))
        for turn in range(300):
            full = turn % 60 == 0
            sides: list[list[tuple[str, str]]] = []
            for sign in (-1, 1):
                ticks = {
                    max(1, mid + sign * rng.randrange(1, 38))
                    for _ in range(rng.choice((0, 1, 4, 30)))
                }
                sizes = (0, 0, rng.randrange(1, 10), rng.randrange(1, 10 ** rng.randrange(2, 17)))
                sides.append(
                    [(f"{t * price_of:f}", f"{rng.choice(sizes) * size_of:f}") for t in ticks]
                )
            if full:
                sides = [[row for row in side if Decimal(row[1])] for side in sides]
            for side, changes in zip(shadow.sides, sides, strict=True):
                if full:
                    side.clear()
                side.update({Decimal(p): Decimal(s) for p, s in changes})
                for price in [price for price, size in side.items() if not size]:
                    del side[price]
            book.tell(sides[0], sides[1], crc(shadow), full=full)
            assert book.sides == shadow.sides
            assert e.counters()["checksum_bad"] == 0, turn
        assert e.counters()["checksum_ok"] > 290


@pytest.mark.parametrize("rule", [TEN_ASKS, SCRIPTED, PLAIN], ids=str)
def test_one_wrong_digit_within_the_levels_is_seen_and_none_beyond(
    rule: tuple[int, int, int, str, bool, bool],
) -> None:
    bids = [(f"{100 - i}", "1.5") for i in range(60)]
    asks = [(f"{101 + i}", "2.5") for i in range(60)]
    with engine("okx", checksum=rule) as e:
        e.add_instrument("A-B", written=(0, 1))
        for depth in (0, rule[0] - 1, rule[0]):
            book = Book(e, "A-B")
            book.sides[0].update({Decimal(p): Decimal(s) for p, s in bids})
            book.sides[1].update({Decimal(p): Decimal(s) for p, s in asks})
            if rule == TEN_ASKS:
                crc = oracle.asks_first(*book.sides, 10, oracle.digits(0), oracle.digits(1))
            elif rule == SCRIPTED:
                crc = oracle.signed(oracle.pairs(*book.sides, 25, oracle.script, "-"))
            else:
                crc = oracle.signed(oracle.pairs(*book.sides, 25, oracle.plain))
            book.sequence = 10 * depth + 10
            wrong = [*bids[:depth], (bids[depth][0], "1.6"), *bids[depth + 1 :]]
            book.tell(bids, asks, crc, full=True)
            assert book.state == LIVE
            book.tell(wrong[depth : depth + 1], [], crc)
            assert book.state == (BAD if depth < rule[0] else LIVE)


def test_what_is_sent_as_an_int32_is_not_taken_as_anything_else() -> None:
    side = {Decimal(1): Decimal(n) for n in (1,)}
    crc = next(
        c for n in range(1, 99)
        if (c := oracle.pairs({Decimal(1): Decimal(n)}, {}, 25, oracle.plain)) >> 31
        and side.update({Decimal(1): Decimal(n)}) is None
    )  # fmt: skip
    rows = [(f"{p}", f"{s}") for p, s in side.items()]
    for is_signed in (True, False):
        with engine("okx", checksum=(*PLAIN[:5], is_signed)) as e:
            for sent in (oracle.signed(crc), crc):
                book = Book(e, "A-B")
                book.tell(rows, [], sent, full=True)
                assert book.state == (LIVE if (sent < 0) is is_signed else BAD)


@pytest.mark.parametrize(
    "rule",
    [(0, 0, 0, ":", False, True), (51, 0, 0, ":", False, True), (25, 3, 0, ":", False, True),
     (25, 0, 4, ":", False, True), (25, 0, 0, "::", False, True), (25, 0, 0, "é", False, True)],
)  # fmt: skip
def test_rules_that_are_none(rule: tuple[int, int, int, str, bool, bool]) -> None:
    with (
        pytest.raises(ValueError, match=r"1 to 50|none of|one character"),
        engine("okx", checksum=rule),
    ):
        pass


def test_both_multiplications_give_the_crc_of_the_text() -> None:
    source = Path(__file__).with_name("checksum.c")
    include = [f"-I{natives.ROOT}", f"-I{natives.ROOT / 'shm' / 'include'}"]
    for flags in ([], ["-DWITHOUT_SIXTEEN"]):
        command = [*natives.compiler().split(), "-std=gnu11", "-O1", "-g", *include, *flags]
        place = natives.place("checksum", [source], natives.headers(), *command) / "checksum"
        if not place.exists():
            natives.run(*command, "-o", str(place), str(source))
        assert natives.run(str(place)).split() == ["ok", "20000"]
