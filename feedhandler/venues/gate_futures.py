"""Gate v4: perpetuals settled in USDT.

Rules: https://www.gate.com/docs/developers/futures/ws/en/ (public trades, tickers, order book V2,
best ask and bid), and /apiv4/en/ for the list of contracts. It is spoken with as spot is
(`gate.py`). Sizes are contracts of `quanto_multiplier` of the base each; what is not whole of them
is cut off, unless a header asks for it, at the handshake and over REST. A trade's size is below 0
where the taker sells.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import By, DeclaredVenue, Listing
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, Limits
from feedhandler.shape import Frame
from feedhandler.venues.gate import book_frames, book_topic, ping, quote_frame, words
from shm import ContractType, InstrumentKind, Status

_DECIMAL_SIZES = {"X-Gate-Size-Decimal": "1"}


class GateFutures(DeclaredVenue):
    name = "gate-futures"
    rule, base = Continuity.RANGE, Base.STREAM
    proof = Proof((Sign.RANGE,), sized=True)
    ws_urls = {"public": "wss://fx-ws.gateio.ws/v4/ws/usdt"}
    ws_headers = {"public": _DECIMAL_SIZES}
    rest_url = "https://api.gateio.ws/api/v4"
    rest_headers = _DECIMAL_SIZES
    heartbeat = ping("futures")
    limits = Limits(keys_per_message=20, rest_per_second=20.0)
    promises = {
        "futures.obu": Promise("book", first_s=5.0),
        "futures.trades": promise.TRADES,
        "futures.public_liquidates": promise.LIQUIDATIONS,
        "futures.book_ticker": Promise("quote", moves=True),
        "futures.tickers": Promise("ticker", first_s=10.0),
    }
    default_instruments = ("BTC_USDT", "ETH_USDT", "SOL_USDT", "DOGE_USDT")
    statuses = {
        "prelaunch": Status.PRE_OPEN,
        "trading": Status.ACTIVE,
        "delisting": Status.CANCEL_ONLY,  # positions may be closed
        "circuit_breaker": Status.HALTED,
        "delisted": Status.EXPIRED,
    }
    topics = {
        "book": book_topic("futures"),
        "trades": ("futures.trades:$symbol", "futures.public_liquidates:$symbol"),
        "quote": "futures.book_ticker:$symbol",
        "ticker": "futures.tickers:$symbol",
    }
    words = words("futures")
    listing = Listing(
        "/futures/usdt/contracts",
        symbol="name",
        parts={"name": "(?P<base>.+)_(?P<quote>[^_]+)"},
        base="$base",
        quote="$quote",
        kind=InstrumentKind.PERPETUAL,
        contract=By("type", {"direct": ContractType.LINEAR, "inverse": ContractType.INVERSE}),
        tick="order_price_round",
        lot="order_size_min",
        contract_size="quanto_multiplier",
        status="status",
    )
    frames = (
        *book_frames("futures"),
        Frame(
            "trade",
            '{"channel":"futures.trades","event":"update","result":[{"size":"$amount","id":$id,'
            '"create_time_ms":$time_ms,"price":"$price","contract":"$symbol"}]}',
        ),
        Frame(
            "liquidation",
            '{"channel":"futures.public_liquidates","event":"update","result":[{"size":"$amount",'
            '"price":"$price","time_ms":$time_ms,"contract":"$symbol"}]}',
        ),
        quote_frame("futures"),
        Frame(
            "ticker",
            '{"channel":"futures.tickers","event":"update","time_ms":$time_ms,"result":[{'
            '"contract":"$symbol","mark_price?":"$mark","index_price?":"$index",'
            '"funding_rate?":"$funding","funding_rate_indicative?":"$predicted_funding",'
            '"total_size?":"$open_interest",'
            '"volume_24h?":"$volume"}]}',
        ),
    )
