"""`feedhandler plan`: what would be connected, subscribed and spent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli.errors import FINDING, FINE, USAGE, CliError, warn
from feedhandler.cli.options import FilePath, json_option, venue_file_option
from feedhandler.cli.output import Column, bold, dim, echo, echo_table, json_out, prose
from feedhandler.number_text import plural

if TYPE_CHECKING:
    from feedhandler.planning.every_venue import Planned
    from feedhandler.planning.forecast import VenueForecast

_COLUMNS = [
    Column("VENUE"),
    Column("INSTRUMENTS", right=True),
    Column("CONNECTIONS", right=True),
    Column("KEYS", right=True),
    Column("MESSAGES", right=True),
    Column("REST WEIGHT", right=True),
    Column("LIVE IN", right=True),
    Column("MEMORY", right=True),
]


@click.command()
@click.argument("config", required=False, type=FilePath())
@click.option("--venue", "-v", "venues", multiple=True, help="Only this one; may be repeated.")
@venue_file_option
@click.option("--symbols", metavar="S,..", default="", help="Instruments of every venue.")
@click.option("--offline", is_flag=True, help="Ask nobody; instruments must be plain names.")
@click.option("--keys", "show_keys", is_flag=True, help="Every key of every connection.")
@json_option
def plan(
    config: Path | None,
    venues: tuple[str, ...],
    symbols: str,
    offline: bool,
    show_keys: bool,
    as_json: bool,
) -> int:
    """Show what would be connected, subscribed and spent, without connecting.

    The venues are asked over REST what they list, within the budgets that all processes share, and
    the start is played through under their limits. LIVE IN is the shortest time that the limits
    allow, if nothing was spent yet and every answer came at once. CONFIG is as for `start`.

    \b
    feedhandler plan
    feedhandler plan feed.toml --venue okx --keys
    feedhandler plan -v binance --symbols BTCUSDT,ETHUSDT --offline

    \b
    Exit codes: 0 it fits, 1 a venue does not answer or has closed a budget,
    2 it could not start.
    """
    import asyncio

    from feedhandler.config.load import load
    from feedhandler.planning.every_venue import planned

    wanted = [part.strip() for part in symbols.split(",") if part.strip()]
    found = asyncio.run(planned(load(config, venues=venues, symbols=wanted), offline=offline))
    if as_json:
        json_out(_document(found))
    else:
        _show(found, show_keys)
    for text in found.problems:
        CliError(text).show()
    for text in (*found.unreachable, *found.warnings):
        warn(text)
    if found.unreachable and not found.venues:
        warn(
            "nothing is planned: none of these venues could be asked. Without a network: "
            "`feedhandler plan --offline` takes plain names, `feedhandler start --sim` needs none"
        )
    if found.problems:
        return USAGE
    return FINDING if found.unreachable or found.warnings else FINE


def _document(found: Planned) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(found)


def _show(found: Planned, show_keys: bool) -> None:
    if found.venues:
        echo_table(_COLUMNS, [_row(one) for one in found.venues])
    for one in found.venues:
        echo()
        prose(bold(one.venue) + dim(_paced(one)))
        for number, connection in enumerate(one.connections):
            prose(
                f"  {number}  {connection.url}  {plural(len(connection.keys), 'key')} in "
                f"{plural(connection.messages, 'message')} ({plural(connection.bytes, 'byte')}), "
                f"open after {_time(connection.open_s)}, "
                f"subscribed after {_time(connection.subscribed_s)}"
            )
            if show_keys:
                for key in connection.keys:
                    prose(f"       {key}")


def _row(one: VenueForecast) -> list[str]:
    return [
        one.venue,
        str(len(one.instruments)),
        str(len(one.connections)),
        str(one.keys),
        str(one.messages),
        str(one.rest_weight),
        _time(one.live_s),
        f"{one.shared_bytes / (1 << 20):.1f} MiB",
    ]


def _time(seconds: float) -> str:
    return number_text.seconds(seconds)


def _paced(one: VenueForecast) -> str:
    return f"  paced by {' and '.join(one.paced_by)}" if one.paced_by else ""
