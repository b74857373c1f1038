"""Frames of ten venues as data, for tests of what is made of them: see their documentation."""

from __future__ import annotations

from feedhandler.shape import Frame

PAIR = '["$price","$size"]'

BITSTAMP = (
    Frame(
        "book",
        '{"event":"data","channel":"diff_order_book_$symbol","data":{"microtimestamp":"$time_us",'
        '"bids":$bids,"asks":$asks}}',
        level=PAIR,
    ),
    Frame(
        "trade",
        '{"event":"trade","channel":"live_trades_$symbol","data":{"id":$id,"price_str":"$price",'
        '"amount_str":"$size","type":$taker,"microtimestamp":"$time_us"}}',
        taker=("0", "1"),
    ),
    Frame("answer", '{"microtimestamp":"$time_us","bids":$bids,"asks":$asks}', level=PAIR),
)

HYPERLIQUID = (
    Frame(
        "full",
        '{"channel":"l2Book","data":{"coin":"$symbol","time":$time_ms,"levels":[$bids,$asks]}}',
        level='{"px":"$price","sz":"$size"}',
    ),
    Frame(
        "trade",
        '{"channel":"trades","data":[{"coin":"$symbol","side":"$taker","px":"$price",'
        '"sz":"$size","time":$time_ms,"tid":$id}]}',
        taker=("B", "A"),
    ),
    Frame(
        "quote",
        '{"channel":"bbo","data":{"coin":"$symbol","time":$time_ms,'
        '"bbo":[{"px":"$bid","sz":"$bid_size"},{"px":"$ask","sz":"$ask_size"}]}}',
    ),
    Frame(
        "ticker",
        '{"channel":"activeAssetCtx","data":{"coin":"$symbol","ctx":{"funding?":"$funding",'
        '"openInterest?":"$open_interest","oraclePx?":"$index","markPx?":"$mark"}}}',
    ),
)

_BY_ID = '{"symbol":"$symbol","id":$id,"side":"$side","size?":$size,"price?":$price}'


def _table(action: str) -> Frame:
    return Frame(
        "snapshot" if action == "partial" else "book",
        f'{{"table":"orderBookL2","action":"{action}","data":$levels}}',
        level=_BY_ID,
        sides=("Buy", "Sell"),
        removes=action == "delete",
    )


BITMEX = (
    *(_table(action) for action in ("partial", "insert", "update", "delete")),
    Frame(
        "trade",
        '{"table":"trade","action":"insert","data":[{"timestamp":"$time_iso","symbol":"$symbol",'
        '"side":"$taker","size":$size,"price":$price}]}',
        taker=("Buy", "Sell"),
    ),
    Frame("none", '{"table":"trade","action":"partial"}'),
    Frame(
        "quote",
        '{"table":"quote","data":[{"timestamp":"$time_iso","symbol":"$symbol","bidPrice?":$bid,'
        '"bidSize?":$bid_size,"askPrice?":$ask,"askSize?":$ask_size}]}',
    ),
)

BITFINEX = (
    Frame("number", '["...",$conn]'),
    Frame("none", '[$channel,"hb","..."]'),
    Frame("none", '[$channel,"tu","..."]'),
    Frame("none", '[$channel,[[$_,"..."]],"..."]', channel="trades"),
    Frame("checksum", '[$channel,"cs",$checksum,"..."]', channel="book"),
    Frame("trade", '[$channel,"te",[$id,$time_ms,$amount,$price,"..."],"..."]', channel="trades"),
    Frame("snapshot", '[$channel,$levels,"..."]', level="[$price,$count,$amount]", channel="book"),
    Frame("book", '[$channel,[$price,$count,$amount,"..."],"..."]', channel="book"),
)

KRAKEN = (
    *(
        Frame(
            kind,
            f'{{"channel":"book","type":"{word}","data":[{{"symbol":"$symbol","bids":$bids,'
            '"asks":$asks,"checksum":$checksum,"timestamp?":"$time_iso"}]}',
            level='{"price":$price,"qty":$size}',
        )
        for kind, word in (("snapshot", "snapshot"), ("book", "update"))
    ),
    Frame(
        "trade",
        '{"channel":"trade","type":"update","data":[{"symbol":"$symbol","side":"$taker",'
        '"price":$price,"qty":$size,"trade_id":$id,"timestamp":"$time_iso"}]}',
    ),
    Frame("none", '{"channel":"trade","type":"snapshot"}'),
    Frame(
        "quote",
        '{"channel":"ticker","data":[{"symbol":"$symbol","bid":$bid,"bid_qty":$bid_size,'
        '"ask":$ask,"ask_qty":$ask_size,"timestamp?":"$time_iso"}]}',
    ),
)

KRAKEN_FUTURES = (
    Frame(
        "snapshot",
        '{"feed":"book_snapshot","product_id":"$symbol","seq":$final,"timestamp":$time_ms,'
        '"bids":$bids,"asks":$asks}',
        level='{"price":$price,"qty":$size}',
    ),
    Frame(
        "book",
        '{"event":$never,"feed":"book","product_id":"$symbol","side":"$side","seq":$final,'
        '"price":$price,"qty":$size,"timestamp":$time_ms}',
        sides=("buy", "sell"),
    ),
    Frame(
        "trade",
        '{"event":$never,"feed":"trade","product_id":"$symbol","side":"$taker","seq":$id,'
        '"time":$time_ms,"qty":$size,"price":$price}',
    ),
    Frame("none", '{"feed":"trade_snapshot"}'),
    Frame(
        "ticker",
        '{"event":$never,"feed":"ticker","product_id":"$symbol","time":$time_ms,"bid?":$bid,'
        '"bid_size?":$bid_size,"ask?":$ask,"ask_size?":$ask_size,"markPrice?":$mark,'
        '"index?":$index,"funding_rate?":$funding,"openInterest?":$open_interest}',
    ),
)

