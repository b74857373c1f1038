"""BitMEX: perpetuals, futures and spot. Sizes are contracts, of spot too.

Rules: https://www.bitmex.com/app/wsAPI (subscriptions, the table protocol, heartbeats) and
https://www.bitmex.com/app/restAPI (limits, instruments). A subscription key is table and symbol,
`orderBookL2:XBTUSD`.

* Tables change by their rows' keys. The first message is a `partial`, a whole table; what comes
  before it means nothing. Levels of a book have the key `id`: an `insert` says side, price and size
  of it, an `update` the size, a `delete` neither. An id says nothing of its price.
* No number and no checksum comes with a book: a lost message is seen if it was about an id that
  comes again, and else never.
* Each key of a request is answered by itself. A refusal says the request back; the keys before the
  one that is wrong are subscribed to.
* `instrument` has only the fields that have changed, `fundingRate` is for the interval that runs,
  `indicativeFundingRate` for the next one,
  `indicativeSettlePrice` is the index. Its `state` is not read: the list is asked for now and then.
* A trade is named by a UUID.
* `liquidation` tells orders that the liquidation engine has placed, with no time; trades do not say
  whether they are such.
* A contract is worth one unit of the quote currency if it is inverse, and the part of the base that
  `underlyingToPositionMultiplier` names if it is linear. What a quanto contract is worth is so much
  of the settlement currency for each unit of the price.
"""

from dataclasses import replace
from decimal import Decimal

from feedhandler.adapter import names, promise
from feedhandler.adapter.declared import Answer, By, DeclaredVenue, Listing, Time, Topic, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof
from feedhandler.adapter.row import Row
from feedhandler.adapter.venue import (
    Base,
    Continuity,
    ControlKind,
    Heartbeat,
    Limits,
    ListedInstrument,
    Speaker,
)
from feedhandler.shape import Frame
from shm import ContractType, InstrumentKind, Status

_LEVEL = '"id":$id,"side":"$side","size?":$size,"price?":$price,"timestamp?":"$time_iso"'


def _change(action: str) -> Frame:
    return Frame(
        "book",
        f'{{"table":"orderBookL2","action":"{action}","data":$levels}}',
        level=f'{{"symbol":"$symbol",{_LEVEL}}}',
        sides=("Buy", "Sell"),
        removes=action == "delete",
    )


_FRAMES = (
    Frame(  # which may be empty
        "snapshot",
        '{"table":"orderBookL2","action":"partial","filter":{"symbol":"$symbol"},"data":$levels}',
        level=f"{{{_LEVEL}}}",
        sides=("Buy", "Sell"),
    ),
    *map(_change, ("insert", "update", "delete")),
    Frame(
        "trade",
        '{"table":"trade","action":"insert","data":[{"timestamp":"$time_iso","symbol":"$symbol",'
        '"side":"$taker","size":$size,"price":$price,"trdMatchID":"$id_name"}]}',
        taker=("Buy", "Sell"),
    ),
    Frame("none", '{"table":"trade","action":"partial"}'),  # of before the subscription
    Frame(
        "liquidation",
        '{"table":"liquidation","action":"insert","data":[{"symbol":"$symbol","side":"$taker",'
        '"price":$price,"leavesQty":$size}]}',
        taker=("Buy", "Sell"),
    ),
    *(
        Frame("none", f'{{"table":"liquidation","action":"{action}"}}')
        for action in ("partial", "update", "delete")
    ),
    Frame(
        "quote",
        '{"table":"quote","data":[{"timestamp":"$time_iso","symbol":"$symbol","bidSize?":$bid_size,'
        '"bidPrice?":$bid,"askPrice?":$ask,"askSize?":$ask_size}]}',
    ),
    Frame(
        "ticker",
        '{"table":"instrument","data":[{"symbol":"$symbol","markPrice?":$mark,'
        '"indicativeSettlePrice?":$index,"fundingRate?":$funding,'
        '"fundingTimestamp?":"$next_funding_iso","indicativeFundingRate?":$predicted_funding,'
        '"openInterest?":$open_interest,'
        '"volume24h?":$volume,"state?":"$status","timestamp":"$time_iso"}]}',
    ),
)

_CONTRACTS = (InstrumentKind.PERPETUAL, InstrumentKind.FUTURE)
_PARTS = {"XBt": 10**8, "USDt": 10**6, "Gwei": 10**9}  # of which a settlement currency is counted


