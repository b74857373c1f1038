"""`feedhandler inspect book`: one order book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from feedhandler.cli import complete
from feedhandler.cli.inspect_.ladder import ladder
from feedhandler.cli.inspect_.memory import find, open_venue
from feedhandler.cli.inspect_.recent import RecentTrades
from feedhandler.cli.inspect_.wide_book import LEAST, wide_levels
from feedhandler.cli.options import json_option, namespace_option, plot_option
from feedhandler.cli.output import echo, json_out, screen_width
from feedhandler.view.book import lined_up, read_book

if TYPE_CHECKING:
    from shm._native import Instrument
    from shm.inspect import Memory


@click.command()
@click.argument("venue", shell_complete=complete.venues)
@click.argument("symbol", shell_complete=complete.symbols)
@click.option(
    "--depth", "-d", type=click.IntRange(1), help="Levels a side.  [default: 10; json: all]"
)
@click.option("--watch", "-w", "watched", is_flag=True, help="Refresh in place until Ctrl-C.")
@plot_option
@namespace_option
@json_option
def book(
    venue: str,
    symbol: str,
    depth: int | None,
    watched: bool,
    plot: str | None,
    namespace: str,
    as_json: bool,
) -> None:
    """Show the order book of a VENUE's SYMBOL, the venue's name or the normalised one.

    The state stands beside the prices, read in one piece with them: only a LIVE book is in exact
    step with the venue. The book of a dead or silent writer is never called LIVE.

    \b
    feedhandler inspect book deribit BTC-PERPETUAL --watch
    feedhandler inspect book okx BTC-USDT-PERP --depth 5 --json
    feedhandler inspect book okx BTC-USDT-PERP --plot book.png

    \b
    JSON, best first, exact decimal strings:
    {"<symbol>": {"state", "reason", "status", "definition", "venue_sequence",
                  "bids": [["price", "size"], ...], "asks",
                  "bids_known": levels (null: the whole side), "asks_known",
                  ...}}
    """
    view = BookView(namespace, venue, symbol, depth, as_json)
    if plot is not None:
        from feedhandler.picture.figures import book_figure
        from feedhandler.picture.show import show

        written = show(book_figure(view.instrument, view.read()), plot)
        if written is not None:
            echo(f"written: {written}")
        return
    if not watched:
        if as_json:
            json_out(view.document())
        else:
            echo("\n".join(view.lines()))
        return
    from feedhandler.cli.watch import watch

    watch(view.lines)


class BookView:
    """One book, in the newest epoch there is."""

    def __init__(
        self, namespace: str, venue: str, symbol: str, depth: int | None, as_json: bool
    ) -> None:
        self._namespace, self._venue, self._symbol = namespace, venue, symbol
        self._depth = depth
        self._json = as_json
        self._trades = RecentTrades()
        self._memory: Memory = open_venue(namespace, venue)
        self.instrument: Instrument = find(self._memory, symbol)

    def _renew(self) -> None:
        """Go over to the writer's next start; until it has the instrument, the old one shows."""
        from feedhandler.cli.errors import CliError
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
        self._renew()
        return read_book(self._memory, self.instrument, self._depth)

    def document(self) -> dict[str, Any]:
        return {self.instrument.symbol: self.read()}

    def lines(self) -> list[str]:
        if self._json:
            import orjson

            return [orjson.dumps(self.document()).decode()]
        if self._depth is None:
            self._depth = 10
        width, book = screen_width() or 80, self.read()
        lines = ladder(self.instrument, book, width)
        if width < LEAST:
            return lines
        its = self.instrument
        shown, trades = lined_up(book, its.tick, its.lot), self._trades.of(self._memory, its)
        return lines[:3] + wide_levels(its, shown["bids"], shown["asks"], trades, width)
