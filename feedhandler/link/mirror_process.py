"""`feedhandler mirror` as a process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from feedhandler import own_process
from feedhandler.link import engine_log, names, process
from feedhandler.link.asking import Wanted
from feedhandler.link.mirroring import Mirroring
from feedhandler.link.session import open_session, reached
from feedhandler.log import log

_LOOK_S = 0.2


def run(
    venues: Sequence[str],
    endpoints: Sequence[str],
    *,
    namespace: str,
    source: str = "",
    source_namespace: str,
    only: Sequence[str] = (),
    kinds: Sequence[str] = (),
    silence_s: float = 1.0,
    zenoh: Path | None = None,
    cpu: int | None = None,
) -> None:
    """Mirror until SIGINT or SIGTERM.

    Raises :class:`feedhandler.link.session.LinkError`, and what :func:`shm.segment.create` raises
    where memory cannot be had.
    """
    own_process.pin(cpu)
    engine_log.hear()
    connect = [names.endpoint(each) for each in endpoints]
    listens, connects = reached([], connect, zenoh)
    link = ", ".join([*connects, *listens])
    wanted = Wanted(
        source or "*",
        source_namespace,
        namespace,
        tuple(only),
        tuple(kinds),
        int(silence_s * 1e9),
        link,
    )
    with process.stopping() as stop:
        session = open_session([], connect, zenoh, stop)
        if session is None:
            return
        mirroring = Mirroring(session, venues, wanted)
        try:
            log.info("%s: mirroring %s over %s", namespace, ", ".join(venues), link)
            while not stop.wait(_LOOK_S):
                for venue in mirroring.venues.values():
                    if venue.failed is not None:
                        raise venue.failed
        finally:
            mirroring.close()
            session.close()
