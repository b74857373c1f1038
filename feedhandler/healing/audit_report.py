"""What the audits of a venue found, in a file beside the supervisor's socket.

`<namespace>.<venue>.audit.json`: the writer's pid and
epoch, and for each instrument audited {"agree": share of levels, "levels", "sequence", "at_ns",
"known": {"bid", "ask"}}. `known` is how far the book's base reached, null where it was whole:
levels beyond are what the stream happened to mention, and neither audited nor sold as truth.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from feedhandler.runtime_directory import runtime_directory


def _path(namespace: str, venue: str) -> Path:
    return runtime_directory() / f"{namespace}.{venue}.audit.json"


class AuditReport:
    """Written by the venue's IO process, whole each time."""

    def __init__(self, namespace: str, venue: str, epoch: int) -> None:
        self._of = namespace, venue
        self._identity = {"pid": os.getpid(), "epoch": epoch}

    def store(self, instruments: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace the file. Raises OSError."""
        path = _path(*self._of)
        new = path.with_suffix(f".{os.getpid()}")
        new.write_bytes(orjson.dumps({**self._identity, "instruments": dict(instruments)}))
        new.replace(path)

    def remove(self) -> None:
        """The writer ends in order."""
        with suppress(OSError):
            _path(*self._of).unlink(missing_ok=True)


def read_report(namespace: str, venue: str, epoch: int) -> dict[str, Any]:
    """The instruments' audits by the writer of this epoch; empty without any."""
    try:
        found = orjson.loads(_path(namespace, venue).read_bytes())
        instruments = found["instruments"] if found["epoch"] == epoch else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return instruments if isinstance(instruments, dict) else {}
