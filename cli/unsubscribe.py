"""`feedhandler unsubscribe`: fewer instruments of a running venue."""

from __future__ import annotations

import click

from feedhandler.cli.instruments import ask_supervisor, pattern_arguments
from feedhandler.cli.options import json_option, namespace_option


@click.command()
@pattern_arguments
@json_option
@namespace_option
def unsubscribe(venue: str, patterns: tuple[str, ...], as_json: bool, namespace: str) -> None:
    """Stop following instruments of a running venue, without touching the others.

    Readers see them CLOSED(UNSUBSCRIBED). They stay out, also where the configuration asks for
    them, until the supervisor ends or reads its configuration again.

    \b
    feedhandler unsubscribe deribit ETH-PERPETUAL
    feedhandler unsubscribe okx 'BTC-USD-*-P'

    \b
    Exit codes: 0 left, 1 the venue does not answer,
    2 refused: unknown, or nothing would be left, 3 none is running.
    """
    ask_supervisor("unsubscribe", venue, patterns, namespace, as_json)
