"""`feedhandler serve`: a feed's memory, for mirrors on other hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from feedhandler.cli.errors import FINE
from feedhandler.cli.options import FilePath, namespace_option


@click.command()
@click.argument("venues", nargs=-1)
@click.option("--listen", multiple=True, metavar="ENDPOINT", help="Where mirrors reach it.")
@click.option("--connect", multiple=True, metavar="ENDPOINT", help="A router to connect to.")
@click.option("--name", default="", help="What mirrors call it.  [default: the host's name]")
@click.option("--zenoh", metavar="FILE", type=FilePath(), help="Zenoh's own configuration.")
@click.option(
    "--batch-kib", type=int, default=48, metavar="N", help="KiB of records in a message, at most."
)
@click.option("--cpu", type=int, metavar="N", help="The CPU that it is pinned to.")
@namespace_option
def serve(venues: tuple[str, ...], zenoh: Path | None, namespace: str, **given: Any) -> int:
    """Let other hosts mirror what a running feed carries.

    It reads the shared memory as a strategy does, and publishes it over Zenoh, once for all
    mirrors. Without a VENUE it serves all that are there, and that come. It listens on
    127.0.0.1:7447 unless it is told where to.

    \b
    feedhandler serve --listen 10.0.0.5:7447
    feedhandler serve okx --connect tls/router.example:7447 --zenoh tls.json5

    \b
    Exit codes: 0 fine, 2 usage, an endpoint or a name that cannot be had.
    """
    from feedhandler.config.document import ConfigError
    from feedhandler.config.keys import keys
    from feedhandler.config.serve_keys import ServeConfig
    from feedhandler.link.serve_process import run
    from feedhandler.log import setup

    problems: list[str] = []
    given = {key: value for key, value in given.items() if value not in (None, (), "")}
    if zenoh is not None:
        given["zenoh"] = str(zenoh)
    for key, value in given.items():
        judged = list(value) if isinstance(value, tuple) else value
        keys(ServeConfig)[key].allowed.judges(
            key, judged, lambda name, text: problems.append(f"command line: {name}: {text}")
        )
    if problems:
        raise ConfigError(problems)
    setup("serve")
    run(ServeConfig(**given), namespace, venues)
    return FINE
