"""Deribit's messages, byte for byte in the shapes and number formats of the real ones."""

from __future__ import annotations

from feedhandler.sim.market import black76
from feedhandler.sim.market.book import ASK, BID, Book
from feedhandler.sim.market.instrument import Instrument, TextCache, float_style
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade

_FIRST_TRADE = 403_691_824
_ACTIONS = ("delete", "new", "change")


def number(value: float, decimals: int) -> str:
    """A float as Deribit prints it: ``0.5``, ``12.0``, and ``2.8e-4`` where that is shorter."""
    rounded = round(value, decimals)
    if rounded == 0:
        return "0.0"
    text = f"{rounded:.{decimals}f}".rstrip("0")
    text = text + "0" if text.endswith(".") else text
    if abs(rounded) < 1e-3:
        mantissa, exponent = f"{rounded:e}".split("e")
        mantissa = mantissa.rstrip("0")
        short = f"{mantissa}{'0' if mantissa.endswith('.') else ''}e{int(exponent)}"
        return short if len(short) < len(text) else text
    return text


class Texts:
    """Number text of one instrument, remembered."""

    def __init__(self, live: Live) -> None:
        self.prices: TextCache = live.instrument.prices(float_style)
        self.sizes: TextCache = live.instrument.sizes(float_style)


def notification(channel: str, data: str) -> bytes:
    """A subscription message around its data."""
    return (
        f'{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"{channel}",'
        f'"data":{data}}}}}'
    ).encode()


def book_snapshot(live: Live, book: Book, texts: Texts) -> str:
    """The full book; no prev_change_id, as on the real venue."""
    prices, sizes = texts.prices, texts.sizes
    bids, asks = (
        ",".join(f'["new",{prices[g]},{sizes[n]}]' for g, n in book.levels(side))
        for side in (BID, ASK)
    )
    return (
        f'{{"timestamp":{live.clock.ms()},"type":"snapshot",'
        f'"change_id":{book.sequence},"instrument_name":"{live.instrument.symbol}",'
        f'"bids":[{bids}],"asks":[{asks}]}}'
    )


def book_change(update: Update, texts: Texts, crossed: bool = False) -> str:
    """One update. ``crossed`` adds a bid above the best ask that the venue's book never had."""
    prices, sizes = texts.prices, texts.sizes
    sides: tuple[list[str], list[str]] = ([], [])
    for side, grid, old, new in update.changes:
        action = _ACTIONS[0] if not new else _ACTIONS[1] if not old else _ACTIONS[2]
        sides[side].append(f'["{action}",{prices[grid]},{sizes[new]}]')
    if crossed and (ask := update.live.book.best(ASK)) is not None:
        sides[BID].append(f'["new",{prices[ask + 2]},{sizes[1]}]')
    return (
        f'{{"timestamp":{update.live.clock.ms()},"type":"change",'
        f'"change_id":{update.sequence},"instrument_name":"{update.live.instrument.symbol}",'
        f'"bids":[{",".join(sides[0])}],"asks":[{",".join(sides[1])}],'
        f'"prev_change_id":{update.previous}}}'
    )


def _best(live: Live, texts: Texts, side: int) -> tuple[str, str]:
    levels = live.book.levels(side, 1)
    if not levels:
        return "0.0", "0.0"
    grid, lots = levels[0]
    return texts.prices[grid], texts.sizes[lots]


def quote(live: Live, texts: Texts) -> str:
    """Best bid and ask."""
    bid, bid_size = _best(live, texts, BID)
    ask, ask_size = _best(live, texts, ASK)
    return (
        f'{{"timestamp":{live.clock.ms()},'
        f'"instrument_name":"{live.instrument.symbol}","best_ask_price":{ask},'
        f'"best_bid_price":{bid},"best_ask_amount":{ask_size},"best_bid_amount":{bid_size}}}'
    )


def _mark_text(market: Market, live: Live) -> str:
    option = live.instrument.kind == "option"
    return number(market.mark(live.instrument), 6 if option else 2)


def price_index(market: Market, base: str, name: str) -> str:
    """What a price index' channel says."""
    return (
        f'{{"timestamp":{market.clock.ms()},"price":{number(market.index(base), 2)},'
        f'"index_name":"{name}"}}'
    )


def trade_id(print_: Trade) -> str:
    """The number that the venue gives a trade."""
    return str(_FIRST_TRADE + print_.serial)


def trade(market: Market, live: Live, texts: Texts, print_: Trade) -> str:
    """One trade of a trades channel."""
    instrument = live.instrument
    amount = texts.sizes[print_.lots]
    iv = ""
    if instrument.kind == "option":
        iv = f'"iv":{number(market.mark_vol(instrument) * 100, 2)},'
        contracts = amount
    else:
        size = instrument.size(print_.lots)
        contracts = number(size / float(instrument.contract_size), 1)
    return (
        f'{{"timestamp":{print_.ms},{iv}"price":{texts.prices[print_.grid]},'
        f'"amount":{amount},"direction":"{"buy" if print_.taker_buys else "sell"}",'
        f'"index_price":{number(market.index(instrument.base), 2)},'
        f'"instrument_name":"{instrument.symbol}","trade_seq":{print_.number},'
        f'"mark_price":{_mark_text(market, live)},"tick_direction":{print_.direction},'
        f'"contracts":{contracts},"trade_id":"{trade_id(print_)}"}}'
    )


