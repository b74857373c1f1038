"""HTX contracts: perpetuals and dated ones, settled in USDT, and perpetuals settled in their coin.

Rules: https://huobiapi.github.io/docs/usdt_swap/v1/en/ and /docs/coin_margined_swap/v1/en/
(websocket: market depth incremental, trade detail, best bid and offer, mark price, index kline;
funding rate and liquidation orders; swap contract info). It is spoken with as spot is (`htx.py`).

* A subscription begins with a snapshot of the best 20 or 150 levels; each change has the next
  `version`, also one that changes nothing. Another connection may count otherwise.
* The two families have addresses of their own; marks and indices of both are the closes of minutes
  at a third one. Funding and liquidations come at a fourth and a fifth, in other words.
* Sizes are contracts, of coins, or of USD where the contract is inverse.
* `id` of a trade is unique; it counts no trades.
"""

from dataclasses import replace
from decimal import Decimal

from feedhandler.adapter import promise
from feedhandler.adapter.declared import Answer, By, DeclaredVenue, Listing, Time, Topic, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Limits
from feedhandler.shape import Frame
from feedhandler.venues.htx import HEARTBEAT, PAIR, PASSING, REFUSED, TAKEN
from shm import ContractType, InstrumentKind, Status


def _depth(kind: str, event: str) -> Frame:
    return Frame(
        kind,
        '{"ch":"market.$symbol.depth.size_$window.high_freq","ts":$sent_ms,"tick":{'
        f'"event":"{event}","version":$final,"bids":$bids,"asks":$asks,"ts":$time_ms}}}}',
        level=PAIR,
    )


_FRAMES = (
    _depth("snapshot", "snapshot"),
    _depth("book", "update"),
    Frame(
        "trade",
        '{"ch":"market.$symbol.trade.detail","ts":$sent_ms,"tick":{"data":[{"ts":$time_ms,'
        '"id":$id,"amount":$size,"price":$price,"direction":"$taker"}]}}',
    ),
    Frame(
        "quote",
        '{"ch":"market.$symbol.bbo","ts":$sent_ms,"tick":{"bid":[$bid,$bid_size],'
        '"ask":[$ask,$ask_size],"ts":$time_ms}}',
    ),
    Frame(
        "mark",
        '{"ch":"market.$symbol.mark_price.1min","ts":$time_ms,"tick":{"close":"$mark"}}',
    ),
    Frame(  # which counts both sides of a trade
        "volume",
        '{"ch":"market.$symbol.detail","ts":$time_ms,"tick":{"data":$never,"vol":$volume_both}}',
    ),
    Frame("ticker", '{"ch":"market.$symbol.index.1min","ts":$time_ms,"tick":{"close":"$index"}}'),
    Frame(
        "funding",
        '{"ch":$never,"op":"notify","topic":"public.$symbol.funding_rate","ts":$time_ms,'
        '"data":[{"funding_rate":"$funding","estimated_rate?":"$predicted_funding",'
        '"settlement_time?":"$next_funding_ms"}]}',
    ),
    Frame(
        "liquidation",
        '{"ch":$never,"op":"notify","topic":"public.$symbol.liquidation_orders","ts":$sent_ms,'
        '"data":[{"direction":"$taker","volume":$size,"price":$price,"created_at":$time_ms}]}',
    ),
)


def _minutes(channel: str) -> Topic:
    return Topic(
        f"market.$symbol.{channel}.1min",
        word=channel,
        endpoint="index",
        kinds=(InstrumentKind.PERPETUAL,),
    )


def _notified(channel: str) -> Topic:
    return Topic(
        f"public.$symbol.{channel}",
        word=channel,
        endpoint="notify",
        kinds=(InstrumentKind.PERPETUAL,),
        subscribe='{"op":"sub","cid":"$id","topic":"$key"}',
        unsubscribe='{"op":"unsub","cid":"$id","topic":"$key"}',
    )


_LINEAR = Listing(
    "/linear-swap-api/v1/swap_contract_info",
    params={"business_type": "all"},
    having="data.*.business_type",
    rows="data",
    fine={"status": "ok"},
    text="err_msg",
    symbol="contract_code",
    kind=By("business_type", {"swap": InstrumentKind.PERPETUAL, "futures": InstrumentKind.FUTURE}),
    base="symbol",
    quote=By("trade_partition", {each: each for each in ("USDT", "USDC", "HUSD")}),
    tick="price_tick",
    lot=Decimal(1),
    contract=ContractType.LINEAR,
    contract_size="contract_size",
    expiry=Time("delivery_time"),
    status="contract_status",
)
_INVERSE = replace(
    _LINEAR,
    path="/swap-api/v1/swap_contract_info",
    params={},
    having="",
    kind=InstrumentKind.PERPETUAL,
    parts={"contract_code": ".+-(?P<quote>USD)"},
    quote="$quote",
    contract=ContractType.INVERSE,
)


