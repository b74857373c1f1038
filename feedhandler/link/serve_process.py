"""`feedhandler serve` as a process; also under a supervisor.

`python -m feedhandler.link.serve_process` reads one JSON object on stdin, an `Order`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from time import monotonic
from typing import Any

import msgspec

from feedhandler import own_process
from feedhandler.config.places import TABLE
from feedhandler.config.serve_keys import ServeConfig
from feedhandler.link import engine_log, names, process
from feedhandler.link.serving import Serving
from feedhandler.link.session import LISTEN, LinkError, NoEngine, open_session, reached
from feedhandler.log import log, setup
from feedhandler.status_file import SERVE, StatusFile

_LOOK_S = 0.5


class Exit(IntEnum):
    """Exit codes of the process."""

    STOPPED = 0
    FAILED = 1
    REFUSED = 2  #: an endpoint, a file or a name that cannot be had


class Order(msgspec.Struct, frozen=True):
    """What the supervisor asks for."""

    namespace: str
    venues: tuple[str, ...]
    config: ServeConfig
    parent: int = 0


def run(config: ServeConfig, namespace: str, venues: Sequence[str], *, parent: int = 0) -> None:
    """Serve until SIGINT or SIGTERM, or until the process `parent` is gone.

    `venues` empty: all of the namespace, whenever they come. Raises :class:`LinkError`.
    """
    own_process.pin(config.cpu, config.places.of("cpu"))
    engine_log.hear()
    name = config.name or names.own_name()
    listen = [names.endpoint(each) for each in config.listen]
    connect = [names.endpoint(each) for each in config.connect]
    if not listen and not connect and config.zenoh is None:
        listen = [LISTEN]
    ends = reached(listen, connect, config.zenoh)
    with process.stopping() as stop:
        session = open_session(listen, connect, config.zenoh, stop)
        if session is None:
            return
        serving = Serving(session, name, namespace, venues, config.batch_kib << 10)
        try:
            where = ", ".join([*ends[0], *ends[1]])
            log.info("%s: serving as %s, %s", namespace, name, where)
            with _shown(namespace) as show:
                while not stop.is_set():
                    serving.look()
                    show({"name": name, "endpoints": [*ends[0], *ends[1]]}, serving.status())
                    stop.wait(_LOOK_S)
                    if parent and os.getppid() != parent:
                        break
        finally:
            serving.close()
            session.close()


@contextmanager
def _shown(namespace: str) -> Iterator[Callable[[dict[str, Any], list[dict[str, Any]]], None]]:
    """Where `feedhandler status` sees it, if there is a place for that."""
    began, before = monotonic(), (monotonic(), 0, 0)
    try:
        file = StatusFile(SERVE, namespace)
    except OSError as error:
        log.warning("no status of this process is to be had: %s", error)
        yield lambda *_: None
        return

    def show(who: dict[str, Any], venues: list[dict[str, Any]]) -> None:
        nonlocal before
        now = monotonic(), *(sum(each[name] for each in venues) for name in ("batches", "bytes"))
        took = max(1e-3, now[0] - before[0])
        rates = [max(0.0, (new - old) / took) for new, old in zip(now[1:], before[1:], strict=True)]
        before = now
        said = {"pid": os.getpid(), "namespace": namespace, "venues": venues}
        said |= {"uptime_ns": int((now[0] - began) * 1e9)}
        said |= dict(zip(("batches_per_second", "bytes_per_second"), rates, strict=True))
        file.write(who | said)

    try:
        yield show
    finally:
        file.close()


def main(order: Order) -> Exit:
    """The process that `feedhandler start` runs."""
    setup("serve")
    own_process.child("fh:serve")
    try:
        run(order.config, order.namespace, order.venues, parent=order.parent)
    except LinkError as error:
        places = order.config.places
        of_all = isinstance(error, NoEngine)
        where = places.of(TABLE) if of_all else places.first_of("zenoh", "listen", "connect")
        log.error("%s: %s%s", where, error, f": {error.cure}" if error.cure else "")
        return Exit.REFUSED
    except Exception:
        log.exception("failed")
        return Exit.FAILED
    return Exit.STOPPED


if __name__ == "__main__":
    sys.exit(main(msgspec.json.decode(sys.stdin.buffer.read(), type=Order)))
