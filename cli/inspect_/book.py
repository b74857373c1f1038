"""`feedhandler inspect book`: one order book."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from cli.inspect_.ladder import ladder
from cli.inspect_.memory import believable, find, open_venue, word
from cli.options import json_option, namespace_option
from cli.output import json_out, screen_width

if TYPE_CHECKING:
    from shm._native import Instrument
    from shm.inspect import Memory


@click.command()
@click.argument("venue")
@click.argument("symbol")
@click.option(
    "--depth", "-d", type=click.IntRange(1), help="Levels a side.  [default: 10; json: all]"
)
@click.option("--watch", "-w", "watched", is_flag=True, help="Refresh in place until Ctrl-C.")
@namespace_option
@json_option
def book(
    venue: str, symbol: str, depth: int | None, watched: bool, namespace: str, as_json: bool
) -> None:
    """Show the order book of a VENUE's SYMBOL, the venue's name or the normalised one.

    The state stands beside the prices, read in one piece with them: only a LIVE book is in exact
    step with the venue. The book of a dead or silent writer is never called LIVE.

    \b
    feedhandler inspect book deribit BTC-PERPETUAL --watch
    feedhandler inspect book okx BTC-USDT-PERP --depth 5 --json

    \b
    JSON, best first, exact decimal strings:
    {"<symbol>": {"state", "reason", "status", "definition", "venue_sequence",
                  "bids": [["price", "size"], ...], "asks",
                  "bids_known": levels (null: the whole side), "asks_known",
                  ...}}
    """
    view = BookView(namespace, venue, symbol, depth, as_json)
    if not watched:
        if as_json:
            json_out(view.document())
        else:
            click.echo("\n".join(view.lines()))
        return
    from cli.watch import watch

    watch(view.lines)


def _known(head: dict[str, Any], side: str) -> int | None:
    """How many levels are known; None: the whole side."""
    from shm._native import KNOWN_WHOLE

    known = max(head[f"{side}_known"], head[side])
    return None if known == KNOWN_WHOLE else int(known)


class BookView:
    """One book, in the newest epoch there is."""

    def __init__(
        self, namespace: str, venue: str, symbol: str, depth: int | None, as_json: bool
    ) -> None:
        self._namespace, self._venue, self._symbol = namespace, venue, symbol
        self._depth = depth
        self._json = as_json
        self._memory: Memory = open_venue(namespace, venue)
        self.instrument: Instrument = find(self._memory, symbol)

    def _renew(self) -> None:
        """Go over to the writer's next start; until it has the instrument, the old one shows."""
        from cli.errors import CliError
        from shm.errors import ShmError

        if self._memory.writer == "alive":
            return
        try:
            newer = open_venue(self._namespace, self._venue)
            if newer.epoch != self._memory.epoch:
                self.instrument = find(newer, self._symbol)
                self._memory = newer
        except (ShmError, CliError):
            return

    def read(self) -> dict[str, Any]:
        """The book for programs, at the shared depth or less."""
        from feedhandler.number_text import decimal
        from shm.names import Status

        self._renew()
        memory, row = self._memory, self.instrument.id
        found = memory.book(row)
        if found is None:
            return {
                "state": "NONE",
                "reason": "NONE",
                "status": word(Status, int(self.instrument.status)),
                "definition": self.instrument.definition,
                "venue_sequence": 0,
                "bids": [],
                "asks": [],
                "age_ns": None,
                "receive_ns": 0,
                "ring_sequence": 0,
                "bids_total": 0,
                "asks_total": 0,
                "bids_known": 0,
                "asks_known": 0,
                "writer": memory.writer,
            }
        head, bids, asks = found
        shown, reason = believable(memory, head["state"], head["reason"])
        price, size = head["price_exponent"], head["size_exponent"]
        levels = {
            side: [[decimal(int(p), price), decimal(int(s), size)] for p, s in rows[: self._depth]]
            for side, rows in (("bids", bids), ("asks", asks))
        }
        received = head["receive_ns"]
        return {
            "state": shown,
            "reason": reason,
            "status": word(Status, head["status"]),
            "definition": head["definition"],
            "venue_sequence": head["venue_sequence"],
            **levels,
            "age_ns": max(0, time.time_ns() - received) if received else None,
            "receive_ns": received,
            "ring_sequence": head["ring_sequence"],
            "bids_total": head["bids_total"],
            "asks_total": head["asks_total"],
            "bids_known": _known(head, "bids"),
            "asks_known": _known(head, "asks"),
            "writer": memory.writer,
        }

    def document(self) -> dict[str, Any]:
        return {self.instrument.symbol: self.read()}

    def lines(self) -> list[str]:
        if self._json:
            import orjson

            return [orjson.dumps(self.document()).decode()]
        if self._depth is None:
            self._depth = 10
        return ladder(self.instrument, self.read(), screen_width() or 80)
