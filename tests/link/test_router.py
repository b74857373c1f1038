"""A router of Zenoh's between a source and its mirror: rows of the table in docs/mirror.md."""

from __future__ import annotations

import time

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
