"""`feedhandler mirror`: another host's feed, in shared memory here."""

from __future__ import annotations

from pathlib import Path

import click

from feedhandler.cli.errors import FINE
from feedhandler.cli.options import DEFAULT_NAMESPACE, FilePath, namespace_option


@click.command()
@click.argument("venues", nargs=-1, required=True)
@click.option(
    "--from", "endpoints", multiple=True, metavar="ENDPOINT", help="The feed's host, or a router."
)
@click.option("--source", default="", metavar="NAME", help="Which, where several serve a venue.")
@click.option(
    "--source-namespace", default=DEFAULT_NAMESPACE, show_default=True, metavar="NS",
    help="The feed's namespace there.",
)  # fmt: skip
@click.option("--only", multiple=True, metavar="PATTERN", help="Only such instruments.")
@click.option("--kinds", multiple=True, metavar="KIND", help="Only messages with such records.")
@click.option(
    "--silence", "silence_s", type=click.FloatRange(0.2, 60.0), default=1.0, show_default=True,
    metavar="S", help="A link that is silent for so long makes books STALE.",
)  # fmt: skip
@click.option("--zenoh", metavar="FILE", type=FilePath(), help="Zenoh's own configuration.")
@click.option(
    "--status-address", default="", metavar="HOST:PORT",
    help="Where the page and /metrics are served.  [default: nowhere]",
)  # fmt: skip
@click.option("--cpu", type=int, metavar="N", help="The CPU that it is pinned to.")
@namespace_option
def mirror(
    venues: tuple[str, ...],
    endpoints: tuple[str, ...],
    source: str,
    source_namespace: str,
    only: tuple[str, ...],
    kinds: tuple[str, ...],
    silence_s: float,
    zenoh: Path | None,
    status_address: str,
    cpu: int | None,
    namespace: str,
) -> int:
    """Have another host's feed in shared memory here, as if it ran here.

    It writes memory of the same contract, with the same epochs and the same sequence numbers as the
    host that runs `feedhandler serve`. While the link is not in step, every book is STALE(LINK).

    \b
    feedhandler mirror deribit okx --from 10.0.0.5
    feedhandler mirror deribit --from 10.0.0.5 --only 'option:BTC-USD:*'
    feedhandler mirror okx --from 10.0.0.5 --status-address 127.0.0.1:8787

    \b
    Exit codes: 0 fine, 2 usage, an endpoint or memory that cannot be had.
    """
    from feedhandler.adapter.selection import check
    from feedhandler.config.keys import Config, keys
    from feedhandler.link import mirror_process, names
    from feedhandler.log import setup
    from feedhandler.supervisor import status_process
    from shm.object_names import check_name

    if not endpoints and zenoh is None:
        raise click.UsageError("from where? --from ENDPOINT, or --zenoh FILE with endpoints")
    try:
        for rule in only:
            try:
                check(rule)
            except ValueError as error:
                raise ValueError(f"--only {rule!r}: {error}") from None
        names.kind_bits(kinds)
        if source:
            names.checked_name(source)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for venue in venues:
        check_name("venue", venue)
    told: list[str] = []
    keys(Config)["status_address"].allowed.judges(
        "--status-address", status_address, lambda name, text: told.append(f"{name}: {text}")
    )
    if told:
        raise click.UsageError(told[0])
    setup("mirror")
    with status_process.beside(namespace, status_address):
        mirror_process.run(
            venues,
            endpoints,
            namespace=namespace,
            source=source,
            source_namespace=source_namespace,
            only=only,
            kinds=kinds,
            silence_s=silence_s,
            zenoh=zenoh,
            cpu=cpu,
        )
    return FINE
