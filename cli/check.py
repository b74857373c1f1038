"""`feedhandler check`: whether a configuration would be taken, without asking anybody."""

from __future__ import annotations

from pathlib import Path

import click

from feedhandler import number_text
from feedhandler.cli.options import FilePath, venue_file_option
from feedhandler.cli.output import echo


@click.command()
@click.argument("config", type=FilePath())
@venue_file_option
def check(config: Path) -> None:
    """Say whether a configuration file makes sense, without network and without a feed.

    Each mistake is shown with its line, its key and its cure. Whether a venue lists the
    instruments, only the venue knows: `feedhandler plan` asks it.

    \b
    feedhandler check feed.toml && feedhandler reload

    \b
    Exit codes: 0 it makes sense, 2 it does not.
    """
    from feedhandler.config.load import load

    found = load(config)
    echo(
        f"{config}: well: {number_text.plural(len(found.venues), 'venue')} in the namespace "
        f"{found.namespace!r}: {', '.join(found.venues)}"
    )
