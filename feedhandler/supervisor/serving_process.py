"""Who serves a feed to other hosts, under its supervisor."""

from __future__ import annotations

import os

from feedhandler.config.keys import Config
from feedhandler.link.serve_process import Order
from feedhandler.supervisor.helper_process import HelperProcess

STOP_S = 10.0


class ServingProcess(HelperProcess):
    """Of a configuration with a table [serve]."""

    def __init__(self, config: Config) -> None:
        serve = config.serve
        assert serve is not None
        order = Order(config.namespace, serve.only or tuple(config.venues), serve, os.getpid())
        super().__init__(
            "serve",
            "feedhandler.link.serve_process",
            order,
            "it cannot serve so, see the log",
            STOP_S,
        )
