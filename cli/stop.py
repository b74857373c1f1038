"""`feedhandler stop`: ask the running supervisor to end."""

from __future__ import annotations

import time
from typing import Any

import click

from feedhandler.cli.errors import FINDING, CliError
from feedhandler.cli.options import namespace_option
from feedhandler.cli.output import echo


@click.command()
@namespace_option
@click.option("--timeout", default=15.0, show_default=True, help="Seconds to wait for the end.")
def stop(namespace: str, timeout: float) -> None:
    """Stop the running supervisor and its venues, in order, and wait until they are gone.

    Readers see every venue CLOSED(STOPPED), and nothing is left in /dev/shm (unless it was started
    with --keep).

    \b
    Exit codes: 0 stopped, 1 it does not answer, or did not end in time,
    3 none is running.
    """
    from feedhandler.supervisor.control_socket import NotRunning, request

    deadline = time.monotonic() + timeout
    found = request(namespace, {"do": "status"}, timeout)
    request(namespace, {"do": "stop"}, timeout)
    while time.monotonic() < deadline:
        try:
            request(namespace, {"do": "status"}, 1.0)
        except NotRunning:
            echo(_words(found))
            return
        time.sleep(0.05)
    raise CliError(
        f"the supervisor of {namespace!r} did not end within {timeout:g} s",
        "see what it is doing: feedhandler status",
        FINDING,
    )


def _words(found: dict[str, Any]) -> str:
    """What there was, and what there is left of it."""
    from feedhandler.number_text import duration, plural
    from shm.inspect import list_objects

    namespace = found["namespace"]
    venues = ", ".join(one["venue"] for one in found["venues"])
    up = duration(found["supervisor"]["uptime_ns"])
    left = len(list_objects(namespace))
    kept = f"{plural(left, 'object')} left in /dev/shm: `feedhandler clean` removes what is dead"
    rest = kept if left else "nothing is left in /dev/shm"
    return f"stopped {namespace} after {up} ({venues}); {rest}"
