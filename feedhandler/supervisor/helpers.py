"""The processes beside the venues': of each table that asks for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from feedhandler.config.keys import Config
from feedhandler.log import log
from feedhandler.supervisor.helper_process import HelperProcess
from feedhandler.supervisor.recorder_process import RecorderProcess
from feedhandler.supervisor.reload import HELPERS
from feedhandler.supervisor.serving_process import ServingProcess

_OF: Mapping[str, Callable[[Config], HelperProcess]] = {
    "record": RecorderProcess,
    "serve": ServingProcess,
}


class Helpers:
    """`ended`: is told of a watch that ended by itself, and of whom."""

    def __init__(self, ended: Callable[[str, asyncio.Task[None]], None]) -> None:
        self._ended = ended
        self._running: dict[str, tuple[HelperProcess, asyncio.Task[None]]] = {}

    def start(self, config: Config, tables: Iterable[str] = tuple(HELPERS)) -> None:
        """Those that are asked for."""
        for table in tables:
            if getattr(config, table) is None:
                continue
            helper = _OF[table](config)
            task = asyncio.get_running_loop().create_task(helper.run())
            task.add_done_callback(partial(self._ended, HELPERS[table]))
            self._running[table] = helper, task

    async def stop(self, tables: Iterable[str] = tuple(HELPERS)) -> None:
        """In order."""
        for table in tables:
            if table in self._running:
                helper, task = self._running.pop(table)
                await helper.stop()
                await asyncio.gather(task, return_exceptions=True)

    async def again(self, config: Config, tables: Iterable[str]) -> None:
        """With other settings, or of other venues."""
        for table in tables:
            log.info("%s: other settings, starting it again", HELPERS[table])
            await self.stop((table,))
            self.start(config, (table,))

    def recorder(self) -> list[dict[str, Any]]:
        """What the recorder says of itself, if there is one."""
        helper, _ = self._running.get("record", (None, None))
        return [helper.status()] if isinstance(helper, RecorderProcess) else []
