"""`feedhandler subscribe`: more instruments of a running venue."""

from __future__ import annotations

import click

from feedhandler.cli.instruments import ask_supervisor, pattern_arguments
from feedhandler.cli.options import json_option, namespace_option


@click.command()
@pattern_arguments
@json_option
@namespace_option
def subscribe(venue: str, patterns: tuple[str, ...], as_json: bool, namespace: str) -> None:
    """Follow more instruments of a running venue, without touching the others.

    PATTERN is the venue's name of an instrument, its normalised name, or a pattern by kind. A
    pattern holds from now on: an instrument that is listed later and matches is taken up, too. All
    this holds until the supervisor ends or reads its configuration again.

    \b
    feedhandler subscribe deribit ETH-PERPETUAL
    feedhandler subscribe okx 'option:BTC-USD:*'

    \b
    Exit codes: 0 followed, 1 the venue does not answer,
    2 refused: unknown, or no room; nothing was changed, 3 none is running.
    """
    ask_supervisor("subscribe", venue, patterns, namespace, as_json)
