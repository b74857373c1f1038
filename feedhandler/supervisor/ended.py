"""The end of a process that we started: in order, or by force."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from feedhandler.log import log


async def ended(
    process: Process | None, within_s: float, name: str, extra: Mapping[str, Any] | None = None
) -> None:
    """SIGTERM, and SIGKILL for one that does not listen. None: there is none, or not any more.

    `name`, `extra`: of whom the log speaks.
    """
    if process is None or process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except TimeoutError:
        log.error("%s: does not stop, killing it", name, extra=extra)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
