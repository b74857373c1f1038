"""A relay between a source and its mirror: rows of the table in docs/mirror.md."""

from __future__ import annotations

import socket
import time

import pytest

from feedhandler.cli.main import main
from tests.link.fault_table import row
from tests.link.going import going


def test_router_killed_and_started_again() -> None:
    its = row("router killed and started again")
    with going(routed=True) as g:
        began = time.monotonic()
        g.m.kill("router")
        g.sees(its, began)
        over = time.monotonic()
        g.m.router(g.port)
        g.heals(its, over)
        g.whole()


def test_a_relay_where_another_one_listens_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        assert main(["relay", "--listen", f"127.0.0.1:{port}"]) == 2
    assert f"tcp/127.0.0.1:{port}" in capsys.readouterr().err
