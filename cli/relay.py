"""`feedhandler relay`: many mirrors of one `serve`, which then sends once."""

from __future__ import annotations

from pathlib import Path

import click

from feedhandler.cli.errors import FINE
from feedhandler.cli.options import FilePath


@click.command()
@click.option(
    "--listen", multiple=True, metavar="ENDPOINT", help="Where `serve` and mirrors reach it."
)
@click.option("--connect", multiple=True, metavar="ENDPOINT", help="A further relay or router.")
@click.option("--zenoh", metavar="FILE", type=FilePath(), help="Zenoh's own configuration.")
@click.option("--cpu", type=int, metavar="N", help="The CPU that it is pinned to.")
def relay(
    listen: tuple[str, ...], connect: tuple[str, ...], zenoh: Path | None, cpu: int | None
) -> int:
    """Send to many mirrors what one `serve` sends once.

    It is Zenoh's router as a process of its own, on the feed's host or on another one. `serve`
    connects to it, and so do the mirrors: what a further mirror costs is its own and not the
    source's. It listens on 127.0.0.1:7447 unless it is told where to.

    \b
    feedhandler relay --listen 10.0.0.5:7447 --cpu 3
    feedhandler serve --connect 10.0.0.5:7447
    feedhandler mirror okx --from 10.0.0.5:7447

    \b
    Exit codes: 0 fine, 2 usage, an endpoint that cannot be had.
    """
    from feedhandler.link.relay_process import run
    from feedhandler.log import setup

    setup("relay")
    run(listen, connect, zenoh=zenoh, cpu=cpu)
    return FINE
