"""Tables to Arrow without pyarrow: what its consumers read, and that memory lives long enough."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import shm
from shm import Flag, InstrumentKind, Kind, OptionType, Reason, Stat, State, _arrow
from shm._native import TRADE, Writer
from tests.shm.conftest import CELL_EXPONENTS, EXPONENTS, Create
from tests.shm.support import ROOT

S = 10**9
SYMBOLS = ("BTC-PERP", "币安人生USDT", "xyz:CL/@107")


@pytest.fixture
def writer(create: Create) -> Writer:
    writer = create(ring_slots=1024).writer
    for row, symbol in enumerate(SYMBOLS):
        kind = InstrumentKind.OPTION if row else InstrumentKind.PERPETUAL
        option = {"option_type": OptionType.PUT, "strike": 90_000.0, "expiry_ns": 4_102_444_800 * S}
        writer.directory_add(
            {"symbol": symbol, "kind": kind, **EXPONENTS, **(option if row else {})}
        )
    return writer


@pytest.fixture
def feed(writer: Writer, namespace: str) -> shm.Feed:
    now = time.time_ns()
    for n in range(6):
        more = {"receive_ns": now + n, "exchange_ns": n and now, "venue_sequence": n}
        writer.message(n % 3, [(Kind.TRADE, n % 2, 100 + n, 5000)], **more)
    quote = [(Kind.QUOTE, 0, shm.NONE, 0), (Kind.QUOTE, 1, 200, 1000)]
    writer.message(1, quote, receive_ns=now)
    writer.publish()
    writer.heartbeat()
    return shm.attach("v", namespace=namespace)


def test_trades_as_they_are_read(feed: shm.Feed) -> None:
    trades = feed.trades()
    table = pa.table(trades)
    table.validate(full=True)
    words = pa.dictionary(pa.int32(), pa.string())
    time_type = pa.timestamp("ns", "UTC")
    assert {field.name: field.type for field in table.schema} == {
        "receive_time": time_type, "symbol": words, "side": words, "price": pa.float64(),
        "size": pa.float64(), "kind": words, "exchange_time": time_type, "receive_ns": pa.int64(),
        "exchange_ns": pa.int64(), "instrument": pa.uint32(), "flags": pa.uint8(),
        "price_exponent": pa.int8(), "size_exponent": pa.int8(), "price_scaled": pa.int64(),
        "size_scaled": pa.int64(), "venue_sequence": pa.uint64(), "sequence": pa.uint64(),
        "epoch": pa.uint64(),
    }  # fmt: skip
    assert table.schema.names[:4] == ["receive_time", "symbol", "side", "price"]
    assert table["symbol"].to_pylist() == [*SYMBOLS, *SYMBOLS]
    assert table["side"].to_pylist() == ["buy", "sell"] * 3
    assert table["kind"].to_pylist() == ["trade"] * 6
    for name in ("price", "size", "receive_ns", "price_scaled", "price_exponent", "sequence"):
        assert table[name].to_pylist() == trades[name].tolist(), name
    assert table["receive_time"].cast(pa.int64()).to_pylist() == trades["receive_ns"].tolist()
    assert table["exchange_ns"].null_count == table["exchange_time"].null_count == 1
    assert pa.schema(trades) == table.schema


def test_what_is_not_there_is_null(feed: shm.Feed) -> None:
    table = pa.table(feed.quotes())
    (row,) = table.to_pylist()
    assert (row["bid"], row["bid_size"], row["bid_scaled"], row["ask"]) == (None, None, None, 2.0)
    assert (row["source"], row["symbol"], row["exchange_time"]) == ("quote", SYMBOLS[1], None)


def test_bars_and_no_rows(feed: shm.Feed) -> None:
    bars = feed.bars("1h")
    table = pa.table(bars)
    assert table.schema.field("whole").type == pa.bool_()
    assert table["whole"].to_pylist() == bars["whole"].tolist()
    assert set(table["symbol"].to_pylist()) == set(SYMBOLS)
    assert pa.table(feed.trades("1m", [])).num_rows == 0
    assert pa.table(feed.trades("1m", [])).schema.names == pa.table(feed.trades()).schema.names


def test_a_board_and_a_part_of_it(writer: Writer, feed: shm.Feed) -> None:
    cell = {**CELL_EXPONENTS, "state": State.LIVE, "reason": Reason.START}
    writer.quote_store(1, {**cell, "bid_price": 5, "bid_size": 1000, "mark_iv": 0.5})
    board = feed.board()
    table = pa.table(board)
    table.validate(full=True)
    row = table.to_pylist()[1]
    assert (row["symbol"], row["kind"], row["option"]) == (SYMBOLS[1], "option", "put")
    assert (row["state"], row["reason"], row["status"]) == ("live", "start", "active")
    assert (row["bid"], row["ask"], row["mark_iv"], row["last_time"]) == (0.05, None, 0.5, None)
    assert row["expiry_time"].year == 2100
    assert set(board.dtype.names or ()) < set(table.schema.names)
    options = pa.table(board[board["option"] == OptionType.PUT])
    assert options["symbol"].to_pylist() == list(SYMBOLS[1:])
    assert pa.table(board.table) == table


def test_a_batch_of_events(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    writer.message(
        0,
        [
            (Kind.LEVEL, 1, 7, 0),
            (Kind.TRADE, 1, 8, 1000),
            (Kind.STAT, 0, 65, -2, Stat.MARK_IV),
            (Kind.STATE, 0, State.STALE, Reason.GAP),
            (Kind.DEFINITION, 0, shm.Status.HALTED, shm.Change.STATUS, 2),
            (Kind.CLEAR, 0, 0, 0),
            (63, 0, 1, 1),
        ],
    )
    writer.publish()
    batch = events.poll()
    assert batch is not None
    table = events.table(batch)
    rows = pa.table(table).to_pylist()
    assert [row["kind"] for row in rows] == [
        "level", "trade", "stat", "state", "definition", "clear", "63",
    ]  # fmt: skip
    assert [row["side"] for row in rows[:3]] == ["ask", "sell", None]
    assert [row["price"] for row in rows] == [0.07, 0.08, 0.65, *[None] * 4]
    assert [row["stat"] for row in rows[1:4]] == [None, "mark_iv", None]
    assert [row["state"] for row in rows[3:5]] == ["stale", None]
    assert [row["reason"] for row in rows[3:5]] == ["gap", None]
    assert [row["status"] for row in rows[3:5]] == [None, "halted"]
    assert {row["symbol"] for row in rows} == set(table.symbols) == {SYMBOLS[0]}
    assert rows[0]["flags"] == Flag.FIRST
    events.close()
    with pytest.raises(shm.ShmError, match="closed"):
        events.table(batch)
    oldest = feed.events(start="oldest")
    starts = next(oldest)[:2]  # that the writer starts is about no instrument
    assert pa.table(oldest.table(starts))["symbol"].to_pylist() == [None, SYMBOLS[0]]
    assert oldest.table(starts)["symbol"].tolist() == [None, SYMBOLS[0]]


# ---- numpy and the others ----


def test_numpy_takes_it(feed: shm.Feed) -> None:
    trades = feed.trades()
    assert np.asarray(trades).dtype == TRADE
    assert len(trades[trades["price"] > 1.02]) == 3
    assert isinstance(trades[1:3], shm.Trades)
    assert trades[1:3].missing == trades.missing
    assert trades[-1]["price"] == 1.05
    assert [row["price"] for row in trades][:2] == [1.0, 1.01]
    with pytest.raises(KeyError, match=r"no column 'prise'; there are symbol, receive_ns"):
        trades["prise"]


def test_polars_takes_it(feed: shm.Feed) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed (pip install polars)")
    trades = feed.trades()
    frame = polars.DataFrame(trades)
    assert frame["symbol"].to_list() == [*SYMBOLS, *SYMBOLS]
    assert frame["price"].to_list() == trades["price"].tolist()
    assert frame["receive_time"].dt.timestamp("ns").to_list() == trades["receive_ns"].tolist()
    assert frame.equals(trades.to_polars())
    assert polars.DataFrame(feed.board().table)["symbol"].to_list() == list(SYMBOLS)


def test_duckdb_takes_it(feed: shm.Feed) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed (pip install duckdb)")
    trades = feed.trades()
    found = duckdb.sql(
        "select symbol, sum(size) from trades where side = 'buy' group by 1 order by 1"
    )
    assert found.fetchall() == [(symbol, 5.0) for symbol in sorted(SYMBOLS)]
    board = feed.board().table
    assert duckdb.sql("select count(*) from board where option = 'put'").fetchall() == [(2,)]
    assert len(trades) + len(board) == 9


def test_pandas_takes_it(feed: shm.Feed) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed (pip install pandas)")
    trades = feed.trades()
    frame = trades.to_pandas()
    assert frame["symbol"].tolist() == [*SYMBOLS, *SYMBOLS]
    assert str(frame["symbol"].dtype) == "category"
    assert frame["receive_time"].astype("int64").tolist() == trades["receive_ns"].tolist()
    assert frame["exchange_ns"].isna().sum() == 1
    assert frame["exchange_ns"][1] == trades["exchange_ns"][1]  # to the last digit
    plain = pandas.DataFrame(trades.array)
    assert plain["price"].tolist() == trades["price"].tolist()
    if hasattr(pandas.DataFrame, "from_arrow"):
        assert pandas.DataFrame.from_arrow(trades)["price"].tolist() == trades["price"].tolist()


def test_a_library_that_is_missing_is_named() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import numpy as np, shm\n"
        "from shm._native import TRADE\n"
        "trades = shm.Trades('v', np.zeros(3, TRADE), {0: 'A'}.get)\n"
        "assert trades.__arrow_c_stream__() is not None\n"
        "try:\n    trades.to_pandas()\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "to_pandas() needs pyarrow, which is not here: pip install pyarrow\n"


def test_strategies_import_no_library_of_tables() -> None:
    code = (
        "import sys, shm\n"
        "print([name for name in ('pyarrow', 'pandas', 'polars') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# ---- batches, and how long they live ----


def many(count: int) -> shm.Trades:
    rows = np.zeros(count, TRADE)
    rows["sequence"] = np.arange(count)
    rows["price"] = np.where(np.arange(count) % 5 == 0, np.nan, np.arange(count))
    rows["instrument"] = np.arange(count) % 3
    rows["receive_ns"] = np.arange(count) % 4
    return shm.Trades("v", rows, dict(enumerate(SYMBOLS)).get)


@pytest.mark.parametrize("count", [1, 65_536, 65_537, 140_000])
def test_batches_are_of_64k_rows(count: int) -> None:
    trades = many(count)
    reader = pa.RecordBatchReader.from_stream(trades)
    batches = list(reader)
    assert [len(batch) for batch in batches] == [
        min(_arrow.ROWS, count - at) for at in range(0, count, _arrow.ROWS)
    ]
    table = pa.Table.from_batches(batches)
    table.validate(full=True)
    assert table["sequence"].to_numpy().tolist() == list(range(count))
    assert table["price"].null_count == len(range(0, count, 5))
    assert table["receive_time"].null_count == len(range(0, count, 4))
    wanted = [SYMBOLS[n % 3] for n in range(count)]
    assert table["symbol"].to_pylist() == wanted


def test_every_width_and_null() -> None:
    columns: list[Any] = [
        ("f", np.array([1.5, np.nan, -np.inf]), "g", "nan", None, None),
        ("i", np.array([1, -(1 << 63), 3]), "l", "none", None, None),
        ("z", np.array([0, 1, 2]), "l", "zero", None, None),
        ("n", np.array([0, 1, 2], "u1"), "C", "never", None, None),
        ("b", np.array([True, False, True]), "b", "never", None, None),
        ("w", np.array([9, 1, 0], "u4"), "i", "never", [0, 1], ["", "ü"]),
        ("back", np.arange(6, dtype="i4")[::-2], "i", "never", None, None),
    ]
    table = pa.RecordBatchReader._import_from_c_capsule(_arrow.stream(columns, 3)).read_all()
    table.validate(full=True)
    assert table.to_pydict() == {
        "f": [1.5, None, -np.inf], "i": [1, None, 3], "z": [None, 1, 2], "n": [0, 1, 2],
        "b": [True, False, True], "w": [None, "ü", ""], "back": [5, 3, 1],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (("a", np.zeros(2), "g", "never", None, None), "not 3 values"),
        (("a", np.zeros((3, 1)), "g", "never", None, None), "not 3 values"),
        (("a", np.zeros(3, "f2"), "e", "never", None, None), "values of 2 bytes"),
        (("a" * 40, np.zeros(3), "g", "never", None, None), "longer than 39"),
        (("a", np.zeros(3, "u1"), "i", "never", [0, 1], ["one"]), "word 1 of 1"),
    ],
)
def test_columns_that_are_none(column: Any, said: str) -> None:
    for make in (_arrow.stream, _arrow.schema):
        with pytest.raises(ValueError, match=said):
            make([("ok", np.zeros(3), "g", "never", None, None), column], 3)


def test_a_batch_outlives_all_else() -> None:
    trades = many(100_000)
    rows = weakref.ref(trades.array)
    reader = pa.RecordBatchReader.from_stream(trades)
    first = reader.read_next_batch()
    del trades
    gc.collect()
    assert rows() is not None  # the stream still reads it
    second = reader.read_next_batch()
    del reader
    gc.collect()
    assert rows() is None
    assert first["sequence"][-1].as_py() == 65_535
    assert second["symbol"][-1].as_py() == SYMBOLS[99_999 % 3]
    words = second["symbol"].dictionary
    del first, second
    gc.collect()
    assert words.to_pylist() == list(SYMBOLS)


def test_a_capsule_that_nobody_takes_is_given_back() -> None:
    trades = many(1000)
    rows = weakref.ref(trades.array)
    capsules = [trades.__arrow_c_stream__(), trades.__arrow_c_stream__(None)]
    schema = trades.__arrow_c_schema__()
    assert capsules[0] is not capsules[1]
    del trades
    gc.collect()
    assert rows() is not None
    capsules.clear()
    del schema
    gc.collect()
    assert rows() is None


def resident() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * 4096


def test_nothing_leaks() -> None:
    trades = many(66_000)

    def once() -> None:
        table = pa.table(trades)
        assert table.num_rows == 66_000
        pa.schema(trades)
        trades.__arrow_c_stream__()
        next(iter(pa.RecordBatchReader.from_stream(trades)))

    for _ in range(5):
        once()
    gc.collect()
    before = resident()
    tracemalloc.start()
    kept = tracemalloc.get_traced_memory()[0]
    for _ in range(30):
        once()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - kept
    tracemalloc.stop()
    assert grown < 100_000
    if "asan" not in os.environ.get("LD_PRELOAD", ""):  # which keeps what was freed for a while
        assert resident() - before < 30_000_000  # one table is 10 MB


def test_a_stream_that_another_thread_reads_and_releases() -> None:
    trades = many(150_000)
    rows = weakref.ref(trades.array)
    readers = [pa.RecordBatchReader.from_stream(trades) for _ in range(4)]
    del trades
    read: list[int] = []

    def drain(reader: Any) -> None:
        read.append(sum(len(batch) for batch in reader))
        reader.close()

    threads = [threading.Thread(target=drain, args=(reader,)) for reader in readers]
    readers.clear()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    del threads, thread
    gc.collect()
    assert read == [150_000] * 4
    assert rows() is None
