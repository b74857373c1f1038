"""What the shared-memory objects of a venue are called."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from shm.errors import BadName

DEFAULT_NAMESPACE = "feedhandler"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,48}")


def check_name(what: str, name: str) -> str:
    """`name` itself, or :class:`BadName`: 1 to 48 of letters, digits, `-` and `_`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadName(f"{what} {name!r}: 1 to 48 letters, digits, '-' or '_' are allowed")
    return name


def default_namespace() -> str:
    """FEEDHANDLER_NAMESPACE, or "feedhandler"."""
    return os.environ.get("FEEDHANDLER_NAMESPACE") or DEFAULT_NAMESPACE


def control_name(namespace: str, venue: str) -> str:
    return f"/{check_name('namespace', namespace)}.{check_name('venue', venue)}"


def data_name(namespace: str, venue: str, epoch: int) -> str:
    return f"{control_name(namespace, venue)}.{epoch}"


class ObjectName(NamedTuple):
    """A shared-memory object of ours, taken apart. `epoch` None: the control object."""

    namespace: str
    venue: str
    epoch: int | None

    @property
    def path(self) -> str:
        """As shm_open takes it, with the leading slash."""
        base = f"/{self.namespace}.{self.venue}"
        return base if self.epoch is None else f"{base}.{self.epoch}"


def parse(name: str) -> ObjectName | None:
    """The name of a file in /dev/shm, taken apart; None: it is no object of ours."""
    parts = name.split(".")
    if len(parts) not in (2, 3) or not all(_NAME.fullmatch(part) for part in parts):
        return None
    if len(parts) == 3 and not parts[2].isdecimal():
        return None
    return ObjectName(parts[0], parts[1], int(parts[2]) if len(parts) == 3 else None)
