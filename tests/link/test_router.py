"""A router of Zenoh's between a source and its mirror: rows of the table in docs/mirror.md."""

from __future__ import annotations

import re
import subprocess
import sys
import time

from feedhandler.link.session import open_session
from tests.kit.mirrored import free_port
from tests.kit.rig import until
from tests.link.fault_table import DOCUMENT, row
from tests.link.going import going


def test_the_documents_router_is_one() -> None:
    """Its block, word for word: who connects to it can publish to another who does."""
    (block,) = re.findall(r"```python\n(import threading.*?)```", DOCUMENT.read_text(), re.DOTALL)
    port = free_port()
    program = block.replace("0.0.0.0:7447", f"127.0.0.1:{port}")
    router = subprocess.Popen([sys.executable, "-c", program])
    heard: list[bytes] = []
    try:
        one, other = (open_session([], [f"tcp/127.0.0.1:{port}"], None) for _ in range(2))
        try:
            other.declare_subscriber("a/b", lambda sample: heard.append(bytes(sample.payload)))

            def through() -> bool:
                one.put("a/b", b"said")
                return bool(heard)

            until(through, "it is heard")
        finally:
            one.close()
            other.close()
    finally:
        router.kill()
        router.wait()


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
