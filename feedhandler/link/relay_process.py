"""`feedhandler relay` as a process: Zenoh's router, between one `serve` and many mirrors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from feedhandler import own_process
from feedhandler.link import engine_log, names, process
from feedhandler.link.session import LISTEN, open_session
from feedhandler.log import log


def run(
    listen: Sequence[str], connect: Sequence[str], *, zenoh: Path | None = None, cpu: int | None
) -> None:
    """Hand on until SIGINT or SIGTERM; it knows of no venue, and keeps nothing.

    Raises :class:`feedhandler.link.session.LinkError`.
    """
    own_process.pin(cpu)
    engine_log.hear()
    ends = [names.endpoint(each) for each in listen]
    further = [names.endpoint(each) for each in connect]
    if not ends and zenoh is None:
        ends = [LISTEN]
    with process.stopping() as stop:
        session = open_session(ends, further, zenoh, stop, router=True)
        if session is None:
            return
        try:
            log.info("relaying, %s", ", ".join([*ends, *further]) or f"as {zenoh} says")
            stop.wait()
        finally:
            session.close()
