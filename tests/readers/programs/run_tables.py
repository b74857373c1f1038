"""polars, DuckDB, pandas, pyarrow: what they read of a CSV, a Parquet file, an Arrow file, and of a
recording's directory.

run_tables.py CSV PARQUET ARROW RECORDING
"""

import json
import sys
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq


def rows(query: str) -> list[tuple[Any, ...]]:
    """What DuckDB answers."""
    found = duckdb.sql(query)
    assert found is not None
    return list(found.fetchall())


def main() -> None:
    """Read all, and say it."""
    csv, parquet, arrow, recording = sys.argv[1:]
    trades = f"{recording}/venue=*/table=trades/*/*/*.parquet"
    found = {
        "polars": {
            "csv": pl.read_csv(csv)["symbol"].to_list(),
            "parquet": pl.read_parquet(parquet)["symbol"].cast(pl.String).to_list(),
            "arrow": pl.read_ipc(arrow)["symbol"].to_list(),
            "recording": sorted(
                pl.scan_parquet(trades, hive_partitioning=True)
                .select(pl.col("symbol").cast(pl.String), "venue", "family")
                .collect()
                .rows()
            ),
        },
        "duckdb": {
            "csv": [row[0] for row in rows(f"select symbol from '{csv}'")],
            "parquet": [row[0] for row in rows(f"select symbol from '{parquet}'")],
            "recording": sorted(
                rows(
                    "select symbol, venue, family "
                    f"from read_parquet('{trades}', hive_partitioning = true)"
                )
            ),
        },
        "pandas": {
            "csv": pd.read_csv(csv)["symbol"].tolist(),
            "parquet": pd.read_parquet(parquet)["symbol"].tolist(),
            "arrow": pd.read_feather(arrow)["symbol"].tolist(),
        },
        "pyarrow": {
            "parquet": pq.read_table(parquet)["symbol"].to_pylist(),
            "arrow": pa.ipc.open_file(arrow).read_all()["symbol"].to_pylist(),
            "recording": sorted(
                tuple(row.values())
                for row in ds.dataset(
                    f"{recording}/venue=deribit/table=trades", partitioning="hive"
                )
                .to_table(columns=["symbol", "family"])
                .to_pylist()
            ),
        },
    }
    print(json.dumps(found))


main()
