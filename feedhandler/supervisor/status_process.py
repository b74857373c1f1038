"""The page, and `/metrics`, of a namespace that has no supervisor: a process of its own.

`python -m feedhandler.supervisor.status_process NAMESPACE ADDRESS`
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from feedhandler import own_process, python_child, status_file
from feedhandler.log import log, setup
from feedhandler.status_file import SERVE
from feedhandler.supervisor.status_http import StatusServer
from feedhandler.view.status import namespace_status


async def _serve(namespace: str, address: str) -> None:
    def status() -> dict[str, Any]:
        return namespace_status(namespace) | {"serving": status_file.beside(SERVE, namespace)}

    server = StatusServer(address, status)
    await server.start()
    await asyncio.Event().wait()


@contextmanager
def beside(namespace: str, address: str) -> Iterator[None]:
    """For as long; "" is none. An address that cannot be had is said in the log, and that is all:
    what is looked at is worth more than who looks."""
    if not address:
        yield
        return
    process = subprocess.Popen(
        python_child.command("feedhandler.supervisor.status_process", namespace, address),
        env=python_child.environment(),
        process_group=0,  # a terminal's Ctrl-C is for us
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def main(namespace: str, address: str) -> int:
    setup("page")
    own_process.child("fh:page")
    try:
        asyncio.run(_serve(namespace, address))
    except OSError as error:
        log.error("%s cannot be had for the page: %s", address, error.strerror or error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
