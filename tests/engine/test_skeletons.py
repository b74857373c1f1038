"""A frame that is read by its skeleton means what its decoder makes of it.

Two engines get the same frames, of which one learns and the other never does. Whatever happens,
both must end with the same books, cells and records.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from feedhandler.engine import _engine as native
from tests.engine.support import compact, deribit_book, engine, lines, memory, okx_book, spaced
from tests.engine.venue_frames import FRAMES, deribit_live, okx_live, snapshots
from tests.kit.recordings import recorded

ALPHABET = b'0123456789-.eE"[]{},:\\ \x00\x80tTa'


def mutated(frame: bytes, rng: random.Random) -> bytes:
    """Other bytes."""
    at = rng.randrange(len(frame))
    match rng.randrange(6):
        case 0:
            return frame[:at]
        case 1:
            return frame[:at] + bytes([rng.choice(ALPHABET)]) + frame[at + 1 :]
        case 2:
            return frame[:at] + frame[at + 1 :]
        case 3:
            return frame[:at] + bytes([rng.choice(ALPHABET)]) + frame[at:]
        case 4:
            return frame + bytes([rng.choice(ALPHABET)])
        case _:
            other = rng.randrange(len(frame))
            return frame[: max(at, other)] + frame[min(at, other) :]


def rewritten(frame: bytes, rng: random.Random) -> bytes:
    """Another document: keys in another order, or away, values of other types, spaces, escapes."""
    try:
        document = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return frame
    match rng.randrange(4):
        case 0:
            return compact(changed(document, rng, shuffled))
        case 1:
            return spaced(document, rng)
        case 2:
            return compact(changed(document, rng, without_one))
        case _:
            return compact(changed(document, rng, retyped))


def changed(value: Any, rng: random.Random, change: Callable[[Any, random.Random], Any]) -> Any:
    """The value with its objects changed, all the way down."""
    if isinstance(value, dict):
        inner = {key: changed(one, rng, change) for key, one in value.items()}
        return change(inner, rng)
    return [changed(one, rng, change) for one in value] if isinstance(value, list) else value


def shuffled(value: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    return dict(rng.sample(list(value.items()), len(value)))


def without_one(value: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    away = rng.choice([*value, *[None] * len(value)])
    return {key: one for key, one in value.items() if key != away}


def retyped(value: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    if not value:
        return value
    key = rng.choice(list(value))
    if rng.random() < 0.4:
        one = value[key]
        others: list[Any] = [None, True, "", 0, -1, 1, 1 << 54, "x", [], {}, [[]], f"{one}", "5e-1"]
        value[key] = int(one) if isinstance(one, str) and one.isdigit() else rng.choice(others)
    return value


NUMBERS = ("0", "-1", "1", "2", "-0", "5e-1", "1.0", "0.0", "1.5e3", "9" * 16, "9" * 17, "1" * 40,
           f"{1 << 53}", f"{(1 << 53) + 1}", f"{1 << 62}", "0.1234567890123456789", "1700000000000",
           "9000000000000000")  # fmt: skip
WORDS = ("snapshot", "delta", "update", "change", "Buy", "Sell", "buy", "sell", "books", "books5",
         "bbo-tbt", "trades", "orderbook.1.BTCUSDT", "orderbook.50.BTCUSDT", "publicTrade.BTCUSDT",
         "book.BTC-PERPETUAL.raw", "book.BTC-PERPETUAL.none.20.100ms", "trade", "aggTrade", "new",
         "bookTicker", "depthUpdate", "BTCUSDT", "BTC-USDT", "BTC-PERPETUAL", "ADL", "x.y", "",
         "\\")  # fmt: skip


def revalued(frame: bytes, rng: random.Random) -> bytes:
    """The same keys in the same order, with values that mean something else, or nothing."""

    def other(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: other(one) for key, one in value.items()}
        if isinstance(value, list):
            return list(map(other, value))
        if rng.random() > 0.1:
            return value
        if isinstance(value, bool) or value is None:
            return rng.choice([True, False, None])
        if isinstance(value, str):
            return rng.choice(NUMBERS if value[:1].isdigit() else WORDS)
        return orjson.Fragment(rng.choice(NUMBERS))

    try:
        return orjson.dumps(other(orjson.loads(frame)))
    except orjson.JSONDecodeError:
        return frame


def seen(e: native.Engine) -> Any:
    """All that came of the frames, without the times of day."""
    rows = []
    for i, symbol in enumerate(e.symbols()):
        quote = memory(e).quote(i)
        cells = [
            str(quote[name])
            for name in quote.dtype.names
            if not name.endswith("_ns") or name == "exchange_ns"
        ]
        head, bids, asks = memory(e).book(i)
        full = [side.tolist() if hasattr(side, "tolist") else side for side in e.book(i)]
        rows.append((symbol, e.state(i), full, cells, int(head["exchange_ns"]), bids, asks))
    counters = {name: count for name, count in e.counters().items() if name != "bytes"}
    return rows, counters, memory(e).records()


def fed(engines: list[native.Engine], frame: bytes) -> None:
    """The frame to all of them: they answer alike."""
    results = [e.connection(0).feed(frame) for e in engines]
    assert results[0] == results[1], frame
    if results[0] & native.MALFORMED:
        assert engines[0].last_error() == engines[1].last_error()
    assert engines[0].attention() == engines[1].attention(), frame


@pytest.mark.parametrize("venue", list(FRAMES))
@pytest.mark.parametrize("others", [None, mutated, rewritten, revalued])
@pytest.mark.parametrize("seed", range(6))
def test_both_ways_agree(
    venue: str, others: Callable[[bytes, random.Random], bytes] | None, seed: int
) -> None:
    rng = random.Random(f"{venue}{seed}")
    frames = FRAMES[venue](rng)
    with engine(venue) as learns, engine(venue, learns=False) as never:
        both = [learns, never]
        for e in both:
            for symbol, body in snapshots(venue).items():
                e.snapshot(e.add_instrument(symbol), body)
        for frame in frames:
            fed(both, others(frame, rng) if others and rng.random() < 0.3 else frame)
        assert seen(learns) == seen(never)
        if others is None:
            read = learns.connection(0).slow, never.connection(0).slow
            assert read[0] < 0.6 * read[1]


@pytest.mark.parametrize("venue", list(FRAMES))
def test_every_truncation_is_refused_alike(venue: str) -> None:
    frames = FRAMES[venue](random.Random(venue))
    short = sorted(frames, key=len)[:: len(frames) // 8]
    with engine(venue) as learns, engine(venue, learns=False) as never:
        for frame in frames:
            fed([learns, never], frame)
        for frame in short:
            for length in range(len(frame)):
                fed([learns, never], frame[:length])
        assert seen(learns) == seen(never)


def slow(e: native.Engine, frames: list[bytes]) -> int:
    """How many of the frames were not read by a skeleton."""
    before = e.connection(0).slow
    for frame in frames:
        e.connection(0).feed(frame)
    return e.connection(0).slow - before


class TestLearning:
    def test_a_frame_like_one_before_is_of_a_known_skeleton(self) -> None:
        with engine("okx") as e:
            assert slow(e, [okx_book(n + 1, n) for n in range(10, 15)]) == 1

    @pytest.mark.parametrize(("venue", "live"), [("okx", okx_live), ("deribit", deribit_live)])
    def test_any_order_of_keys_is_as_good(self, venue: str, live: Callable[[bytes], bytes]) -> None:
        books = {
            "okx": [okx_book(n + 1, n) for n in range(10, 50)],
            "deribit": [deribit_book(n + 1, previous=n) for n in range(10, 50)],
        }
        with engine(venue) as e:
            assert slow(e, books[venue]) == 1
            assert slow(e, list(map(live, books[venue]))) == 1
            assert slow(e, books[venue] + list(map(live, books[venue]))) == 0

    def test_keys_that_nobody_knows_are_passed(self) -> None:
        def book(n: int) -> bytes:
            row = {"x": f"{n}", "asks": [], "y": n * 1.5, "bids": [], "z": [n, {"q": None}]}
            row |= {"ts": "1700000000000", "prevSeqId": n, "seqId": n + 1}
            arg = {"channel": "books", "instId": "BTC-USDT"}
            return compact({"arg": arg, "action": "update", "data": [row]})

        with engine("okx") as e:
            assert slow(e, [book(n) for n in range(10, 20)]) == 1

    def test_an_odd_value_teaches_nothing_and_costs_one_frame(self) -> None:
        with engine("okx") as e:
            usual = [okx_book(n + 1, n) for n in range(10, 20)]
            assert slow(e, usual) == 1
            assert slow(e, [okx_book(1, 0), *usual]) == 1

    def test_an_odd_level_is_read_in_place(self) -> None:
        with engine("deribit") as e:
            first = deribit_book(11, previous=10, bids=[["new", 100.5, 10.0]])
            odd = first.replace(b"10.0]", b"1.0002e6]").replace(
                b'"change_id":11', b'"change_id":12'
            )
            assert slow(e, [first, odd.replace(b'id":10', b'id":11')]) == 1

    def test_what_never_ends_is_not_learned_for_ever(self) -> None:
        frames = [
            compact(orjson.loads(okx_book(n + 1, n)) | {f"key{n}": n}) for n in range(10, 700)
        ]
        with engine("okx") as e:
            now = 1_800_000_000_000_000_000
            for frame in frames:
                e.connection(0).feed(frame, now)
            assert slow(e, frames[-5:]) == 5  # none was learned: the budget was spent
            assert slow(e, frames[:5]) == 0
            for second in range(1, 50):  # with time, all room is taken, and all is forgotten
                for frame in frames[:20]:
                    e.connection(0).feed(
                        frame.replace(b"key", b"k%d" % second), now + second * 1_000_000_000
                    )
            later = now + 100 * 1_000_000_000
            e.connection(0).feed(frames[0], later)
            e.connection(0).feed(frames[0], later)
            assert slow(e, frames[:1]) == 0

    def test_control_frames_and_statistics_are_not_counted(self) -> None:
        with engine("okx") as e:
            mark = compact(
                {
                    "arg": {"channel": "mark-price", "instId": "BTC-USDT"},
                    "data": [{"instId": "BTC-USDT", "markPx": "1.5", "ts": "1700000000000"}],
                }
            )
            assert slow(e, [b"pong", b'{"event":"subscribe"}', mark]) == 0


RECORDED = {
    "okx": ["okx/cryptofeed_hist_okx_20220227", "okx/cryptofeed_okx", "okx/live_frames_2026"],
    "deribit": ["deribit/cryptofeed_deribit", "deribit/live_frames_2026"],
    "bybit-linear": ["bybit/cryptofeed_v3_bybit_v5"],
    "bybit-spot": ["bybit/cryptofeed_v3_bybit_v5"],
    "binance": ["binance_spot/cryptofeed_binance", "binance_spot/cryptofeed_hist_binance_20210417"],
    "binance-usdm": [
        "binance_usdm/cryptofeed_binance_futures",
        "binance_coinm/cryptofeed_binance_delivery",
    ],
}


@pytest.mark.parametrize(
    ("venue", "name"), [(venue, name) for venue, names in RECORDED.items() for name in names]
)
def test_recorded_frames_are_of_few_skeletons(venue: str, name: str) -> None:
    """Below 1 % of books, trades and quotes are not, after the first hundred."""
    path = recorded(f"{name}.ndjson.gz")
    ends = f"/{venue.partition('-')[2]}" if venue.startswith("bybit") else ""
    frames = [
        line.data.encode()
        for line in lines(path)
        if line.kind == "ws" and line.direction == "in" and line.data and line.url.endswith(ends)
    ]
    with (
        engine(venue, instruments=256) as learns,
        engine(venue, instruments=256, learns=False) as n,
    ):
        late = 0
        for count, frame in enumerate(frames):
            before = learns.connection(0).slow
            fed([learns, n], frame)
            if count % 100 == 0:
                assert memory(learns).records() == memory(n).records()
            late += learns.connection(0).slow - before if n.connection(0).slow > 100 else 0
        assert late <= 0.01 * max(0, n.connection(0).slow - 100)
        assert seen(learns) == seen(n)
