"""nautilus_trader's catalog, which is what its users keep data in: deltas that it has loaded
already are written. What comes before, the frame and its decoding, is not counted.

keep_nautilus.py INCREMENTAL_BOOK_L2 FOLDER; prints {"cpu_s", "rows"}. It has an environment of its
own.
"""

from __future__ import annotations

import json
import sys
import time

from nautilus_trader.adapters.tardis.loaders import TardisCSVDataLoader
from nautilus_trader.persistence.catalog import ParquetDataCatalog


def main() -> None:
    """All deltas of the file."""
    path, folder = sys.argv[1:]
    deltas = TardisCSVDataLoader().load_deltas(path)
    catalog = ParquetDataCatalog(folder)
    began = time.process_time()
    catalog.write_data(deltas)
    print(json.dumps({"cpu_s": time.process_time() - began, "rows": len(deltas)}))


main()
