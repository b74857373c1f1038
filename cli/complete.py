"""What a shell may complete: venues that run, and their instruments; nothing where that fails."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import click


def _namespace(context: click.Context) -> str:
    from feedhandler.cli.options import DEFAULT_NAMESPACE

    given = context.params.get("namespace") or os.environ.get("FEEDHANDLER_NAMESPACE")
    return str(given or DEFAULT_NAMESPACE)


def venues(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Those that have memory in the namespace."""
    with suppress(Exception):
        from shm.attach import venues as there

        return [name for name in there(_namespace(context)) if name.startswith(begun)]
    return []


def symbols(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """A venue's own symbols and the normalised names."""
    with suppress(Exception):
        from shm.inspect import open_memory

        venue: Any = context.params.get("venue")
        with open_memory(venue, namespace=_namespace(context)) as memory:
            names = {name for both in memory.segment.names(0) for name in both if name}
        return sorted(name for name in names if name.startswith(begun))
    return []
