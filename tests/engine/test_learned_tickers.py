"""Statistics that are learned, or read key by key, mean what the general reader makes of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled
from feedhandler.venues.bybit_frames import FRAMES as BYBIT
from feedhandler.venues.okx_frames import FRAMES as OKX
from tests.engine.support import engine_of, memory
from tests.engine.test_skeletons import mutated, rewritten, seen

NOW = 1_800_000_000_000_000_000
SUMMARY = Frame(  # many rows, of which one is of an instrument that nobody carries
    "ticker",
    '{"arg":{"channel":"opt-summary"},"data":[{"instId":"$symbol","delta?":"$delta",'
    '"vol?":"$mark_iv_percent","ts":"$time_ms"}],"sent?":$sent_ms}',
)
STATED = Frame(
    "ticker",
    '{"c":"t.$symbol","d":{"t":$time_ms,"state?":"$status","g?":{"delta?":$delta},"b":$bid,'
    '"bs":$bid_size,"a":$ask,"as":$ask_size}}',
)
Other = Callable[[bytes, random.Random], bytes]
OTHERS = tuple(one for one in OKX if one.kind not in ("greeks", "other"))
TABLES = {"sparse": BYBIT, "rows": (*OTHERS, SUMMARY), "stated": (STATED,)}


def sparse(rng: random.Random) -> bytes:
    """What changed alone, in the venue's order of keys."""
    names = (
        *("tickDirection", "price24hPcnt", "lastPrice", "markPrice", "indexPrice", "openInterest"),
        *("volume24h", "fundingRate", "bid1Price", "bid1Size", "ask1Price", "ask1Size"),
    )
    said = [name for name in names if rng.random() < 0.4]
    values = ("", "0.1", "63000.5", "-0.0001", "0")
    pairs = "".join(f',"{name}":"{rng.choice(values)}"' for name in said)
    ts = 1_786_310_818_130 + rng.randrange(1000)
    return (
        f'{{"topic":"tickers.BTCUSDT","type":"delta","data":{{"symbol":"BTCUSDT"{pairs}}},'
        f'"cs":{ts * 7},"ts":{ts}}}'
    ).encode()


def rows(rng: random.Random) -> bytes:
    each = ",".join(
        f'{{"instType":"OPTION","instId":"{rng.choice(["BTCUSDT", "ETHUSDT", "OTHER"])}",'
        f'"delta":"0.{rng.randrange(99)}","vol":{rng.choice(["null", "52.25"])},"ts":"TIME"}}'
        for _ in range(rng.randrange(1, 4))
    ).replace("TIME", "1786310818130")
    behind = rng.choice(["", "", ',"sent":1786310818131'])
    return f'{{"arg":{{"channel":"opt-summary"}},"data":[{each}]{behind}}}'.encode()


def stated(rng: random.Random) -> bytes:
    """The word before or behind the statistics, or none."""
    words = [*['"open"', '"closed"'] * 5, "null", '""', "7", f'"{"x" * 40}"']
    word = rng.choice(words)
    greeks = f'"g":{{"delta":0.{rng.randrange(99)}}}'
    said = [greeks, f'"state":{word}'][:: rng.choice([1, -1])][: rng.choice([1, 2, 2, 2])]
    return (
        f'{{"c":"t.{rng.choice(["BTCUSDT", "ETHUSDT", "OTHER"])}","d":{{"t":1786310818130,'
        f'{",".join(said)},"b":{rng.choice(["0", "1.5"])},"bs":1,"a":2,"as":1}}}}'
    ).encode()


@pytest.mark.parametrize(("name", "made"), [("sparse", sparse), ("rows", rows), ("stated", stated)])
@pytest.mark.parametrize("spoilt", [None, mutated, rewritten])
@pytest.mark.parametrize("books", [False, True])
def test_both_ways_agree(
    name: str, made: Callable[[random.Random], bytes], spoilt: Other | None, books: bool
) -> None:
    rng = random.Random(f"{name}{spoilt and spoilt.__name__}")
    table = compiled(TABLES[name])
    options: dict[str, Any] = {
        "rule": native.RULE_NEXT,
        "base": native.BASE_STREAM,
        "auto_add": False,
    }
    with (
        engine_of(native.shape_decoder(table), **options) as learns,
        engine_of(native.shape_decoder(table, learned=False), **options) as never,
    ):
        for e in (learns, never):
            for symbol in ("BTCUSDT", "ETHUSDT"):
                e.add_instrument(symbol, price_exponent=-2, has_book=books)
        told = 0
        for _ in range(400):
            frame = made(rng)
            said = spoilt(frame, rng) if spoilt and rng.random() < 0.4 else frame
            results = [e.connection(0).feed(said, NOW) for e in (learns, never)]
            assert results[0] == results[1], said
            told += bool(results[0] & native.DATA)
            words = [[e.word(row) for row in range(2)] for e in (learns, never)]
            assert words[0] == words[1], said
        assert told > 150
        assert seen(learns) == seen(never)
        assert memory(never).seen > 100


APART = {
    "mark": (native.CHANNEL_MARK, "$mark"),
    "funding": (native.CHANNEL_FUNDING, "$funding"),
    "interest": (native.CHANNEL_INTEREST, "$open_interest"),
    "greeks": (native.CHANNEL_GREEKS, "$delta"),
    "volume": (native.CHANNEL_VOLUME, "$volume"),
    "index": (native.CHANNEL_INDEX, "$index"),
    "ticker": (native.CHANNEL_TICKER, "$underlying"),
}


@pytest.mark.parametrize("kind", APART)
@pytest.mark.parametrize("learned", [False, True])
def test_statistics_are_heard_on_the_channel_that_they_come_on(kind: str, learned: bool) -> None:
    frames = [
        Frame(one, f'{{"c":"{one}","s":"$symbol","v":"{hole}","t":$time_ms}}')
        for one, (_, hole) in APART.items()
    ]
    channel, _ = APART[kind]
    with engine_of(
        native.shape_decoder(compiled(frames), learned=learned),
        rule=native.RULE_NONE,
        base=native.BASE_EVERY,
    ) as e:
        at = e.add_instrument("X")
        for n in range(3):  # by the shape, and by what was learned from it
            said = f'{{"c":"{kind}","s":"X","v":"1.{n}","t":1786310818130}}'
            assert e.connection(0).feed(said.encode(), NOW + n) == native.DATA
            assert e.heard(at, channel) == NOW + n
        others = [other for other, _ in APART.values() if other != channel]
        assert [e.heard(at, other) for other in others] == [0] * (len(APART) - 1)
