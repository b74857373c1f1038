"""cryptofeed that keeps what it gets: frames through its handler, and a callback that writes each
level of each update into a CSV, or into a Parquet file by 65,536 rows.

keep_cryptofeed.py CAPTURE VENUE FILE; prints {"cpu_s", "rows"} of all frames, without what comes
before the first. It imports nothing of feedhandler: it has an environment of its own.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import sys
import time
from typing import Any

from cryptofeed.defines import BID, L2_BOOK
from cryptofeed.exchanges import OKX, Bybit
from cryptofeed.symbols import Symbols

FEEDS: dict[str, Any] = {"okx": OKX, "bybit-spot": Bybit, "bybit-linear": Bybit}
ENDS = {"bybit-spot": "/spot", "bybit-linear": "/linear"}
ROWS = 65_536
COLUMNS = ("symbol", "timestamp", "receipt_timestamp", "snapshot", "side", "price", "size")


def names(venue: str, symbol: str) -> tuple[str, str]:
    """An instrument as cryptofeed calls it, and as it calls it towards the venue."""
    if venue == "okx":
        return symbol, symbol
    pair = re.sub("(USDT|USDC|EUR|BTC|ETH|DAI|BRZ)$", r"-\1", symbol)
    return (pair, pair.replace("-", "/")) if venue == "bybit-spot" else (f"{pair}-PERP", symbol)


def frames_of(path: str, venue: str) -> list[tuple[str, float]]:
    """The book frames of a capture, with when they came."""
    found = []
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt") as source:
        for text in source:
            line = json.loads(text)
            data = line.get("data")
            if not data or line.get("kind", "ws") != "ws":
                continue
            if line.get("url") and not line["url"].endswith(ENDS.get(venue, "")):
                continue
            if '"orderbook.' in data[:80] or ('"books' in data and '"data":[{' in data):
                found.append((data, (line.get("t") or 0) / 1e9))
    return found


class Csv:
    """Rows as text."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "w")  # noqa: SIM115, PTH123
        self._file.write(",".join(COLUMNS) + "\n")

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        self._file.writelines(",".join(map(str, row)) + "\n" for row in rows)

    def close(self) -> None:
        self._file.close()


class Parquet:
    """Rows as Parquet, zstd; numbers as text: cryptofeed's are Decimal, and would be rounded."""

    def __init__(self, path: str) -> None:
        import pyarrow
        import pyarrow.parquet

        self._pa = pyarrow
        kinds = [pyarrow.string(), pyarrow.float64(), pyarrow.float64(), pyarrow.bool_()]
        kinds += [pyarrow.string()] * 3
        self._schema = pyarrow.schema(list(zip(COLUMNS, kinds, strict=True)))
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[tuple[Any, ...]] = []

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows += rows
        if len(self._rows) >= ROWS:
            self._flush()

    def _flush(self) -> None:
        columns = [list(column) for column in zip(*self._rows, strict=True)]
        columns[5:] = [[str(number) for number in column] for column in columns[5:]]
        arrays = [
            self._pa.array(column, field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows = []

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._writer.close()


class Connection:
    """What its handler asks of a connection."""

    uuid = "1"
    conn_type = "wss"

    def __init__(self, venue: str) -> None:
        self.address = f"wss://127.0.0.1{ENDS.get(venue, '')}"

    async def write(self, *_: Any, **__: Any) -> None:
        """Nothing is sent."""


async def main() -> None:
    """All frames."""
    path, venue, out = sys.argv[1:]
    frames = frames_of(path, venue)
    found = re.findall(
        r'"(?:instId|s)":"([A-Za-z0-9-]+)"', "".join(data[:200] for data, _ in frames)
    )
    known = dict(names(venue, symbol) for symbol in dict.fromkeys(found))
    kind = "perpetual" if venue == "bybit-linear" else "spot"
    info = {"instrument_type": dict.fromkeys(known, kind), "tick_size": dict.fromkeys(known, "1")}
    base = FEEDS[venue]
    Symbols.set(base.id, known, info)
    file = Parquet(out) if out.endswith(".parquet") else Csv(out)
    rows = 0

    async def updated(update: Any, receipt: float) -> None:
        nonlocal rows
        delta = update.delta
        snapshot = delta is None
        sides = delta or {
            BID: update.book.bids.to_dict().items(),
            "ask": update.book.asks.to_dict().items(),
        }
        made = [
            (update.symbol, update.timestamp, receipt, snapshot, side, price, size)
            for side, levels in sides.items()
            for price, size in levels
        ]
        rows += len(made)
        file.write(made)

    feed = base(symbols=list(known), channels=[L2_BOOK], callbacks={L2_BOOK: updated}, timeout=-1)
    connection = Connection(venue)
    began = time.process_time()
    for data, at in frames:
        await feed.message_handler(data, connection, at)
    file.close()
    print(json.dumps({"cpu_s": time.process_time() - began, "rows": rows}))


asyncio.run(main())
