"""`feedhandler bench`: the numbers of this host."""

from __future__ import annotations

import click

from cli.lazy import LazyGroup


@click.group(cls=LazyGroup, lazy={"decode": "cli.bench_decode:decode"})
def bench() -> None:
    """Measure this host, each number beside the floor: what the least C that does the work needs.

    \b
    feedhandler bench decode
    feedhandler bench decode --captures recordings/ --json
    """
