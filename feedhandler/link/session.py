"""The engine that carries it, eclipse-zenoh: it reaches nothing that was not named."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from feedhandler.link._link import Attached
from feedhandler.log import log

_LOOK_S = 0.05
_SILENT_S = 1.0  #: then the log says that nobody is there

#: What comes is read by the thread that sees it come. By itself the engine hands it to another one,
#: which wakes a third, and that is a quarter of a batch's way.
_THREADS = "ZENOH_RUNTIME", "(rx: (handover: app))"

LISTEN = "tcp/127.0.0.1:7447"  #: unless something else is said

#: Nobody is looked for, nothing is waited for, and what a slow link cannot take is dropped at once.
_SETTINGS: dict[str, Any] = {
    "scouting/multicast/enabled": False,
    "scouting/gossip/enabled": False,
    "connect/timeout_ms": -1,
    "connect/exit_on_failure": False,
    "connect/retry": {"period_init_ms": 100, "period_max_ms": 1000, "period_increase_factor": 2},
    "transport/shared_memory/enabled": False,
    "transport/link/rx/max_message_size": 1 << 28,  # nobody makes us keep more at once
    "transport/link/tx/queue/size/data": 16,
    "transport/link/tx/queue/congestion_control/drop/wait_before_drop": 0,
    "transport/link/tx/queue/congestion_control/drop/max_wait_before_drop_fragments": 0,
}


class LinkError(Exception):
    """There is no link, and why; `cure`: what would help."""

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what)
        self.cure = cure


class NoEngine(LinkError):  # noqa: N818
    """It is not installed."""


def engine() -> Any:
    """The module. Raises :class:`NoEngine`, which says how to get it."""
    os.environ.setdefault(*_THREADS)  # it looks there when it opens its first session
    try:
        import zenoh
    except ImportError:
        raise NoEngine(
            "eclipse-zenoh is not installed, which carries a feed to other hosts",
            "pip install 'feedhandler[mirror]'",
        ) from None
    return zenoh


def at_once(take: Callable[[Any], None], over: Callable[[], None] | None = None) -> Any:
    """A callback that runs in the engine's thread, and not in one more of its own. So it is short,
    and waits for nothing that the engine has to bring."""
    return engine().handlers.Callback(Attached(take), over, indirect=False)


def open_session(
    listen: Sequence[str],
    connect: Sequence[str],
    file: str | Path | None,
    stop: threading.Event | None = None,
    *,
    router: bool = False,
) -> Any:
    """`file`: a configuration of Zenoh's own. What it leaves as Zenoh has it is as without a file.
    `router`: it hands on between all that are connected to it.

    Who connects only waits until somebody is there; None: `stop` was set before.

    Raises :class:`LinkError`: an endpoint that cannot be had, a file that is no configuration.
    """
    config = _config(listen, connect, file)
    if router:
        config.insert_json5("mode", json.dumps("router"))
    where = ", ".join([*_endpoints(config, "listen"), *_endpoints(config, "connect")])
    opening = _Opening(engine(), config)
    said = monotonic() + _SILENT_S
    while not opening.done.wait(_LOOK_S):
        if stop is not None and stop.is_set():
            return None
        if monotonic() >= said:
            said = inf
            log.warning("%s: not connected yet; it is tried until it is", where)
    if opening.error is not None:
        raise LinkError(f"{where}: {_first_line(opening.error)}") from None
    return opening.session


def reached(
    listen: Sequence[str], connect: Sequence[str], file: str | Path | None
) -> tuple[list[str], list[str]]:
    """Where such a session listens, and where it connects to. Raises :class:`LinkError`."""
    config = _config(listen, connect, file)
    return _endpoints(config, "listen"), _endpoints(config, "connect")


def _config(listen: Sequence[str], connect: Sequence[str], file: str | Path | None) -> Any:
    zenoh = engine()
    try:
        config = zenoh.Config() if file is None else zenoh.Config.from_file(str(file))
        _complete(config, zenoh.Config(), listen, connect)
    except (zenoh.ZError, ValueError) as error:
        raise LinkError(f"{file or 'the endpoints'}: {_first_line(error)}") from None
    return config


def _endpoints(config: Any, what: str) -> list[str]:
    """Those of its mode, where it has some for each."""
    found = json.loads(config.get_json(f"{what}/endpoints"))
    if isinstance(found, dict):
        found = found.get(json.loads(config.get_json("mode")), [])
    return list(map(str, found))


def _complete(config: Any, usual: Any, listen: Sequence[str], connect: Sequence[str]) -> None:
    """Endpoints that are named, and all that nobody said otherwise: as in `usual`, the engine's."""

    def left(where: str) -> bool:
        same: bool = config.get_json(where) == usual.get_json(where)
        return same

    if listen or left("listen/endpoints"):  # the engine's own would be open to everybody
        config.insert_json5("listen/endpoints", json.dumps(list(listen)))
    if connect:
        config.insert_json5("connect/endpoints", json.dumps(list(connect)))
    listens = json.loads(config.get_json("listen/endpoints"))
    for where, value in _SETTINGS.items():
        if left(where):
            config.insert_json5(where, json.dumps(value))
    if left("mode"):  # a router hands on between clients, between peers it does not
        config.insert_json5("mode", json.dumps("peer" if listens else "client"))


class _Opening:
    """`zenoh.open` returns when somebody is there, and hears no signal: so not in our thread."""

    def __init__(self, zenoh: Any, config: Any) -> None:
        self.done = threading.Event()
        self.session: Any = None
        self.error: Exception | None = None
        self._zenoh, self._config = zenoh, config
        threading.Thread(target=self._run, name="open", daemon=True).start()

    def _run(self) -> None:
        try:
            self.session = self._zenoh.open(self._config)
        except Exception as error:
            self.error = error
        self.done.set()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
