"""`feedhandler venue`: what helps to write one."""

from __future__ import annotations

import click

from feedhandler.cli.lazy import LazyGroup


@click.group(cls=LazyGroup, lazy={"check": "feedhandler.cli.venue_check:check"})
def venue() -> None:
    """Help with a venue that is being written: docs/adding-a-venue.md goes through one.

    \b
    feedhandler venue check mine.py --frames recorded.ndjson
    """
