"""Places at which a recorder may be cut off: a test ends it there, or lets the disk be full."""

from __future__ import annotations

from collections.abc import Callable

hook: Callable[[str], None] | None = None
"""Called with the name of each place that is reached. Tests set it."""


def at(name: str) -> None:
    if hook is not None:
        hook(name)
