"""`python -m tests.clients --install`: what other people's clients make of the simulator.

Each runs in a virtual environment of its own, made on request, against simulated venues; its books
are compared level by level with the simulator's at the same sequence, its trades and tickers too.
"known" is what is wrong by a fault of the client (docs/simulator.md). Ends with 1 where
anything else differs or a client fails.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from feedhandler.bench.peers.homes import NoPeer
from tests.clients.compare import Counts
from tests.clients.running import CLIENTS, ClientError, environment, run

_HEAD = (
    "client", "venue", "messages", "books", "levels", "differ", "known", "trades", "differ",
    "tickers", "differ",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, and print a row each."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("--install", action="store_true", help="make environments that are missing")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run (20)")
    parser.add_argument("--client", action="append", choices=CLIENTS, help="only this; repeatable")
    parser.add_argument("--venue", action="append", help="only this; repeatable")
    chosen = parser.parse_args(arguments)
    failed = False
    print(_row(_HEAD), flush=True)
    for name, client in CLIENTS.items():
        if chosen.client and name not in chosen.client:
            continue
        try:
            python = environment(client, install=chosen.install)
        except NoPeer as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
            continue
        for venue in client.cases:
            if chosen.venue and venue not in chosen.venue:
                continue
            try:
                found = run(client, python, venue, chosen.seconds)
            except ClientError as error:
                print(error, file=sys.stderr)
                failed = True
                continue
            failed |= found.differ > 0 or not found.whole
            print(_row((client.requirement, venue, *_figures(found))), flush=True)
            for text in found.examples:
                print(f"  {text}")
    return int(failed)


def _figures(found: Counts) -> tuple[int, ...]:
    return (
        found.messages, found.books, found.levels, found.levels_differ, found.known,
        found.trades, found.trades_differ, found.tickers, found.tickers_differ,
    )  # fmt: skip


def _row(cells: Sequence[object]) -> str:
    texts = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells]
    return f"{texts[0]:<24}{texts[1]:<14}" + "".join(f"{text:>11}" for text in texts[2:])


if __name__ == "__main__":
    sys.exit(main())