class Bitmex(DeclaredVenue):
    name = "bitmex"
    frames = _FRAMES
    rule = Continuity.NONE
    base = Base.STREAM
    proof = Proof(note="levels have ids: a change of one that is not known ends the book")
    names_trades = True
    answers_each = True
    ws_urls = {"public": "wss://ws.bitmex.com/realtime"}
    hosts = ("www.bitmex.com",)
    rest_url = "https://www.bitmex.com/api/v1"
    heartbeat = Heartbeat(Speaker.CLIENT_TEXT, 5.0, 10.0, ping="ping", pong="pong")
    limits = Limits(
        keys_per_message=20,
        connects_per_window=(40, 3600.0),  # the greeting says how many are left
        rest_per_second=0.5,  # of 30 in a minute,
        rest_burst=10.0,  # of 10 in a second
        bans={429: 60.0, 403: 600.0},
    )
    promises = {
        "orderBookL2": Promise("book", moves=True),
        "trade": promise.TRADES,
        "liquidation": promise.LIQUIDATIONS,
        "quote": Promise("quote", moves=True),
        "instrument": Promise("ticker", first_s=5.0),
    }
    topics = {
        "book": "orderBookL2:$symbol",
        "trades": ("trade:$symbol", Topic("liquidation:$symbol", kinds=_CONTRACTS)),
        "quote": "quote:$symbol",
        "ticker": "instrument:$symbol",
    }
    words = Words(
        subscribe='{"op":"subscribe","args":$keys}',
        unsubscribe='{"op":"unsubscribe","args":$keys}',
        answers=(
            Answer(ControlKind.NOTHING, '{"info":"$_","version":"$_"}'),
            Answer(ControlKind.PONG, '"pong"'),
            Answer(ControlKind.ACK, '{"success":true,"subscribe":"$key"}'),
            Answer(ControlKind.UNSUBSCRIBED, '{"success":true,"unsubscribe":"$key"}'),
            Answer(
                ControlKind.REJECTED,
                '{"status":$code,"error":"$text","request":{"op":"subscribe","args":$keys}}',
            ),
            Answer(ControlKind.ERROR, '{"status":$code,"error":"$text"}'),
        ),
        passing=("429", "503"),
    )
    statuses = {
        "Open": Status.ACTIVE,
        "Closed": Status.HALTED,
        "Unlisted": Status.PRE_OPEN,
        "Settled": Status.EXPIRED,
        "Delisted": Status.EXPIRED,
        "Expired": Status.EXPIRED,
        "Cleared": Status.EXPIRED,
    }
    listing = Listing(
        "/instrument/active",
        symbol="symbol",
        kind=By(
            "typ",
            {
                "FFWCSX": InstrumentKind.PERPETUAL,
                "FFWCSF": InstrumentKind.PERPETUAL,  # of currencies
                "FFSCSX": InstrumentKind.PERPETUAL,  # of shares
                "FFCCSX": InstrumentKind.FUTURE,
                "IFXXXP": InstrumentKind.SPOT,
            },
        ),
        base="underlying",
        quote="quoteCurrency",
        settle="settlCurrency",
        currencies={  # the part that settlement is counted in, and then the usual name
            "XBt": "BTC",
            "XBT": "BTC",
            "Gwei": "ETH",
            "ETH": "ETH",
            "USDt": "USDT",
            "USDT": "USDT",
        },
        contract=By("isInverse", {"true": ContractType.INVERSE, "false": ContractType.LINEAR}),
        expiry=Time("expiry", "iso"),
        tick="tickSize",
        lot="lotSize",
        status="state",
    )
    default_instruments = ("XBTUSD", "ETHUSD", "XBTUSDT", "ETHUSDT", "SOLUSDT")

    def instrument(self, row: Row, its: Listing) -> ListedInstrument | None:
        found = super().instrument(row, its)
        if found is None:
            return None
        kind = found.contract_type
        if row.fields.get("isQuanto") is True:
            kind = ContractType.QUANTO
        return replace(found, contract_type=kind, contract_size=_size(row, kind))


def _size(row: Row, kind: ContractType) -> Decimal:
    """What a contract is worth: quote, base, or settlement currency for each unit of the price."""
    if kind is ContractType.INVERSE:
        parts = _number(row, "underlyingToSettleMultiplier")
        return abs(_number(row, "multiplier") / parts) if parts else Decimal(1)
    if kind is not ContractType.QUANTO:
        contracts = _number(row, "underlyingToPositionMultiplier")
        return 1 / contracts if contracts else Decimal(1)
    currency = row.fields.get("settlCurrency")
    if currency not in _PARTS:
        raise ValueError(f"settlCurrency: {currency!r}: nothing is known of its parts")
    return _number(row, "multiplier") / _PARTS[currency]


def _number(row: Row, field: str) -> Decimal:
    try:
        return names.decimal(row.fields.get(field))
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
