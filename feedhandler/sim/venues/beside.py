"""What declared venues send beside what our declarations read of them: others' clients go by it.

From the venues' documents and recordings; see docs/simulator.md, "What other clients make of it".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from feedhandler.sim.venues.declared.beside import Beside

BESIDE: Final[Mapping[str, Beside]] = {
    "kucoin": Beside(
        frames={
            "book": '{"subject":"trade.l2update","data":{"symbol":"$symbol"}}',
            "trade": '{"subject":"trade.l3match","data":{"symbol":"$symbol","type":"match"}}',
            "quote": '{"subject":"trade.ticker","data":{"price":"$last"}}',
        },
        row='{"name":"$symbol","market":"$quote","feeCurrency":"$quote"}',
    ),
    "bitstamp": Beside(
        frames={
            "trade": '{"data":{"timestamp":"$time_s","price":$price,"amount":$size,'
            '"buy_order_id":0,"sell_order_id":0}}',
        },
        row='{"name":"$base/$quote"}',
    ),
    "coinbase": Beside(
        frames={
            "quote": '{"events":[{"type":"update","tickers":[{"type":"ticker","price":"$last",'
            '"low_24_h":"$low","high_24_h":"$high"}]}]}',
        },
        row='{"base_name":"$base","quote_name":"$quote"}',
    ),
    "gate": Beside(
        frames={
            "snapshot": '{"event":"update","time_ms":$sent_ms}',
            "book": '{"event":"update","time_ms":$sent_ms}',
            "trade": '{"result":{"create_time":$time_s}}',
        },
        row='{"base_name":"$base","quote_name":"$quote","fee":"0.2"}',
        answers={"/margin/currency_pairs": "[]"},
    ),
    "kraken": Beside(
        frames={
            "trade": '{"data":[{"ord_type":"market"}]}',
            "quote": '{"type":"update","data":[{"last":$last,"low":$low,"high":$high}]}',
        },
        row='{"altname":"$symbol","base":"$base","quote":"$quote","aclass_base":"currency"}',
        named="altname",
    ),
    "kraken-futures": Beside(
        frames={
            "trade": '{"uid":"$id"}',  # a UUID in truth: this one says which trade it is
            "ticker": '{"last":$last,"suspended":false}',
        },
        certain={"PI_|FI_": '{"type":"futures_inverse"}'},
    ),
    "bitfinex": Beside(acknowledged={"book": '{"prec":"P0","freq":"F0"}'}),
    "bitmex": Beside(
        levels={"snapshot": '{"symbol":"$symbol"}'},
        frames={
            "trade": '{"data":[{"tickDirection":"ZeroPlusTick","grossValue":0,"homeNotional":0,'
            '"foreignNotional":0,"trdType":"Regular"}]}',
        },
    ),
    "cryptocom": Beside(
        frames=dict.fromkeys(
            ("snapshot", "book", "ticker", "mark", "funding", "index"),
            '{"id":-1,"method":"subscribe","code":0}',
        )
        | {"trade": '{"method":"subscribe","code":0}'},
        row='{"display_name":"$symbol","beta_product":false}',
        index="{base}{quote}-INDEX",
    ),
    "binance-options": Beside(
        option="{base}-{day:%y%m%d}-{strike}-{letter}", family="{base}{quote}"
    ),
    "htx": Beside(frames={"trade": '{"tick":{"id":$id,"data":[{"id":$id}]}}'}),
}
