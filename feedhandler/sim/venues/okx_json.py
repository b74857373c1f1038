"""OKX's messages, byte for byte in the shapes and number formats of the real ones."""

from __future__ import annotations

from feedhandler.sim.market import black76
from feedhandler.sim.market.book import ASK, BID, Book, Change
from feedhandler.sim.market.instrument import Instrument, TextCache, decimal, plain
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade
from feedhandler.sim.venues.okx_listing import inst_type


class Texts:
    """Number text of one instrument, remembered."""

    def __init__(self, live: Live) -> None:
        self.prices: TextCache = live.instrument.prices(plain)
        self.sizes: TextCache = live.instrument.sizes(plain)


def push(arg: str, data: str, action: str = "") -> bytes:
    """A push message: the arg as subscribed, for `books` an action, the data array."""
    verb = f'"action":"{action}",' if action else ""
    return f'{{"arg":{arg},{verb}"data":[{data}]}}'.encode()


def arg(channel: str, key: str, value: str) -> str:
    """The arg object of a subscription."""
    return f'{{"channel":"{channel}","{key}":"{value}"}}'


def _orders(lots: int) -> int:
    """A plausible number of orders in a level; a function of its size, so that books agree."""
    return 1 + lots % 7 if lots else 0


def _level(texts: Texts, grid: int, lots: int) -> str:
    return f'["{texts.prices[grid]}","{texts.sizes[lots]}","0","{_orders(lots)}"]'


def _side(book: Book, texts: Texts, side: int, limit: int) -> str:
    return ",".join(_level(texts, grid, lots) for grid, lots in book.levels(side, limit))


def book_data(book: Book, texts: Texts, limit: int, tail: str) -> str:
    """One data entry with ``limit`` levels a side; ``tail`` is what follows the levels."""
    asks, bids = _side(book, texts, ASK, limit), _side(book, texts, BID, limit)
    return f'{{"asks":[{asks}],"bids":[{bids}],{tail}}}'


def chain(now: int, previous: int, sequence: int, checksum: int) -> str:
    """The closing keys of a `books` entry; the checksum is 0 on the venue of today."""
    return f'"ts":"{now}","checksum":{checksum},"seqId":{sequence},"prevSeqId":{previous}'


def book_update(update: Update, texts: Texts, checksum: int, crossed: bool = False) -> str:
    """One update. ``crossed`` adds a bid above the best ask that the venue's book never had."""
    changes = list(update.changes)
    if crossed and (ask := update.live.book.best(ASK)) is not None:
        changes.append(Change(BID, ask + 2, 0, 1))
    # Best first, as the venue orders them.
    changes.sort(key=lambda change: -change.grid if change.side == BID else change.grid)
    asks, bids = (
        ",".join(_level(texts, c.grid, c.new) for c in changes if c.side == side)
        for side in (ASK, BID)
    )
    tail = chain(update.live.clock.ms(), update.previous, update.sequence, checksum)
    return f'{{"asks":[{asks}],"bids":[{bids}],{tail}}}'


def trade(live: Live, texts: Texts, one: Trade) -> str:
    """One trade."""
    side = "buy" if one.taker_buys else "sell"
    return (
        f'{{"instId":"{live.instrument.symbol}","tradeId":"{one.number}",'
        f'"px":"{texts.prices[one.grid]}","sz":"{texts.sizes[one.lots]}","side":"{side}",'
        f'"ts":"{one.ms}","count":"1","source":"0","seqId":{one.sequence}}}'
    )


def ticker(live: Live, texts: Texts) -> str:
    """A ticker; an empty side has empty strings."""
    prices, sizes = texts.prices, texts.sizes
    best = []
    for side in (ASK, BID):
        levels = live.book.levels(side, 1)
        best.append((prices[levels[0][0]], sizes[levels[0][1]]) if levels else ("", ""))
    (ask, ask_size), (bid, bid_size) = best
    opening = prices[live.opening]
    coins = live.instrument.size(live.volume)
    return (
        f'{{"instType":"{inst_type(live.instrument)}","instId":"{live.instrument.symbol}",'
        f'"last":"{prices[live.last]}","lastSz":"{sizes[live.last_lots]}",'
        f'"askPx":"{ask}","askSz":"{ask_size}","bidPx":"{bid}","bidSz":"{bid_size}",'
        f'"open24h":"{opening}","high24h":"{prices[live.high]}","low24h":"{prices[live.low]}",'
        f'"volCcy24h":"{decimal(coins * live.instrument.price(live.last), 4)}",'
        f'"vol24h":"{sizes[live.volume]}","sodUtc0":"{opening}","sodUtc8":"{opening}",'
        f'"ts":"{live.clock.ms()}"}}'
    )