def state_change(market: Market, instrument: Instrument, state: str) -> str:
    """A change in the life of an instrument."""
    return (
        f'{{"timestamp":{market.clock.ms()},"state":"{state}",'
        f'"instrument_name":"{instrument.symbol}"}}'
    )


def ticker(market: Market, live: Live, texts: Texts, state: str = "open") -> str:
    """A ticker: with volatilities and greeks for options, funding for perpetuals."""
    instrument, prices = live.instrument, texts.prices
    bid, bid_size = _best(live, texts, BID)
    ask, ask_size = _best(live, texts, ASK)
    index = number(market.index(instrument.base), 2)
    mark = market.mark(instrument)
    head = f'{{"timestamp":{live.clock.ms()},"state":"{state}",{_stats(live, texts)},'
    if instrument.kind == "option":
        return head + (
            f'{_greeks(market, live)},"index_price":{index},'
            f'"instrument_name":"{instrument.symbol}","last_price":{prices[live.last]},'
            f'"settlement_price":{number(instrument.price(live.opening), 8)},'
            f'"min_price":0.0001,"max_price":{number(mark + 0.05, 4)},'
            f'"open_interest":{texts.sizes[live.open_interest]},"mark_price":{number(mark, 6)},'
            f'"interest_rate":0.0,"estimated_delivery_price":{index},"best_ask_price":{ask},'
            f'"best_bid_price":{bid},{_vols(market, live)},'
            f'"underlying_price":{number(market.forward(instrument), 2)},'
            f'"underlying_index":"{instrument.symbol.rsplit("-", 2)[0]}",'
            f'"best_ask_amount":{ask_size},"best_bid_amount":{bid_size}}}'
        )
    funding = interest = ""
    if instrument.kind == "perpetual":
        premium = mark / market.index(instrument.base) - 1.0
        interest = f'"interest_value":{number(premium * 10, 16)},'
        funding = (
            f',"current_funding":{number(max(0.0, premium - 0.0005), 8)},'
            f'"funding_8h":{number(market.funding(instrument), 8)}'
        )
    return head + (
        f'"index_price":{index},"instrument_name":"{instrument.symbol}",'
        f'"last_price":{prices[live.last]},"settlement_price":{prices[live.opening]},'
        f'"min_price":{number(mark * 0.985, 1)},"max_price":{number(mark * 1.015, 1)},'
        f'"open_interest":{texts.sizes[live.open_interest]},"mark_price":{number(mark, 2)},'
        f'{interest}"best_ask_price":{ask},"best_bid_price":{bid},'
        f'"estimated_delivery_price":{index},"best_ask_amount":{ask_size},'
        f'"best_bid_amount":{bid_size}{funding}}}'
    )


def _stats(live: Live, texts: Texts) -> str:
    instrument = live.instrument
    change = (live.last / live.opening - 1.0) * 100.0
    volume = instrument.size(live.volume)
    if instrument.kind == "option":
        usd = f'"volume":{number(volume, 2)},"volume_usd":{number(volume * 1e3, 2)}'
    else:
        coins = volume / instrument.price(live.last)
        usd = (
            f'"volume":{number(coins, 8)},"volume_usd":{number(volume, 1)},'
            f'"volume_notional":{number(volume, 1)}'
        )
    return (
        f'"stats":{{"high":{texts.prices[live.high]},"low":{texts.prices[live.low]},'
        f'"price_change":{number(change, 4)},{usd}}}'
    )


def _greeks(market: Market, live: Live) -> str:
    instrument = live.instrument
    forward, years = market.forward(instrument), market.years(instrument)
    g = black76.greeks(
        forward, instrument.strike, market.mark_vol(instrument), years, instrument.call
    )
    return (
        f'"greeks":{{"delta":{number(g.delta, 5)},"gamma":{number(g.gamma, 5)},'
        f'"vega":{number(g.vega, 5)},"theta":{number(g.theta, 5)},"rho":{number(g.rho, 5)}}}'
    )


def _vols(market: Market, live: Live) -> str:
    instrument = live.instrument
    forward, years = market.forward(instrument), market.years(instrument)
    mark = market.mark_vol(instrument)
    texts = []
    for side in (BID, ASK):
        grid = live.book.best(side)
        vol = 0.0
        if grid is not None:
            target = instrument.price(grid) * forward
            vol = black76.implied_vol(
                target, forward, instrument.strike, years, instrument.call, mark
            )
        texts.append(number(vol * 100, 2))
    return f'"mark_iv":{number(mark * 100, 2)},"bid_iv":{texts[0]},"ask_iv":{texts[1]}'
