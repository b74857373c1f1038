"""nautilus_trader: its loader of Tardis files over ours.

run_nautilus.py INCREMENTAL TRADES QUOTES SNAPSHOT_5 SNAPSHOT_25
"""

import json
import sys

from nautilus_trader.adapters.tardis.loaders import TardisCSVDataLoader
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.enums import BookType


def main() -> None:
    """Read all, and say it."""
    incremental, trades, quotes, five, twenty_five = sys.argv[1:]
    loader = TardisCSVDataLoader()
    deltas = loader.load_deltas(incremental)
    book = OrderBook(deltas[0].instrument_id, BookType.L2_MBP)
    for delta in deltas:
        book.apply_delta(delta)
    print(
        json.dumps(
            {
                "deltas": len(deltas),
                "instrument": str(deltas[0].instrument_id),
                "bids": [[str(one.price), str(one.size())] for one in book.bids()],
                "asks": [[str(one.price), str(one.size())] for one in book.asks()],
                "trades": [
                    [str(one.price), str(one.size), str(one.trade_id), one.ts_event, one.ts_init]
                    for one in loader.load_trades(trades)
                ],
                "quotes": len(loader.load_quotes(quotes)),
                "depth5": len(loader.load_depth10(five, 5)),
                "depth25": len(loader.load_depth10(twenty_five, 25)),
            }
        )
    )


main()
