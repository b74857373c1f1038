"""What Tardis calls the venues, so that whoever reads its files reads ours.

https://docs.tardis.dev/historical-data-details: exchange ids. A venue that Tardis does not have
keeps our name.
"""

from __future__ import annotations

from collections.abc import Mapping

from feedhandler import venues
from feedhandler.shape.frame import STATS
from shm import InstrumentKind, Kind

_IDS: Mapping[str, str | Mapping[InstrumentKind, str]] = {
    "okx": {
        InstrumentKind.SPOT: "okex",
        InstrumentKind.PERPETUAL: "okex-swap",
        InstrumentKind.FUTURE: "okex-futures",
        InstrumentKind.OPTION: "okex-options",
        InstrumentKind.COMBO: "okex-spreads",
    },
    "binance-usdm": "binance-futures",
    "binance-coinm": "binance-delivery",
    "binance-options": "binance-european-options",
    "bybit-linear": "bybit",
    "bybit-inverse": "bybit",
    "bybit-option": "bybit-options",
    "coinbase-exchange": "coinbase",
    "gate": "gate-io",
    "gate-futures": "gate-io-futures",
    "kraken-futures": "cryptofacilities",
    "htx": "huobi",
    "htx-swap": "huobi-dm-linear-swap",
    "bitfinex": {InstrumentKind.PERPETUAL: "bitfinex-derivatives"},
    "bitget-spot": "bitget",
    "cryptocom": "crypto-com",
    "dydx": "dydx-v4",
}

_OKX_PARTS = {3: InstrumentKind.FUTURE, 5: InstrumentKind.OPTION}  #: BTC-USD-261225-80000-C

#: Venues whose trades say which of them are liquidations. The others announce the order, and the
#: trades that it makes come as well.
_LIQUIDATIONS_ARE_TRADES = ("deribit", "coinbase-derivatives", "dydx", "kraken-futures")


#: Records that have the time there at which the venue sent them, where that is another one than
#: that of its matching engine. All others have the engine's.
#: https://github.com/tardis-dev/tardis-node/tree/master/src/mappers: `timestamp` of binance.ts,
#: binanceeuropeanoptions.ts, bybit.ts, cryptocom.ts, huobi.ts.
_BOOKS = frozenset({Kind.LEVEL, Kind.CLEAR})
_SENT: Mapping[str, frozenset[Kind]] = {
    "binance-usdm": _BOOKS,
    "binance-coinm": _BOOKS,
    "binance-options": _BOOKS,
    "bybit-linear": _BOOKS | {Kind.QUOTE},
    "bybit-spot": _BOOKS | {Kind.QUOTE},
    "bybit-inverse": _BOOKS | {Kind.QUOTE},
    "bybit-option": _BOOKS | {Kind.QUOTE},
    "cryptocom": _BOOKS,
    "htx-swap": _BOOKS,
}
_SNAPSHOTS_OF_THE_ENGINE = ("binance-usdm", "binance-coinm")  #: those of REST


def sent_kinds(venue: str) -> tuple[frozenset[Kind], bool]:
    """(records to which Tardis gives the time at which the venue sent them, whether to those of
    snapshots, too)."""
    return _SENT.get(venue, frozenset()), venue not in _SNAPSHOTS_OF_THE_ENGINE


def exchange_id(venue: str, kind: InstrumentKind, symbol: str = "") -> str:
    """The exchange of an instrument, as Tardis names it. The kind is unknown where a capture has no
    list of instruments: then the parts of an OKX `symbol` tell."""
    found = _IDS.get(venue, venue)
    if isinstance(found, str):
        return found
    if kind is InstrumentKind.UNKNOWN and venue == "okx":
        parts = symbol.split("-")
        kind = _OKX_PARTS.get(len(parts), InstrumentKind.SPOT)
        if parts[-1] == "SWAP":
            kind = InstrumentKind.PERPETUAL
    return found.get(kind, venue)


def liquidations_are_trades(venue: str) -> bool:
    """Whether a liquidation of the venue's is one of its trades."""
    return venue in _LIQUIDATIONS_ARE_TRADES


def in_percent(venue: str) -> frozenset[int]:
    """Which statistics the venue writes in percent: records have them as it does, Tardis has
    volatilities in percent, and nothing else."""
    try:
        frames = getattr(venues.load(venue), "frames", ())
    except KeyError:  # a recording of a venue that is not ours
        return frozenset()
    return frozenset(
        number
        for name, number in STATS.items()
        if any(f"${name}_percent" in frame.sample for frame in frames)
    )
