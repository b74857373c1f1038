"""hftbacktest: its validators and its engine over our npz, and its converter over our Tardis files.

run_hftbacktest.py NPZ TRADES INCREMENTAL TICK LOT
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.data.utils import tardis
from hftbacktest.data.validation import correct_event_order, validate_event_order
from hftbacktest.types import event_dtype

EXCH, LOCAL = 1 << 31, 1 << 30


def told(data: Any) -> dict[str, Any]:
    """What is in it."""
    local = data[data["ev"] & LOCAL != 0]
    kinds, counts = np.unique(local["ev"] & 0xFF, return_counts=True)
    return {
        "events": len(data),
        "local": len(local),
        "exchange": int(np.count_nonzero(data["ev"] & EXCH)),
        "kinds": {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True)},
    }


def played(data: Any, tick: float, lot: float) -> dict[str, float]:
    """The book at its end, by the engine."""
    asset = (
        BacktestAsset().data(data).linear_asset(1.0).constant_order_latency(0, 0)
        .risk_adverse_queue_model().no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0).tick_size(tick).lot_size(lot)
    )  # fmt: skip
    backtest = HashMapMarketDepthBacktest([asset])
    while backtest.elapse(1_000_000_000) == 0:
        pass
    depth = backtest.depth(0)
    return {
        "bid": depth.best_bid, "bid_size": depth.best_bid_qty,
        "ask": depth.best_ask, "ask_size": depth.best_ask_qty,
    }  # fmt: skip


def documented(npz: str, tick: str, lot: str) -> float:
    """The best bid at its end, by the program in docs/export.md; with ticks and lots of ours."""
    text = (Path(__file__).parents[3] / "docs" / "export.md").read_text()
    (program,) = [
        one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if ".npz" in one
    ]
    names: dict[str, Any] = {}
    for was, ours in (("btc.npz", npz), ("size(0.5)", f"size({tick})"), ("(10.0)", f"({lot})")):
        assert was in program
        program = program.replace(was, ours)
    exec(program, names)
    return float(names["backtest"].depth(0).best_bid)


def main() -> None:
    """Read all, and say it."""
    npz, trades, incremental, tick, lot = sys.argv[1:]
    data = np.load(npz)["data"]
    assert data.dtype == event_dtype, data.dtype
    validate_event_order(data)
    assert (data["local_ts"] >= data["exch_ts"]).all()
    split = data.astype(event_dtype)  # theirs makes the same of what has to be written twice
    split = split[split["ev"] & LOCAL != 0]
    split["ev"] &= ~np.uint64(EXCH | LOCAL)
    theirs = correct_event_order(
        split,
        np.argsort(split["exch_ts"], kind="mergesort"),
        np.argsort(split["local_ts"], kind="mergesort"),
    )
    validate_event_order(theirs)
    converted = tardis.convert([trades, incremental], buffer_size=1_000_000, ss_buffer_size=10_000)
    print()
    print(
        json.dumps(
            {
                "npz": told(data),
                "played": played(data, float(tick), float(lot)),
                "documented": documented(npz, tick, lot),
                "converted": told(converted),
                "converted_played": played(converted, float(tick), float(lot)),
            }
        )
    )


main()
