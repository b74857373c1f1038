"""What the shared-memory objects of a venue are called."""

from __future__ import annotations

import os
import re
from typing import Literal, NamedTuple

from shm.errors import BadName

DEFAULT_NAMESPACE = "feedhandler"
NAME = re.compile(r"[A-Za-z0-9_-]{1,48}")

Part = Literal["control", "data", "readers", "lock"]


def check_name(what: str, name: str) -> str:
    """`name` itself, or :class:`BadName`: 1 to 48 of letters, digits, `-` and `_`."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadName(f"{what} {name!r}: 1 to 48 letters, digits, '-' or '_' are allowed")
    return name


def default_namespace() -> str:
    """FEEDHANDLER_NAMESPACE, or "feedhandler"."""
    return os.environ.get("FEEDHANDLER_NAMESPACE") or DEFAULT_NAMESPACE


def control_name(namespace: str, venue: str) -> str:
    """Who the writer is and which epoch is its; its sign of life is a lock on it."""
    return f"/{check_name('namespace', namespace)}.{check_name('venue', venue)}"


def data_name(namespace: str, venue: str, epoch: int) -> str:
    """The memory of one epoch."""
    return f"{control_name(namespace, venue)}.{epoch}"


def readers_name(namespace: str, venue: str) -> str:
    """What readers may write."""
    return f"{control_name(namespace, venue)}.readers"


def lock_name(namespace: str, venue: str) -> str:
    """Whose lock makes a process the writer."""
    return f"{control_name(namespace, venue)}.lock"


class ObjectName(NamedTuple):
    """A shared-memory object of ours, taken apart. `epoch`: of a data object, else None."""

    namespace: str
    venue: str
    epoch: int | None
    part: Part

    @property
    def path(self) -> str:
        """As shm_open takes it, with the leading slash."""
        base = f"/{self.namespace}.{self.venue}"
        if self.part == "control":
            return base
        return f"{base}.{self.part if self.epoch is None else self.epoch}"


def parse(name: str) -> ObjectName | None:
    """The name of a file in /dev/shm, taken apart; None: it is no object of ours."""
    parts = name.split(".")
    if len(parts) not in (2, 3) or not all(NAME.fullmatch(part) for part in parts):
        return None
    namespace, venue, *rest = parts
    if not rest:
        return ObjectName(namespace, venue, None, "control")
    match rest[0]:
        case "readers" | "lock" as part:
            return ObjectName(namespace, venue, None, part)
        case number if number.isdecimal() and str(int(number)) == number:
            return ObjectName(namespace, venue, int(number), "data")
    return None
