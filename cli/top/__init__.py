"""`feedhandler top`: a live screen of the whole feed."""

from __future__ import annotations

import os
import sys

import click

from feedhandler.cli import terminal
from feedhandler.cli.errors import CliError
from feedhandler.cli.options import namespace_option


@click.command()
@namespace_option
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0.2, 60.0),
    default=1.0,
    show_default=True,
    help="Seconds from one look to the next.",
)
def top(namespace: str, every_s: float) -> None:
    """Show the whole feed, live: venues, connections, instruments, readers, books.

    Enter goes into what is marked, Escape back, `/` filters, `s` sorts by the next column, `?` says
    the rest. All of it is read from shared memory: the feed does not notice, and what a dead feed
    has left is shown as what it is.

    \b
    feedhandler top
    feedhandler top --every 0.5
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise CliError("this is no terminal", "for programs: feedhandler status --json")
    if not terminal.draws():
        raise CliError(
            f"this terminal cannot draw a screen (TERM={os.environ.get('TERM', '')})",
            "line by line: feedhandler status --watch",
        )
    from feedhandler.cli.top.app import run

    run(namespace, every_s)
