"""`python -m tests.readers --install`: what others make of exports: hftbacktest, nautilus_trader,
polars, DuckDB, pandas, pyarrow. Ends with 1 where a test fails."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from feedhandler.bench.peers.homes import NoPeer
from tests.readers.home import READERS, python


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.readers", description=__doc__)
    parser.add_argument("--install", action="store_true", help="make the environment first")
    try:
        python(install=parser.parse_args().install)
    except NoPeer as error:
        print(error, file=sys.stderr)
        return 1
    print(", ".join(READERS))
    return int(pytest.main(["-q", "-x", str(Path(__file__).parent)]))


if __name__ == "__main__":
    sys.exit(main())
