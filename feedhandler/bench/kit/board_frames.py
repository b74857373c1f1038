"""The frames of a whole option board, in Deribit's format: books, trades and tickers."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from feedhandler.bench.kit.frames import Case, Frames

VENUE = "deribit"
CHANNELS = ("book", "trades", "ticker")
_DEPTH = 20  # levels a side
_TICK = 5  # in ten thousandths
_BEGAN_MS = 1_786_310_818_130
#: Of twenty messages so many are books and tickers; the others are trades.
_OF, _BOOKS, _TICKERS = 20, 12, 7


@dataclass(slots=True)
class _Option:
    """`mid`: between the best prices, in ten thousandths; `best`: the sizes there."""

    symbol: str
    mid: int
    change_id: int = 1000
    trades: int = 0
    best: list[str] = field(default_factory=lambda: ["1.5", "2.5"])


def board(instruments: int, messages: int, rate: int, seed: int = 7) -> Case:
    """First the full book and a ticker of each, then so many messages at a rate a second."""
    rng = random.Random(seed)
    options = [
        _Option(f"BTC-29DEC28-{10_000 + 250 * (n // 2)}-{'CP'[n % 2]}", rng.randrange(200, 4000))
        for n in range(instruments)
    ]
    frames: Frames = []
    for option in options:
        frames.append(_snapshot(option, rng))
        frames.append(_ticker(option, rng, _BEGAN_MS))
    for n in range(messages):
        option, at = rng.choice(options), _BEGAN_MS + 1000 * n // rate
        kind = rng.randrange(_OF)
        make = _change if kind < _BOOKS else _ticker if kind < _BOOKS + _TICKERS else _trade
        frames.append(make(option, rng, at))
    return Case(VENUE, f"board of {instruments:,}", frames, made=True)


def first_frames(case: Case, instruments: int) -> dict[str, bytes]:
    """By key: what the venue sends as soon as it is subscribed to."""
    found = {}
    for frame in case.frames[: 2 * instruments]:
        _, _, rest = frame.partition(b'"channel":"')
        found[rest[: rest.index(b'"')].decode()] = frame
    return found


def _notification(channel: str, data: str) -> bytes:
    return (
        f'{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"{channel}",'
        f'"data":{data}}}}}'
    ).encode()


def _price(ten_thousandths: int) -> str:
    return f"{ten_thousandths / 10_000!r}"


def _amount(rng: random.Random) -> str:
    return f"{rng.randrange(1, 2000) / 10!r}"


def _side(option: _Option, side: int, level: int) -> str:
    distance = _TICK * (level + 1)
    return _price(option.mid + (distance if side else -distance))


def _snapshot(option: _Option, rng: random.Random) -> bytes:
    sides = []
    for side in (0, 1):
        amounts = [option.best[side], *(_amount(rng) for _ in range(1, _DEPTH))]
        levels = (f'["new",{_side(option, side, n)},{amount}]' for n, amount in enumerate(amounts))
        sides.append(",".join(levels))
    return _notification(
        f"book.{option.symbol}.100ms",
        f'{{"timestamp":{_BEGAN_MS},"type":"snapshot","change_id":{option.change_id},'
        f'"instrument_name":"{option.symbol}","bids":[{sides[0]}],"asks":[{sides[1]}]}}',
    )


def _change(option: _Option, rng: random.Random, at_ms: int) -> bytes:
    sides: tuple[list[str], list[str]] = ([], [])
    for _ in range(1 + rng.randrange(3)):
        side, level = rng.randrange(2), rng.randrange(_DEPTH)
        amount = _amount(rng)
        if not level:
            option.best[side] = amount
        sides[side].append(f'["change",{_side(option, side, level)},{amount}]')
    before, option.change_id = option.change_id, option.change_id + 3
    return _notification(
        f"book.{option.symbol}.100ms",
        f'{{"timestamp":{at_ms},"type":"change","change_id":{option.change_id},'
        f'"instrument_name":"{option.symbol}","bids":[{",".join(sides[0])}],'
        f'"asks":[{",".join(sides[1])}],"prev_change_id":{before}}}',
    )


def _ticker(option: _Option, rng: random.Random, at_ms: int) -> bytes:
    bid, ask = _side(option, 0, 0), _side(option, 1, 0)
    return _notification(
        f"ticker.{option.symbol}.100ms",
        f'{{"timestamp":{at_ms},"state":"open","stats":{{"high":{ask},"low":{bid},'
        f'"price_change":{rng.randrange(100) / 10!r},"volume":{_amount(rng)},'
        f'"volume_usd":{_amount(rng)}}},"greeks":{{"delta":{rng.randrange(99999) / 100_000!r},'
        f'"gamma":0.00003,"vega":{rng.randrange(99999) / 1000!r},"theta":-21.21,"rho":4.5}},'
        f'"index_price":61234.25,"instrument_name":"{option.symbol}","last_price":{bid},'
        f'"settlement_price":{bid},"min_price":0.0001,"max_price":0.95,"open_interest":'
        f'{_amount(rng)},"mark_price":{_price(option.mid)},"interest_rate":0.0,'
        f'"estimated_delivery_price":61234.25,"best_ask_price":{ask},"best_bid_price":{bid},'
        f'"mark_iv":{rng.randrange(4000, 6000) / 100!r},"bid_iv":48.2,"ask_iv":50.9,'
        f'"underlying_price":{61_000 + rng.randrange(900)}.25,"underlying_index":"BTC-29DEC28",'
        f'"best_ask_amount":{option.best[1]},"best_bid_amount":{option.best[0]}}}',
    )


def _trade(option: _Option, rng: random.Random, at_ms: int) -> bytes:
    option.trades += 1
    price = _side(option, rng.randrange(2), 0)
    return _notification(
        f"trades.{option.symbol}.100ms",
        f'[{{"timestamp":{at_ms},"iv":49.5,"price":{price},"amount":{_amount(rng)},'
        f'"direction":"{rng.choice(("buy", "sell"))}","index_price":61234.25,'
        f'"instrument_name":"{option.symbol}","trade_seq":{option.trades},'
        f'"mark_price":{_price(option.mid)},"tick_direction":1,"contracts":1.0,'
        f'"trade_id":"{403_691_824 + option.trades}"}}]',
    )
