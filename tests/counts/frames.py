"""The fixed input of the counts: the frames of each path, in its venue's usual bytes.

Those of declared venues are the simulator's: with another market they are other frames.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from feedhandler import venues
from feedhandler.adapter.engine import rules
from feedhandler.bench.kit.rendered import declared, rendered
from feedhandler.bench.kit.synthetic import REORDERED, VENUES, synthetic
from tests.kit.checksums import checksum_numbers

_BOOK_FRAMES = 1500
_FRAMES = 400
_SHAPED = 480
_CHECKSUM_ALONE = b',"cs",'  # a frame of which nothing is told
_WARM = 4  # times as few of them are not counted


@dataclass
class Path:
    """`add`: symbol -> its exponents; `answers`: symbol -> the book that it begins from."""

    name: str
    venue: str
    frames: list[str]
    add: dict[str, tuple[int, int]]
    answers: dict[str, str] = field(default_factory=dict)
    verified: bool = False  # by the venue's checksum
    numbers: dict[str, int] = field(default_factory=dict)  # of keys
    silent: int = 0

    def lines(self) -> Iterator[str]:
        """As `paths.c` reads them; the first fifth of the frames warms."""
        facts = venues.load(self.venue)
        rule, base = rules(facts)
        decoder = facts.decoder
        said = f"{decoder.name} {rule} {base} {int(decoder.spreads)} {decoder.frames.hex()}"
        yield f"path {self.name}\t{said}"
        if decoder.names_trades:
            yield "names"
        if decoder.keeps_window:
            yield "keeps"
        if decoder.usual:
            yield "usual"
        yield f"cut {facts.window}"
        if self.silent:
            yield f"silent {self.silent}"
        if self.verified:
            yield f"verify {' '.join(map(str, checksum_numbers(facts.checksum)))}"
        yield from (f"add {symbol} {price} {size}" for symbol, (price, size) in self.add.items())
        for key, number in self.numbers.items():
            yield f"bind {number} {facts.key_symbols(key)[1]} {facts.topic(key)}"
        yield from (f"answer {symbol} {body}" for symbol, body in self.answers.items())
        warm = len(self.frames) // (1 + _WARM)
        yield from (f"warm {frame}" for frame in self.frames[:warm])
        yield from self.frames[warm:]


def paths() -> list[Path]:
    """All of them; the same ones at every call, everywhere."""
    books = [*map(_book, VENUES), *(_book(venue, live=True) for venue in REORDERED)]
    verified = _verified(next(one for one in reversed(books) if one.venue == "okx"))
    events = (_events(name, *what) for name, what in _EVENTS.items())
    others = [name for name in venues.names() if name not in VENUES]
    return [*books, verified, *events, *(path for name in others for path in _shaped(name))]


@cache
def _shaped(venue: str) -> list[Path]:
    """The books and trades of a venue that is declared; books also with their checksum verified."""
    facts, found = declared(venue), []
    for kind in ("book", "trade") if facts is not None else ():
        case = rendered(venue, kind, count=_SHAPED * (1 + _WARM) // _WARM, seed=11)
        path = Path(
            f"{venue} {kind}",
            venue,
            [frame.decode() for frame in case.frames],
            case.instruments,
            {symbol: body.decode() for symbol, body in case.snapshots.items()},
            numbers=case.numbers,
            silent=sum(_CHECKSUM_ALONE in frame for frame in case.frames),
        )
        found.append(path)
        if kind == "book" and facts is not None and facts.checksum is not None:
            found.append(replace(path, name=f"{path.name} verified", verified=True))
    return found


def _book(venue: str, live: bool = False) -> Path:
    case = synthetic(venue, count=_BOOK_FRAMES, seed=11, live=live)
    symbol = {"deribit": "BTC-PERPETUAL", "okx": "BTC-USDT"}.get(venue, "BTCUSDT")
    answers = {name: body.decode() for name, body in case.snapshots.items()}
    frames = [frame.decode() for frame in case.frames]
    return Path(f"{venue} {case.kind}", venue, frames, {symbol: (-2, -8)}, answers)


def _verified(path: Path) -> Path:
    """The same frames of OKX, with the checksums that its book has."""
    book: tuple[dict[str, str], dict[str, str]] = ({}, {})
    frames = []
    for frame in path.frames:
        row = json.loads(frame)["data"][0]
        for side, key in zip(book, ("bids", "asks"), strict=True):
            side.update({price: size for price, size, *_ in row[key]})
            for price in [price for price, size in side.items() if size == "0"]:
                del side[price]
        bids, asks = ([*sorted(side.items(), key=lambda row: float(row[0]))] for side in book)
        turns = [one for both in zip(bids[:-26:-1], asks[:25], strict=True) for one in both]
        crc = zlib.crc32(":".join(f"{price}:{size}" for price, size in turns).encode())
        signed = crc - (crc >> 31 << 32)
        frames.append(frame.replace('"checksum":0', f'"checksum":{signed}'))
    return Path("okx book verified", path.venue, frames, path.add, verified=True)


@dataclass
class Numbers:
    """What differs between two frames: `n` counts them, prices are apart by their step."""

    n: int
    rng: random.Random

    def price(self, places: int) -> str:
        """Around 65,000."""
        return f"{65_000 + self.rng.randrange(-20_000, 20_000) / 100:.{places}f}"

    def above(self, places: int) -> str:
        """Above each of those: a best bid is below the best ask."""
        return f"{65_500 + self.rng.randrange(-20_000, 20_000) / 100:.{places}f}"

    def size(self, places: int) -> str:
        """Below 10."""
        return f"{self.rng.randrange(1, 10_000) / 1000:.{places}f}"

    def one_of(self, *words: str) -> str:
        """Any."""
        return self.rng.choice(words)

    @property
    def ms(self) -> int:
        """Time goes on."""
        return 1_786_171_884_000 + 20 * self.n


def _events(name: str, symbol: str, frame: Callable[[Numbers], str]) -> Path:
    rng = random.Random(name)
    frames = [frame(Numbers(n, rng)) for n in range(_FRAMES * (1 + _WARM) // _WARM)]
    return Path(name, name.partition(" ")[0], frames, {symbol: (-8, -8)})


def _binance_quote(x: Numbers) -> str:
    return (
        f'{{"stream":"btcusdt@bookTicker","data":{{"u":{400_900_217 + x.n},"s":"BTCUSDT",'
        f'"b":"{x.price(8)}","B":"{x.size(8)}","a":"{x.above(8)}","A":"{x.size(8)}"}}}}'
    )


def _binance_trade(x: Numbers) -> str:
    return (
        f'{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{x.ms},"s":"BTCUSDT",'
        f'"t":{3_735_683_259 + x.n},"p":"{x.price(8)}","q":"{x.size(8)}","T":{x.ms - 1},'
        f'"m":{x.one_of("true", "false")},"M":true}}}}'
    )


def _usdm_quote(x: Numbers) -> str:
    return (
        f'{{"stream":"btcusdt@bookTicker","data":{{"e":"bookTicker","u":{400_900_217 + x.n},'
        f'"s":"BTCUSDT","b":"{x.price(2)}","B":"{x.size(3)}","a":"{x.above(2)}",'
        f'"A":"{x.size(3)}","T":{x.ms},"E":{x.ms + 1}}}}}'
    )


def _usdm_trade(x: Numbers) -> str:
    return (
        f'{{"stream":"btcusdt@aggTrade","data":{{"e":"aggTrade","E":{x.ms},'
        f'"a":{3_404_749_954 + x.n},"s":"BTCUSDT","p":"{x.price(2)}","q":"{x.size(3)}",'
        f'"f":{7_960_913_510 + x.n},"l":{7_960_913_510 + x.n},"T":{x.ms - 1},'
        f'"m":{x.one_of("true", "false")}}}}}'
    )


def _usdm_mark(x: Numbers) -> str:
    return (
        f'{{"stream":"btcusdt@markPrice@1s","data":{{"e":"markPriceUpdate","E":{x.ms},'
        f'"s":"BTCUSDT","p":"{x.price(8)}","i":"{x.price(8)}","P":"{x.price(8)}",'
        f'"r":"0.0003{x.n % 10_000:04d}","T":1786176000000}}}}'
    )


def _bybit_quote(x: Numbers) -> str:
    return (
        f'{{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":{x.ms},"data":{{"s":"BTCUSDT",'
        f'"b":[["{x.price(2)}","{x.size(3)}"]],"a":[["{x.above(2)}","{x.size(3)}"]],'
        f'"u":{7 + x.n},"seq":{753_843_913_870 + x.n}}},"cts":{x.ms - 2}}}'
    )


def _bybit_trade(x: Numbers) -> str:
    return (
        f'{{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":{x.ms},"data":[{{"T":{x.ms - 1},'
        f'"s":"BTCUSDT","S":"{x.one_of("Buy", "Sell")}","v":"{x.size(3)}","p":"{x.price(2)}",'
        f'"L":"{x.one_of("PlusTick", "MinusTick", "ZeroPlusTick")}",'
        f'"i":"a9188a0a-82bc-50de-be60-{x.n:012x}","BT":false,"RPI":false,'
        f'"seq":{753_843_954_913 + x.n}}}]}}'
    )


def _bybit_ticker(x: Numbers) -> str:
    return (
        f'{{"topic":"tickers.BTCUSDT","type":"delta","data":{{"symbol":"BTCUSDT",'
        f'"markPrice":"{x.price(2)}","indexPrice":"{x.price(2)}","openInterest":"5989{x.size(3)}",'
        f'"bid1Price":"{x.price(2)}","bid1Size":"{x.size(3)}"}},"cs":{753_843_907_760 + x.n},'
        f'"ts":{x.ms}}}'
    )


def _deribit(channel: str, data: str) -> str:
    return (
        '{"jsonrpc":"2.0","method":"subscription","params":'
        f'{{"channel":"{channel}","data":{data}}}}}'
    )


def _deribit_quote(x: Numbers) -> str:
    return _deribit(
        "quote.BTC-PERPETUAL",
        f'{{"timestamp":{x.ms},"instrument_name":"BTC-PERPETUAL","best_bid_price":{x.price(1)},'
        f'"best_bid_amount":{x.n % 977 + 1}0.0,"best_ask_price":{x.above(1)},'
        f'"best_ask_amount":{x.n % 991 + 1}0.0}}',
    )


def _deribit_trade(x: Numbers) -> str:
    return _deribit(
        "trades.BTC-PERPETUAL.100ms",
        f'[{{"trade_seq":{30_289_442 + x.n},"trade_id":"{48_079_269 + x.n}","timestamp":{x.ms},'
        f'"tick_direction":{x.n % 4},"price":{x.price(1)},"mark_price":{x.price(2)},'
        f'"instrument_name":"BTC-PERPETUAL","index_price":{x.price(2)},'
        f'"direction":"{x.one_of("buy", "sell")}","amount":{x.n % 977 + 1}0.0}}]',
    )


def _deribit_ticker(x: Numbers) -> str:
    return _deribit(
        "ticker.BTC-25DEC26-80000-C.100ms",
        f'{{"underlying_price":{x.price(2)},"underlying_index":"BTC-25DEC26","timestamp":{x.ms},'
        '"stats":{"volume":12.1,"price_change":-1.5,"low":0.57,"high":0.61},"state":"open",'
        f'"settlement_price":0.6,"open_interest":{x.size(1)},"mark_price":0.6{x.n % 9973:04d},'
        f'"mark_iv":{80 + x.n % 17}.27,"last_price":0.577,"interest_rate":0.0,'
        f'"instrument_name":"BTC-25DEC26-80000-C","index_price":{x.price(2)},'
        f'"greeks":{{"vega":1{x.n % 97}.81,"theta":-2{x.n % 89}.11,"rho":15.{x.n % 83:02d},'
        f'"gamma":0.0000{x.n % 79 + 1:02d},"delta":0.9{x.n % 73:02d}}},"bid_iv":0.0,'
        f'"best_bid_price":0.5{x.n % 71:02d},"best_bid_amount":{x.size(1)},"best_ask_price":0.61,'
        f'"best_ask_amount":{x.size(1)},"ask_iv":102.{x.n % 67:02d}}}',
    )


def _okx(channel: str, data: str, symbol: str = "BTC-USDT") -> str:
    return f'{{"arg":{{"channel":"{channel}","instId":"{symbol}"}},"data":[{{{data}}}]}}'


def _okx_quote(x: Numbers) -> str:
    return _okx(
        "bbo-tbt",
        f'"asks":[["{x.above(1)}","{x.size(8)}","0","2"]],'
        f'"bids":[["{x.price(1)}","{x.size(8)}","0","7"]],"ts":"{x.ms}",'
        f'"seqId":{363_996_337 + x.n}',
    )


def _okx_trade(x: Numbers) -> str:
    return _okx(
        "trades",
        f'"instId":"BTC-USDT","tradeId":"{130_639_474 + x.n}","px":"{x.price(1)}",'
        f'"sz":"{x.size(8)}","side":"{x.one_of("buy", "sell")}","ts":"{x.ms}","count":"1",'
        f'"source":"0","seqId":{363_996_337 + x.n}',
    )


def _okx_mark(x: Numbers) -> str:
    data = f'"instId":"BTC-USDT-SWAP","instType":"SWAP","markPx":"{x.price(1)}","ts":"{x.ms}"'
    return _okx("mark-price", data, "BTC-USDT-SWAP")


def _okx_greeks(x: Numbers) -> str:
    return (
        '{"arg":{"channel":"opt-summary","instFamily":"BTC-USD"},"data":[{"instType":"OPTION",'
        f'"instId":"BTC-USD-261225-80000-C","uly":"BTC-USD","delta":"0.78{x.n % 97:02d}",'
        f'"gamma":"1.2{x.n % 89:02d}","vega":"0.002{x.n % 83:02d}","theta":"-0.001{x.n % 79:02d}",'
        f'"lever":"5.1","markVol":"0.65{x.n % 73:02d}","bidVol":"0.6","askVol":"0.7",'
        f'"realVol":"","deltaBS":"0.7{x.n % 71:02d}","gammaBS":"0.0000{x.n % 67 + 1:02d}",'
        f'"thetaBS":"-12.{x.n % 61:02d}","vegaBS":"30.{x.n % 59:02d}","fwdPx":"{x.price(2)}",'
        f'"volLv":"0.61","ts":"{x.ms}"}}]}}'
    )


_EVENTS: dict[str, tuple[str, Callable[[Numbers], str]]] = {
    "binance quote": ("BTCUSDT", _binance_quote),
    "binance trade": ("BTCUSDT", _binance_trade),
    "binance-usdm quote": ("BTCUSDT", _usdm_quote),
    "binance-usdm trade": ("BTCUSDT", _usdm_trade),
    "binance-usdm mark": ("BTCUSDT", _usdm_mark),
    "bybit-linear quote": ("BTCUSDT", _bybit_quote),
    "bybit-linear trade": ("BTCUSDT", _bybit_trade),
    "bybit-linear ticker": ("BTCUSDT", _bybit_ticker),
    "deribit quote": ("BTC-PERPETUAL", _deribit_quote),
    "deribit trade": ("BTC-PERPETUAL", _deribit_trade),
    "deribit ticker": ("BTC-25DEC26-80000-C", _deribit_ticker),
    "okx quote": ("BTC-USDT", _okx_quote),
    "okx trade": ("BTC-USDT", _okx_trade),
    "okx mark": ("BTC-USDT-SWAP", _okx_mark),
    "okx greeks": ("BTC-USD-261225-80000-C", _okx_greeks),
}