KUCOIN = (
    Frame(
        "book",
        '{"type":"message","topic":"/market/level2:$symbol","data":{"changes":{"asks":$asks,'
        '"bids":$bids},"sequenceStart":$first,"sequenceEnd":$final,"time?":$time_ms}}',
        level='["$price","$size","$_"]',
        blank=True,
    ),
    Frame(
        "trade",
        '{"type":"message","topic":"/market/match:$symbol","data":{"sequence":"$id",'
        '"side":"$taker","size":"$size","price":"$price","time":"$time_ns"}}',
    ),
    Frame(
        "quote",
        '{"type":"message","topic":"/market/ticker:$symbol","data":{"sequence":"$final",'
        '"bestBid":"$bid","bestBidSize":"$bid_size","bestAsk":"$ask","bestAskSize":"$ask_size",'
        '"time?":$time_ms}}',
    ),
    Frame(
        "answer",
        '{"code":"200000","data":{"time":$time_ms,"sequence":"$final","bids":$bids,"asks":$asks}}',
        level=PAIR,
    ),
)

_HTX = '"seqNum":$final,"bids?":$bids,"asks?":$asks'
HTX = (
    Frame(
        "book",
        f'{{"ch":"market.$symbol.mbp.$window","ts":$sent_ms,"tick":{{"prevSeqNum":$previous,{_HTX}}}}}',
        level="[$price,$size]",
    ),
    Frame(
        "answer",
        f'{{"rep":"market.$symbol.mbp.$window","data":{{{_HTX}}}}}',
        level="[$price,$size]",
    ),
    Frame(
        "trade",
        '{"ch":"market.$symbol.trade.detail","ts":$sent_ms,"tick":{"data":[{"tradeId":$id,'
        '"ts":$time_ms,"amount":$size,"price":$price,"direction":"$taker"}]}}',
    ),
    Frame(
        "quote",
        '{"ch":"market.$symbol.bbo","ts":$sent_ms,"tick":{"seqId?":$final,"ask":$ask,'
        '"askSize":$ask_size,"bid":$bid,"bidSize":$bid_size,"quoteTime":$time_ms}}',
    ),
)

COINBASE = (
    Frame("number", '{"sequence_num":$conn}'),
    *(
        Frame(
            kind,
            f'{{"channel":"l2_data","timestamp":"$sent_iso","events":[{{"type":"{word}",'
            '"product_id":"$symbol","updates":$levels}]}',
            level='{"side":"$side","event_time":"$time_iso","price_level":"$price",'
            '"new_quantity":"$size"}',
            sides=("bid", "offer"),
        )
        for kind, word in (("snapshot", "snapshot"), ("book", "update"))
    ),
    Frame("none", '{"channel":"market_trades","events":[{"type":"snapshot"}]}'),
    Frame(  # the side is the maker's
        "trade",
        '{"channel":"market_trades","timestamp":"$sent_iso","events":[{"type":"update",'
        '"trades":[{"product_id":"$symbol","trade_id":"$id","price":"$price","size":"$size",'
        '"time":"$time_iso","side":"$taker"}]}]}',
        taker=("SELL", "BUY"),
    ),
    Frame(
        "quote",
        '{"channel":"ticker","timestamp":"$time_iso","events":[{"tickers":[{'
        '"product_id":"$symbol","best_bid":"$bid","best_bid_quantity":"$bid_size",'
        '"best_ask":"$ask","best_ask_quantity":"$ask_size"}]}]}',
    ),
)

_OBU = '"t":$time_ms,"s":"ob.$symbol.$window","u":$final,"b?":$bids,"a?":$asks'
GATE = (
    Frame(
        "snapshot",
        f'{{"channel":"spot.obu","event":"update","result":{{"full":true,{_OBU}}}}}',
        level=PAIR,
    ),
    Frame(
        "book",
        f'{{"channel":"spot.obu","event":"update","result":{{"full":$never,"U":$first,{_OBU}}}}}',
        level=PAIR,
    ),
    Frame(
        "trade",
        '{"channel":"spot.trades","event":"update","result":{"id":$id,'
        '"create_time_ms":"$time_ms","side":"$taker","currency_pair":"$symbol",'
        '"amount":"$size","price":"$price"}}',
    ),
    Frame(
        "quote",
        '{"channel":"spot.book_ticker","event":"update","result":{"t":$time_ms,"u":$final,'
        '"s":"$symbol","b":"$bid","B":"$bid_size","a":"$ask","A":"$ask_size"}}',
    ),
)

FRAMES = {
    "bitstamp": BITSTAMP,
    "hyperliquid": HYPERLIQUID,
    "bitmex": BITMEX,
    "bitfinex": BITFINEX,
    "kraken": KRAKEN,
    "kraken-futures": KRAKEN_FUTURES,
    "kucoin": KUCOIN,
    "htx": HTX,
    "coinbase": COINBASE,
    "gate": GATE,
}
