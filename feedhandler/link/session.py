"""The engine that carries it, eclipse-zenoh: it reaches nothing that was not named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LISTEN = "tcp/127.0.0.1:7447"  #: unless something else is said

#: Nobody is looked for, nothing is waited for, and what a slow link cannot take is dropped at once.
_SETTINGS: dict[str, Any] = {
    "mode": "peer",
    "scouting/multicast/enabled": False,
    "scouting/gossip/enabled": False,
    "connect/timeout_ms": -1,
    "connect/exit_on_failure": False,
    "connect/retry": {"period_init_ms": 100, "period_max_ms": 1000, "period_increase_factor": 2},
    "transport/shared_memory/enabled": False,
    "transport/link/tx/queue/size/data": 16,
    "transport/link/tx/queue/congestion_control/drop/wait_before_drop": 0,
    "transport/link/tx/queue/congestion_control/drop/max_wait_before_drop_fragments": 0,
}


class LinkError(Exception):
    """There is no link, and why; `cure`: what would help."""

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what)
        self.cure = cure


def engine() -> Any:
    """The module; raises :class:`LinkError` where it is not installed."""
    try:
        import zenoh
    except ImportError:
        raise LinkError(
            "eclipse-zenoh is not installed, which carries a feed to other hosts: "
            "pip install 'feedhandler[mirror]'"
        ) from None
    return zenoh


def open_session(listen: Sequence[str], connect: Sequence[str], file: str | Path | None) -> Any:
    """`file`: a configuration of Zenoh's own, which then decides all that is not named here.

    Raises :class:`LinkError`: an endpoint that cannot be had, a file that is no configuration.
    """
    zenoh = engine()
    try:
        if file is not None:
            config = zenoh.Config.from_file(str(file))
        else:
            config = zenoh.Config()
            for where, value in _SETTINGS.items():
                config.insert_json5(where, json.dumps(value))
            config.insert_json5("listen/endpoints", json.dumps(list(listen)))
            if not listen:  # a router hands on between clients, between peers it does not
                config.insert_json5("mode", json.dumps("client"))
        if listen:
            config.insert_json5("listen/endpoints", json.dumps(list(listen)))
        if connect:
            config.insert_json5("connect/endpoints", json.dumps(list(connect)))
    except (zenoh.ZError, ValueError) as error:
        raise LinkError(f"{file or 'the endpoints'}: {_first_line(error)}") from None
    try:
        return zenoh.open(config)
    except zenoh.ZError as error:
        where = ", ".join([*listen, *connect]) or str(file)
        raise LinkError(f"{where}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
