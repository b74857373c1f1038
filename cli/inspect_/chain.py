"""`feedhandler inspect chain`: the options on one underlying, strike by strike."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli import complete
from feedhandler.cli.errors import CliError
from feedhandler.cli.inspect_ import chain_board
from feedhandler.cli.inspect_.memory import open_venue, writer_words
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import cut, dim, echo, json_out, screen_width
from feedhandler.view.believable import believable

if TYPE_CHECKING:
    from shm._native import Instrument
    from shm.chains import Chains
    from shm.inspect import Memory

_PRICES = ("bid", "ask", "last")
_STATISTICS = (
    "mark",
    "underlying",
    "index",
    "bid_iv",
    "ask_iv",
    "mark_iv",
    "delta",
    "gamma",
    "vega",
    "theta",
    "rho",
    "open_interest",
    "volume",
)
_HEAD_LINES = 9  # above the strikes, and the line of the prompt


@click.command()
@click.argument("venue", shell_complete=complete.venues)
@click.argument("underlying", required=False)
@click.option("--expiry", "-e", metavar="DAY", help="Such as 2026-12-25.  [default: the nearest]")
@click.option(
    "--strikes",
    "-n",
    type=click.IntRange(min=1),
    metavar="N",
    help="So many around the money.  [default: all; with --watch what the screen has room for]",
)
@click.option("--watch", "-w", "watched", is_flag=True, help="Refresh in place until Ctrl-C.")
@namespace_option
@json_option
def chain(
    venue: str,
    underlying: str | None,
    expiry: str | None,
    strikes: int | None,
    watched: bool,
    namespace: str,
    as_json: bool,
) -> None:
    """Show a VENUE's options on an UNDERLYING, a line per strike: calls left, puts right.

    UNDERLYING may be left out where there is only one; BTC or BTC-USD. The strike at the money is
    marked. A wide screen shows more: market and volatility come first, then delta, mark, sizes,
    open interest and volume, greeks. Prices are the venue's: those of inverse options are in coin.
    IV%, delta and greeks are of the venue's mark. What the venue does not say is blank. A side
    that is not LIVE is dim, and has its state in the place of its volatility.

    \b
    feedhandler inspect chain deribit BTC --expiry 2026-12-25
    feedhandler inspect chain okx BTC-USD --json

    \b
    Exit codes: 0 fine, 2 no such options, 3 nothing is there.
    """
    memory = open_venue(namespace, venue)
    chains = _chains(memory)
    name = underlying or _only(memory, chains)
    chosen = _rows(chains, name, expiry)

    def lines() -> list[str]:
        most = strikes or (_fitting_strikes() if watched else None)
        return _lines(memory, name, chosen, most)

    if as_json:
        json_out(_document(memory, name, chosen))
    elif watched:
        from feedhandler.cli.watch import watch

        watch(lines)
    else:
        echo("\n".join(lines()))


def _chains(memory: Memory) -> Chains:
    from shm.chains import Chains

    listed = memory.instruments()
    return Chains(listed, len(listed))


def _only(memory: Memory, chains: Chains) -> str:
    there = chains.underlyings()
    if len(there) == 1:
        return there[0]
    if not there:
        raise CliError(f"{memory.venue} has no options")
    raise CliError("options on which underlying?", "there are " + ", ".join(there))


def _rows(chains: Chains, name: str, expiry: str | None) -> list[Instrument]:
    """The options of one expiry, by strike, calls before puts."""
    from shm.errors import UnknownInstrument

    try:
        wanted: str | int | None = expiry
        if expiry is None:
            coming = chains.expiries(name)
            wanted = coming[0] if coming else chains.expiries(name, 0)[-1]
        return chains.options(name, wanted)
    except (UnknownInstrument, ValueError) as error:
        raise CliError(str(error)) from None


def _read(memory: Memory, option: Instrument) -> dict[str, Any]:
    """One side of one strike: exact decimal texts, statistics as numbers or null."""
    from shm import NONE
    from shm.names import OptionType

    quote = memory.quote(option.id)
    found: dict[str, Any] = {
        "symbol": option.symbol,
        "strike": option.strike,
        "side": "put" if option.option == OptionType.PUT else "call",
        "state": "NONE",
        "reason": "NONE",
        "age_ns": None,
    }
    found |= dict.fromkeys(("bid", "bid_size", "ask", "ask_size", "last", *_STATISTICS))
    if quote is None:
        return found
    found["state"], found["reason"] = believable(memory, quote["state"], quote["reason"])
    for side in _PRICES:
        if quote[f"{side}_price"] != NONE and (side != "last" or quote["last_ns"]):
            found[side] = number_text.decimal(quote[f"{side}_price"], quote["price_exponent"])
            if side != "last":
                size = number_text.decimal(quote[f"{side}_size"], quote["size_exponent"])
                found[f"{side}_size"] = size
    for statistic in _STATISTICS:
        if quote[statistic] == quote[statistic]:
            found[statistic] = quote[statistic]
    came = quote["data_ns"] or quote["receive_ns"]
    found["age_ns"] = abs(memory.segment.now_ns - came) if came else None
    return found


def _document(memory: Memory, name: str, options: list[Instrument]) -> dict[str, Any]:
    rows = [_read(memory, option) for option in options]
    return {
        "venue": memory.venue,
        "underlying": name,
        "expiry_ns": options[0].expiry_ns,
        "at_the_money": chain_board.at_the_money(rows),
        "writer": memory.writer,
        "options": rows,
    }


def _lines(memory: Memory, name: str, options: list[Instrument], most: int | None) -> list[str]:
    rows = [_read(memory, option) for option in options]
    at = datetime.fromtimestamp(options[0].expiry_ns // 10**9, UTC)
    left = number_text.duration(max(0, options[0].expiry_ns - time.time_ns()))
    width = screen_width()
    wide = width or 1000
    head = [
        f"{memory.venue} {name}  {at:%Y-%m-%d %H:%M} UTC, in {left}",
        writer_words(memory),
        *chain_board.summary(rows, wide),
    ]
    lines = [dim(cut(line, wide)) for line in head]
    return [*lines, "", *chain_board.board(rows, width, most)]


def _fitting_strikes() -> int:
    """What a screen that is refreshed in place has room for."""
    return max(3, shutil.get_terminal_size().lines - _HEAD_LINES)
