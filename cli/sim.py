"""`feedhandler sim`: simulated venues in the foreground."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.errors import CliError
from feedhandler.cli.options import FilePath, json_option, venue_file_option
from feedhandler.cli.output import Column, echo, echo_table, json_out

if TYPE_CHECKING:
    from feedhandler.sim.runner import SimOptions


@click.command()
@click.option("--venue", "-v", "venues", multiple=True, help="Which; may be repeated. All if none.")
@venue_file_option
@click.option("--rate", default=1000.0, show_default=True, help="Book updates a second, per venue.")
@click.option("--seed", default=1, show_default=True, help="Of the market: same seed, same books.")
@click.option("--instruments", type=click.IntRange(1, 10_000), help="Listed per venue.")
@click.option("--script", type=FilePath(), metavar="FILE", help="Faults at set times, TOML.")
@click.option("--tls", is_flag=True, help="With TLS; certificates are made by openssl at start.")
@json_option
def sim(
    venues: tuple[str, ...],
    rate: float,
    seed: int,
    instruments: int | None,
    script: Path | None,
    tls: bool,
    as_json: bool,
) -> None:
    """Run simulated venues on loopback until Ctrl-C, and say where they listen.

    They speak the protocols of the real ones over a synthetic market. Point any program at them;
    `feedhandler start --sim` does so by itself. With --json the endpoints are one line on stdout.

    \b
    The truth, to compare books with:  GET  {control_url}/book?symbol=SYMBOL
    Faults on demand:                  POST {control_url}/fault
    The faults there are:              GET  {control_url}/faults
    What became of them:               GET  {control_url}/stats
    """
    import signal

    from feedhandler.sim.runner import SimError, SimOptions, SimProcess, names

    chosen = list(dict.fromkeys(venues)) or names()
    check_simulated(chosen)
    options = SimOptions(rate=rate, seed=seed, instruments=instruments, tls=tls)
    if script is not None:
        options = with_script(options, script, chosen)
    with ExitStack() as stack:
        try:
            running = stack.enter_context(SimProcess(chosen, options))
        except SimError as error:
            raise CliError(str(error)) from None
        endpoints = list(running.endpoints.values())
        if as_json:
            json_out({"endpoints": [asdict(endpoint) for endpoint in endpoints]})
        else:
            columns = [
                Column("VENUE"),
                Column("WEBSOCKET"),
                Column("REST"),
                Column("CONTROL", under=True),
            ]
            echo_table(columns, [(e.venue, e.ws_url, e.rest_url, e.control_url) for e in endpoints])
            if tls:
                trusted = [[e.venue, e.ca_file] for e in endpoints]
                echo_table([Column("VENUE"), Column("TRUST, SUCH AS BY SSL_CERT_FILE")], trusted)
            echo("Ctrl-C ends them.")
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


def check_simulated(venues: list[str]) -> None:
    """Refuse a venue that has no simulator."""
    from feedhandler.sim.runner import names
    from feedhandler.suggest import did_you_mean

    for venue in venues:
        if venue not in names():
            raise CliError(f"no simulated venue {venue!r}{did_you_mean(venue, names())}")


def with_script(options: SimOptions, script: Path, venues: list[str]) -> SimOptions:
    """The options with a script file, checked against the venues that are to run it."""
    from dataclasses import replace

    from feedhandler.sim.runner import ScriptError, check_script, load_script

    try:
        loaded = replace(options, script=load_script(script))
    except ScriptError as error:
        raise CliError(str(error)) from None
    try:
        check_script(venues, loaded)
    except ScriptError as error:
        raise CliError(f"{script}: {error}") from None
    return loaded
