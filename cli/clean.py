"""`feedhandler clean`: remove what no writer holds."""

from __future__ import annotations

import click

from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import echo, json_out


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@namespace_option
@json_option
def clean(dry_run: bool, namespace: str, as_json: bool) -> None:
    """Remove the shared memory that killed writers left; what a writer holds stays.

    A feed that stops in order leaves nothing, so there is rarely anything to do.
    """
    from shm.clean import sweep

    swept = sweep(namespace, dry_run=dry_run)
    if as_json:
        json_out({"removed": swept.removed, "left": swept.left, "dry_run": dry_run})
        return
    for path in swept.removed:
        echo(f"{'would remove' if dry_run else 'removed'} {path}")
    for path, why in swept.left.items():
        echo(f"left {path}: {why}")
    if not swept.removed and not swept.left:
        echo("nothing to remove")
