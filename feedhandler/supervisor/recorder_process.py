"""The recorder of a feed under its supervisor, and what is told of it."""

from __future__ import annotations

import os
from time import time_ns
from typing import Any

from feedhandler import number_text
from feedhandler.config.keys import Config
from feedhandler.recording.process import Order
from feedhandler.status_file import recorders
from feedhandler.supervisor.helper_process import HelperProcess

STOP_S = 30.0  #: what is open then is written out, and a disk may be slow


class RecorderProcess(HelperProcess):
    """Of a configuration with a table [record]."""

    def __init__(self, config: Config) -> None:
        record = config.record
        assert record is not None
        order = Order(config.namespace, record.only or tuple(config.venues), record, os.getpid())
        super().__init__(
            "recorder",
            "feedhandler.recording.process",
            order,
            "the directory was refused, see the log",
            STOP_S,
        )
        self._namespace, self._to = config.namespace, record.to

    def status(self) -> dict[str, Any]:
        """What it says of itself, or what became of it."""
        pid = self.pid
        said = next((one for one in recorders(self._namespace) if one["pid"] == pid), None)
        if said is not None:
            return said | {"restarts": self.restarts}
        left = (self._next_ns - time_ns()) / 1e9
        state = "STARTING" if pid else "ENDED"
        detail = "" if pid else self._last
        if not pid and left > 0:
            detail += f"; restarting in {number_text.seconds(left)}"
        return {
            "pid": pid,
            "directory": self._to,
            "state": state,
            "detail": detail,
            "venues": [],
            "restarts": self.restarts,
        }