class HtxSwap(DeclaredVenue):
    name = "htx-swap"
    frames = _FRAMES
    rule, base = Continuity.NEXT, Base.STREAM
    keeps_window = True  # measured, not documented: see docs/venues.md
    names_trades = True
    answers_each = True
    encoding = "gzip"
    proof = Proof((Sign.COUNTER,), sized=True)
    ws_urls = {
        "public": "wss://api.hbdm.com/linear-swap-ws",
        "public-inverse": "wss://api.hbdm.com/swap-ws",
        "index": "wss://api.hbdm.com/ws_index",
        "notify": "wss://api.hbdm.com/linear-swap-notification",
        "notify-inverse": "wss://api.hbdm.com/swap-notification",
    }
    ws_alternatives = {name: (url.replace("hbdm.com", "hbdm.vn"),) for name, url in ws_urls.items()}
    hosts = ("api.hbdm.vn", "api.btcgateway.pro")
    rest_url = "https://api.hbdm.com"
    heartbeat = HEARTBEAT
    limits = Limits(
        keys_per_connection=150,  # nothing is said; so many were measured
        messages_per_second=20.0,  # of 40 that subscribe
        connects_per_second=2.0,  # nothing is said
        rest_per_second=20.0,  # of 80
    )
    promises = {
        "depth": Promise("book", first_s=10.0),
        "trade.detail": promise.TRADES,
        "liquidation_orders": promise.LIQUIDATIONS,
        "bbo": Promise("quote", moves=True),
        "mark_price": Promise("mark", first_s=15.0),
        "index": Promise("ticker", first_s=15.0),
        "funding_rate": Promise("funding", first_s=60.0),
        "detail": Promise("volume", rhythm=False),
    }
    topics = {
        "book": Topic(
            "market.$symbol.depth.size_$depth.high_freq",
            word="depth",
            depths=(20, 150),
            subscribe='{"sub":"$key","data_type":"incremental","id":"$id"}',
        ),
        "trades": (
            Topic("market.$symbol.trade.detail", word="trade.detail"),
            _notified("liquidation_orders"),
        ),
        "quote": Topic("market.$symbol.bbo", word="bbo"),
        "ticker": (
            *(_minutes("mark_price"), _minutes("index"), _notified("funding_rate")),
            Topic("market.$symbol.detail", word="detail"),
        ),
    }
    words = Words(
        subscribe='{"sub":"$key","id":"$id"}',
        unsubscribe='{"unsub":"$key","id":"$id"}',
        answers=(
            Answer(ControlKind.ASKED, '{"op":"ping","ts":"$n"}', reply='{"op":"pong","ts":"$n"}'),
            Answer(ControlKind.ACK, '{"op":"sub","cid":"$id","topic":"$key","err-code":0}'),
            Answer(
                ControlKind.UNSUBSCRIBED, '{"op":"unsub","cid":"$id","topic":"$key","err-code":0}'
            ),
            Answer(
                ControlKind.REJECTED,
                '{"op":"sub","cid":"$id","topic":"$key","err-code":$code,"err-msg?":"$text"}',
            ),
            Answer(ControlKind.NOTICE, '{"op":"close"}', text="the venue ends the session"),
            Answer(ControlKind.ERROR, '{"op":"error","err-code":$code,"err-msg?":"$text"}'),
            *TAKEN,
            *REFUSED,
        ),
        passing=PASSING,
    )
    statuses = {
        "0": Status.EXPIRED,
        "1": Status.ACTIVE,
        "2": Status.PRE_OPEN,
        "3": Status.HALTED,
        "4": Status.HALTED,
        "5": Status.HALTED,  # in settlement
        "6": Status.HALTED,  # in delivery
        "7": Status.HALTED,
        "8": Status.EXPIRED,
        "9": Status.HALTED,
    }
    listing = (_LINEAR, _INVERSE)
    default_instruments = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "BTC-USD")

    def endpoint(self, key: str) -> str:
        """Contracts settled in their coin have addresses of their own, but for the minutes."""
        its = super().endpoint(key)
        inverse = self.key_symbols(key)[1].endswith("-USD") and its != "index"
        return f"{its}-inverse" if inverse else its
