"""A frame in the very bytes that a venue writes means what it means in any other JSON.

Such frames have a reader of their own. A space before the document sends the same one to the
general reader: whatever happens, both must end with the same books, cells and records.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from feedhandler.bench.kit.synthetic import synthetic
from feedhandler.engine import _engine as native
from tests.engine.support import engine, memory


def binance(rng: random.Random) -> list[bytes]:
    frames = list(synthetic("binance", count=60, seed=rng.randrange(1 << 30)).frames)
    for n in range(60):
        price, size = f"{rng.randrange(1, 9999999) / 100:.8f}", f"{rng.randrange(9999) / 1000:.8f}"
        quote = (
            f'{{"u":{2000 + n},"s":"BTCUSDT","b":"{price}","B":"{size}",'
            f'"a":"{float(price) + 1:.8f}","A":"3.00000000"}}'
        )
        trade = (
            f'{{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":{3735683259 + n},"p":"{price}",'
            f'"q":"{size}","T":1723161255342,"m":{rng.choice(["true", "false"])},"M":true}}'
        )
        pu = (
            f'{{"e":"depthUpdate","E":1723161255208,"T":1723161255206,"s":"BTCUSDT","U":{1300 + n},'
            f'"u":{1300 + n},"pu":{1299 + n},"b":[["{price}","{size}"]],"a":[]}}'
        )
        body = rng.choice([quote, trade, pu])
        wrapped = f'{{"stream":"btcusdt@any","data":{body}}}'
        frames.append(rng.choice([body, wrapped]).encode())
    return frames


def binance_usdm(rng: random.Random) -> list[bytes]:
    frames: list[bytes] = []
    final, since = 1000, rng.choice(["", ',"st":1'])
    for n in range(120):
        price, size = f"{rng.randrange(1, 9999999) / 10:.2f}", f"{rng.randrange(9999) / 1000:.3f}"
        high, maker = f"{float(price) + 1:.2f}", rng.choice(["true", "false"])
        last, final = final, final + rng.randrange(1, 90)
        sides = f'"b":[["{price}","{size}"]],"a":[["{high}","0"],["99999999.90","1"]]'
        quantity = rng.choice(["", f'"nq":"{size}",'])
        body = rng.choice(
            [
                f'"depthUpdate","E":1786171884624,"T":1786171884620,"s":"BTCUSDT","U":{last + 1},'
                f'"u":{final},"pu":{last},{sides}',
                f'"bookTicker","u":{final},"s":"BTCUSDT","b":"{price}","B":"{size}","a":"{high}",'
                '"A":"0.100","T":1786171884620,"E":1786171884621',
                f'"trade","E":1786171884620,"T":1786171884619,"s":"BTCUSDT","t":{5182005737 + n},'
                f'"p":"{price}","q":"{size}","X":"{rng.choice(["MARKET", "ADL"])}","m":{maker}',
                f'"aggTrade","E":1786171884624,"a":{3404749954 + n},"s":"BTCUSDT","p":"{price}",'
                f'"q":"{size}",{quantity}"f":796091351{n},"l":7960913519,"T":1786171884471,'
                f'"m":{maker}',
            ]
        )
        event = f'{{"e":{body}{since}}}'
        frames.append(rng.choice([event, f'{{"stream":"btcusdt@any","data":{event}}}']).encode())
    return frames


def bybit(rng: random.Random) -> list[bytes]:
    frames: list[bytes] = []
    u = seq = 1000
    for n in range(120):
        price, size = f"{rng.randrange(1, 9999999) / 10:.2f}", f"{rng.randrange(9999) / 1000:.3f}"
        high, depth = f"{float(price) + 1:.2f}", rng.choice([1, 50, 50, 200])
        u, seq = rng.choice([u + 1] * 9 + [1, u + 2]), seq + rng.randrange(1, 90)
        kind = "snapshot" if n == 0 or rng.random() < 0.1 or depth == 1 else "delta"
        said = rng.sample([f'"type":"{kind}"', f'"ts":{1786310818130 + n}'], 2)
        matched = rng.choice(["", f',"cts":{1786310818129 + n}'])
        asks = rng.choice([f'["{high}","1"],["{float(price) + 9:.2f}","0"]', ""])
        frames.append(
            (
                f'{{"topic":"orderbook.{depth}.BTCUSDT",{",".join(said)},'
                f'"data":{{"s":"BTCUSDT","b":[["{price}","{size}"]],"a":[{asks}],"u":{u},'
                f'"seq":{seq}}}{matched}}}'
            ).encode()
        )
        if n % 3 == 0:
            frames.append(bybit_trades(rng, said, price, size, 1786310818131 + n))
    return frames


def bybit_trades(rng: random.Random, said: list[str], price: str, size: str, time: int) -> bytes:
    rows = []
    for _ in range(rng.choice([1, 1, 3])):
        symbol, side = rng.choice(["BTCUSDT", "ETHUSDT"]), rng.choice(["Buy", "Sell"])
        flags = f'"BT":{rng.choice(["false"] * 5 + ["true"])},"RPI":{rng.choice(["false", "true"])}'
        if said[0].startswith('"type"'):
            name = rng.choice(["a9188a0a-82bc-50de-be60-03eedbe3cdd7", f"{rng.randrange(9999)}"])
            rows.append(
                f'{{"T":{time},"s":"{symbol}","S":"{side}","v":"{size}","p":"{price}",'
                f'"L":"PlusTick","i":"{name}",{flags},"seq":{753843954913 + rng.randrange(99)}}}'
            )
        else:
            number = rng.choice([2290000001000000000 + rng.randrange(99), 9999999999999999999])
            rows.append(
                f'{{"i":"{number}","T":{time},"p":"{price}","v":"{size}","S":"{side}",'
                f'"seq":112488547164,"s":"{symbol}",{flags}}}'
            )
    head = ",".join(['"topic":"publicTrade.BTCUSDT"', *said])
    return f'{{{head},"data":[{",".join(rows)}]}}'.encode()


def deribit(rng: random.Random) -> list[bytes]:
    return list(synthetic("deribit", count=120, seed=rng.randrange(1 << 30)).frames)


def okx(rng: random.Random) -> list[bytes]:
    frames = list(synthetic("okx", count=120, seed=rng.randrange(1 << 30)).frames)
    return frames + [f.replace(b'"books"', b'"books50-l2-tbt"') for f in frames[:20]]


FRAMES = {
    "binance": binance,
    "binance-usdm": binance_usdm,
    "bybit-linear": bybit,
    "deribit": deribit,
    "okx": okx,
}


def snapshots(venue: str) -> dict[str, bytes]:
    return synthetic("binance", count=1).snapshots if venue.startswith("binance") else {}


ALPHABET = b'0123456789-.eE"[]{},:\\ \x00\x80tTa'


def mutated(frame: bytes, rng: random.Random) -> bytes:
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
    counters = {k: v for k, v in e.counters().items() if k != "bytes"}
    return rows, counters, memory(e).records()


@pytest.mark.parametrize("decoder", list(FRAMES))
@pytest.mark.parametrize("mutations", [0, 1])
@pytest.mark.parametrize("seed", range(6))
def test_both_readers_agree(decoder: str, mutations: int, seed: int) -> None:
    rng = random.Random(f"{decoder}{seed}")
    frames = FRAMES[decoder](rng)
    with engine(decoder) as usual, engine(decoder) as general:
        for e in (usual, general):
            for symbol, body in snapshots(decoder).items():
                e.snapshot(e.add_instrument(symbol), body)
        for frame in frames:
            sent = frame
            if mutations and rng.random() < 0.3:
                sent = mutated(frame, rng)
            results = [
                usual.connection(0).feed(sent),
                general.connection(0).feed(b" " + sent),
            ]
            assert results[0] == results[1], sent
            if results[0] & native.MALFORMED:
                assert usual.last_error().split(":")[0] == general.last_error().split(":")[0]
            assert usual.attention() == general.attention(), sent
        assert seen(usual) == seen(general)


@pytest.mark.parametrize("decoder", list(FRAMES))
def test_every_truncation_is_refused_alike(decoder: str) -> None:
    frames = FRAMES[decoder](random.Random(decoder))
    short = sorted(frames, key=len)[:: len(frames) // 8]
    with engine(decoder) as usual, engine(decoder) as general:
        for frame in short:
            for length in range(len(frame)):
                cut = frame[:length]
                a = usual.connection(0).feed(cut)
                assert a == general.connection(0).feed(b" " + cut), cut
                assert usual.attention() == general.attention()
        assert seen(usual) == seen(general)


class TestWaking:
    def test_a_batch_is_woken_once_with_its_last_frame(self) -> None:
        frames = FRAMES["deribit"](random.Random(1))[:5]
        with engine("deribit") as e:
            c = e.connection(0)
            before = wakes(e)
            for frame in frames[:-1]:
                c.feed(frame, 0, False)
            assert wakes(e) == before
            c.feed(frames[-1])
            assert wakes(e) == before + 1

    def test_what_is_read_at_once_was_received_at_once(self) -> None:
        frames = FRAMES["deribit"](random.Random(1))[:4]
        with engine("deribit") as e:
            c = e.connection(0)
            times = []
            for frame, last in zip(frames, (False, True, False, True), strict=True):
                c.feed(frame, 0, last)
                times.append(c.last_receive_ns)
            assert times[0] == times[1] < times[2] == times[3]
            c.feed(frames[0], 0, False)
            c.flush()
            first = c.last_receive_ns
            c.feed(frames[0])
            assert c.last_receive_ns > first

    def test_flush_wakes_once_and_only_if_something_was_published(self) -> None:
        with engine("deribit") as e:
            c = e.connection(0)
            c.flush()
            before = wakes(e)
            c.feed(FRAMES["deribit"](random.Random(1))[0], wake=False)
            c.flush()
            c.flush()
            assert wakes(e) == before + 1

    def test_a_frame_that_publishes_nothing_wakes_for_those_before_it(self) -> None:
        with engine("deribit") as e:
            c = e.connection(0)
            before = wakes(e)
            c.feed(FRAMES["deribit"](random.Random(1))[0], wake=False)
            c.feed(b'{"jsonrpc":"2.0","id":1,"result":[]}')
            assert wakes(e) == before + 1

    def test_a_refused_frame_wakes_for_those_before_it(self) -> None:
        with engine("deribit") as e:
            c = e.connection(0)
            c.feed(FRAMES["deribit"](random.Random(1))[0], wake=False)
            before = wakes(e)
            c.feed(b"{")
            assert wakes(e) == before + 1


def wakes(e: native.Engine) -> int:
    """The futex word."""
    return int.from_bytes(memory(e).path.read_bytes()[640:644], "little")
