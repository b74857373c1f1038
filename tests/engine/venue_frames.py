"""Frames of every decoder in the bytes that its venue writes, made at random."""

from __future__ import annotations

import random

import orjson

from feedhandler.bench.kit.synthetic import synthetic


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
                f'"markPriceUpdate","E":{1786171884624 + n},"s":"BTCUSDT","p":"{price}",'
                f'"i":"{high}","r":"{rng.choice(["", "0.0001", "-0.00012345678"])}"',
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
    """Books in the documentation's order of keys, and in that of 2026."""
    frames = list(synthetic("deribit", count=120, seed=rng.randrange(1 << 30)).frames)
    if rng.random() < 0.5:
        frames = list(map(deribit_live, frames))
    for n in range(60):
        frames.insert(rng.randrange(1, len(frames)), deribit_event(rng, n))
    return frames


def deribit_event(rng: random.Random, n: int) -> bytes:
    price, time = f"{rng.randrange(1, 99999) / 2}", 1786310818131 + n
    if rng.random() < 0.5:
        return (
            '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.BTC-PERPETUAL",'
            f'"data":{{"timestamp":{time},"instrument_name":"BTC-PERPETUAL",'
            f'"best_bid_price":{price},"best_bid_amount":{n}0.0,'
            f'"best_ask_price":{float(price) + 1},"best_ask_amount":10.0}}}}}}'
        ).encode()
    rows = []
    for _ in range(rng.choice([1, 1, 3])):
        forced = rng.choice(["", '"liquidation":"M",'])
        rows.append(
            f'{{"trade_seq":{n},"trade_id":"{rng.choice(["", "ETH-"])}{48079269 + n}",'
            f'"timestamp":{time},"price":{price},{forced}'
            f'"instrument_name":"{rng.choice(["BTC-PERPETUAL", "ETH-PERPETUAL"])}",'
            f'"direction":"{rng.choice(["buy", "sell"])}","amount":{n}0.0}}'
        )
    return (
        '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.100ms",'
        f'"data":[{",".join(rows)}]}}}}'
    ).encode()


def okx(rng: random.Random) -> list[bytes]:
    """Books in the documentation's order of keys, and in that of 2026."""
    frames = list(synthetic("okx", count=120, seed=rng.randrange(1 << 30)).frames)
    frames += [f.replace(b'"books"', b'"books50-l2-tbt"') for f in frames[:20]]
    if rng.random() < 0.5:
        frames = list(map(okx_live, frames))
    for n in range(60):
        symbol = rng.choice(["BTC-USDT", "ETH-USDT"])
        frames.insert(
            rng.randrange(1, len(frames)),
            (
                f'{{"arg":{{"channel":"trades","instId":"BTC-USDT"}},"data":[{{"instId":"{symbol}",'
                f'"tradeId":"{1632918528 + n}","px":"{rng.randrange(1, 9999999) / 10}",'
                f'"sz":"{rng.randrange(9999) / 1000}","side":"{rng.choice(["buy", "sell"])}",'
                f'"ts":"{1790394876983 + n}","count":"26","source":"0",'
                f'"seqId":{92286018766 + n}}}]}}'
            ).encode(),
        )
    return frames


def okx_live(frame: bytes) -> bytes:
    """A book with its numbers in the order of 2026."""
    document = orjson.loads(frame)
    row = document["data"][0]
    row["prevSeqId"] = row.pop("prevSeqId")
    return orjson.dumps(document)


def deribit_live(frame: bytes) -> bytes:
    """A book with its keys in the order of 2026."""
    document = orjson.loads(frame)
    data = document["params"]["data"]
    keys = ("timestamp", "type", "change_id", "instrument_name", "bids", "asks", "prev_change_id")
    document["params"]["data"] = {key: data[key] for key in keys if key in data}
    return orjson.dumps(document)


FRAMES = {
    "binance": binance,
    "binance-usdm": binance_usdm,
    "bybit-linear": bybit,
    "deribit": deribit,
    "okx": okx,
}


def snapshots(venue: str) -> dict[str, bytes]:
    return synthetic("binance", count=1).snapshots if venue.startswith("binance") else {}
