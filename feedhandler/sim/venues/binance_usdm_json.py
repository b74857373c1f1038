"""Events of Binance USD-M, byte for byte in the shapes and number formats of the real ones."""

from __future__ import annotations

from feedhandler.sim.market.book import ASK, BID
from feedhandler.sim.market.live import Live
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade
from feedhandler.sim.venues.binance_depth import Changed, DepthTexts
from feedhandler.sim.venues.binance_stats import Stats

_FUNDING_MS = 8 * 3_600_000


def depth(live: Live, changed: Changed, first: int) -> str:
    """A depthUpdate; ``first``: the first id in it, which is not the last one's successor."""
    now = live.clock.ms()
    return (
        f'{{"e":"depthUpdate","E":{now},"T":{now},"s":"{live.instrument.symbol}","U":{first},'
        f'"u":{changed.final},"pu":{changed.previous},"b":{changed.bids},"a":{changed.asks}}}'
    )


def partial(stats: Stats, levels: int) -> str:
    """A partial book: a depthUpdate with the best levels, whole."""
    live, texts, now = stats.live, stats.texts, stats.live.clock.ms()
    book = live.book
    last, previous = book.sequence, book.sequence_before(1)
    bids, asks = (
        ",".join(
            f'["{texts.prices[grid]}","{texts.sizes[lots]}"]'
            for grid, lots in book.levels(side, levels)
        )
        for side in (BID, ASK)
    )
    return (
        f'{{"e":"depthUpdate","E":{now},"T":{now},"s":"{live.instrument.symbol}","U":{last},'
        f'"u":{last},"pu":{previous},"b":[{bids}],"a":[{asks}]}}'
    )


def book_ticker(live: Live, texts: DepthTexts) -> str:
    """The best bid and offer."""
    bid, bid_size, ask, ask_size = texts.top(live.book)
    now = live.clock.ms()
    return (
        f'{{"e":"bookTicker","u":{live.book.sequence},"s":"{live.instrument.symbol}","b":"{bid}",'
        f'"B":"{bid_size}","a":"{ask}","A":"{ask_size}","T":{now},"E":{now}}}'
    )


def aggregate(live: Live, texts: DepthTexts, one: Trade) -> str:
    """An aggregated trade of a single fill."""
    size = texts.sizes[one.lots]
    return (
        f'{{"e":"aggTrade","E":{live.clock.ms()},"a":{one.number},"s":"{live.instrument.symbol}",'
        f'"p":"{texts.prices[one.grid]}","q":"{size}","nq":"{size}","f":{one.number},'
        f'"l":{one.number},"T":{one.ms},"m":{"false" if one.taker_buys else "true"},"st":1}}'
    )


def single(live: Live, texts: DepthTexts, one: Trade) -> str:
    """A single trade."""
    return (
        f'{{"e":"trade","E":{live.clock.ms()},"T":{one.ms},"s":"{live.instrument.symbol}","t":{one.number},'
        f'"p":"{texts.prices[one.grid]}","q":"{texts.sizes[one.lots]}","X":"MARKET",'
        f'"m":{"false" if one.taker_buys else "true"}}}'
    )


def liquidation(live: Live, texts: DepthTexts, one: Trade) -> str:
    """The order of liquidation that a trade filled; its own price is a little worse."""
    now, size, symbol = live.clock.ms(), texts.sizes[one.lots], live.instrument.symbol
    side, limit = ("BUY", one.grid + 50) if one.taker_buys else ("SELL", max(1, one.grid - 50))
    return (
        f'{{"e":"forceOrder","E":{now},"o":{{"s":"{symbol}","S":"{side}","o":"LIMIT","f":"IOC",'
        f'"q":"{size}","p":"{texts.prices[limit]}","ap":"{texts.prices[one.grid]}","X":"FILLED",'
        f'"l":"{size}","z":"{size}","T":{now},"ps":"{symbol}","st":1}}}}'
    )


def _funding(market: Market, live: Live) -> tuple[str, int]:
    """Of a perpetual for the eight hours that end next: the rate, and when it is due."""
    instrument = live.instrument
    if instrument.expiry_ms:
        return "", 0
    return f"{market.funding(instrument):.8f}", (live.clock.ms() // _FUNDING_MS + 1) * _FUNDING_MS


def premium_index(market: Market, live: Live) -> dict[str, str | int]:
    """The REST answer of premiumIndex."""
    instrument = live.instrument
    rate, due = _funding(market, live)
    mark, index = market.mark(instrument), market.index(instrument.base)
    return {
        "symbol": instrument.symbol,
        "markPrice": f"{mark:.8f}",
        "indexPrice": f"{index:.8f}",
        "estimatedSettlePrice": f"{index:.8f}",
        "lastFundingRate": rate,
        "interestRate": "0.00010000",
        "nextFundingTime": due,
        "time": live.clock.ms(),
    }


def mark_price(market: Market, live: Live) -> str:
    """Mark, index, and of a perpetual its funding."""
    instrument, now = live.instrument, live.clock.ms()
    mark, index = market.mark(instrument), market.index(instrument.base)
    rate, due = _funding(market, live)
    return (
        f'{{"e":"markPriceUpdate","E":{now},"s":"{instrument.symbol}","p":"{mark:.8f}",'
        f'"ap":"{mark:.8f}","P":"{index:.8f}","i":"{index:.8f}","r":"{rate}","T":{due},"st":1}}'
    )
