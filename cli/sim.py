"""`feedhandler sim`: simulated venues in the foreground."""

from __future__ import annotations

from dataclasses import asdict

import click

from cli.errors import CliError
from cli.options import json_option
from cli.output import Column, echo_table, json_out


@click.command()
@click.option("--venue", "-v", "venues", multiple=True, help="Which; may be repeated. All if none.")
@click.option("--rate", default=1000.0, show_default=True, help="Book updates a second, per venue.")
@click.option("--seed", default=1, show_default=True, help="Of the market: same seed, same books.")
@click.option("--instruments", type=click.IntRange(1, 2000), help="Listed per venue.")
@json_option
def sim(
    venues: tuple[str, ...], rate: float, seed: int, instruments: int | None, as_json: bool
) -> None:
    """Run simulated venues on loopback until Ctrl-C, and say where they listen.

    They speak the protocols of the real ones over a synthetic market. Point any program at them;
    `feedhandler start --sim` does so by itself. With --json the endpoints are one line on stdout.

    \b
    The truth, to compare books with:  GET  {control_url}/book?symbol=SYMBOL
    Faults on demand:                  POST {control_url}/fault
    """
    import signal

    from feedhandler.sim.runner import VENUES, SimOptions, SimProcess

    chosen = list(dict.fromkeys(venues)) or list(VENUES)
    check_simulated(chosen)
    options = SimOptions(rate=rate, seed=seed, instruments=instruments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with SimProcess(chosen, options) as running:
        endpoints = list(running.endpoints.values())
        if as_json:
            json_out({"endpoints": [asdict(endpoint) for endpoint in endpoints]})
        else:
            columns = [Column("VENUE"), Column("WEBSOCKET"), Column("REST"), Column("CONTROL")]
            echo_table(columns, [(e.venue, e.ws_url, e.rest_url, e.control_url) for e in endpoints])
            click.echo("Ctrl-C ends them.")
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


def check_simulated(venues: list[str]) -> None:
    """Refuse a venue that has no simulator."""
    from feedhandler.near import did_you_mean
    from feedhandler.sim.runner import VENUES

    for venue in venues:
        if venue not in VENUES:
            raise CliError(f"no simulated venue {venue!r}{did_you_mean(venue, VENUES)}")