def mark_price(market: Market, instrument: Instrument) -> str:
    """The mark price."""
    digits = 10 if instrument.kind == "option" else 2
    return (
        f'{{"instId":"{instrument.symbol}","instType":"{inst_type(instrument)}",'
        f'"markPx":"{decimal(market.mark(instrument), digits)}","ts":"{market.clock.ms()}"}}'
    )


def index_ticker(now: int, name: str, price: float, opening: float) -> str:
    """An index price; the day's range is a fixed share around its opening."""
    start, high, low = (decimal(opening * part, 2) for part in (1.0, 1.03, 0.97))
    return (
        f'{{"instId":"{name}","idxPx":"{decimal(price, 2)}","high24h":"{high}",'
        f'"sodUtc0":"{start}","open24h":"{start}","low24h":"{low}",'
        f'"sodUtc8":"{start}","ts":"{now}"}}'
    )


def funding_rate(market: Market, instrument: Instrument) -> str:
    """The funding rate of a swap, for the eight-hour period that ends next."""
    rate = decimal(market.funding(instrument), 16)
    period = 8 * 3_600_000
    due = (market.clock.ms() // period + 1) * period
    return (
        f'{{"fundingRate":"{rate}","fundingTime":"{due}","instId":"{instrument.symbol}",'
        f'"instType":"SWAP","method":"current_period","nextFundingRate":"",'
        f'"nextFundingTime":"{due + period}","premium":"{rate}","settFundingRate":"{rate}",'
        f'"settState":"settled","ts":"{market.clock.ms()}"}}'
    )


def open_interest(live: Live, texts: Texts) -> str:
    """Open interest in contracts and in coins."""
    instrument = live.instrument
    value = instrument.size(live.open_interest) * float(instrument.contract_size)
    if instrument.kind == "option":
        value *= 0.01
    elif instrument.inverse:
        value /= instrument.price(live.last)
    return (
        f'{{"instId":"{instrument.symbol}","instType":"{inst_type(instrument)}",'
        f'"oi":"{texts.sizes[live.open_interest]}","oiCcy":"{decimal(value, 8)}",'
        f'"ts":"{live.clock.ms()}"}}'
    )


def option_summary(market: Market, live: Live) -> str:
    """Greeks and volatilities of one option: Black-Scholes ones in USD, plain ones in coin."""
    instrument = live.instrument
    forward, years = market.forward(instrument), market.years(instrument)
    strike, call, vol = instrument.strike, instrument.call, market.mark_vol(instrument)
    g = black76.greeks(forward, strike, vol, years, call)
    coin = market.mark(instrument)
    vols = []
    for side in (BID, ASK):
        grid = live.book.best(side)
        target = instrument.price(grid) * forward if grid is not None else 0.0
        implied = black76.implied_vol(target, forward, strike, years, call, vol)
        vols.append(decimal(implied, 10) if implied else "")
    coin_gamma = g.gamma * forward - g.delta / forward + coin / forward
    return (
        f'{{"instType":"OPTION","instId":"{instrument.symbol}","uly":"{instrument.family}",'
        f'"delta":"{decimal(g.delta - coin, 10)}","gamma":"{decimal(coin_gamma, 10)}",'
        f'"vega":"{decimal(g.vega / forward, 10)}","theta":"{decimal(g.theta / forward, 10)}",'
        f'"lever":"{decimal(1 / coin, 9) if coin > 1e-9 else 0}","markVol":"{decimal(vol, 10)}",'
        f'"bidVol":"{vols[0]}","askVol":"{vols[1]}","realVol":"",'
        f'"deltaBS":"{decimal(g.delta, 10)}","gammaBS":"{decimal(g.gamma, 10)}",'
        f'"thetaBS":"{decimal(g.theta, 10)}","vegaBS":"{decimal(g.vega, 10)}",'
        f'"fwdPx":"{decimal(forward, 8)}","volLv":"{decimal(vol, 4)}","ts":"{live.clock.ms()}"}}'
    )
