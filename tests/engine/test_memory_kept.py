"""What one huge frame or answer needed is not kept: a process that never rests stays as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HUGE = 30 << 20
LEFT_KB = 3 << 10  #: of it: the page that is in use, and the allocator's own
_RUN = """
import sys
from pathlib import Path
from feedhandler import heap
from tests.engine.support import compact, engine

def own_kb():
    rows = Path("/proc/self/status").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("RssAnon")).split()[1])

heap.keep_large_apart()
sent = {huge}
small = compact({{"result": None, "id": 1}})
with engine("binance") as e:
    e.add_instrument("BTCUSDT")
    c = e.connection(0)
    c.feed(small, 1)
    before = own_kb()
    for turn in range(3):
        {feed}
        most = own_kb()
        for _ in range(3):
            c.feed(small, 1)
    del sent
    print(most - before, own_kb() - before)
"""
_PLAIN = f'b"[" + b" " * {HUGE} + b"]"'
_ESCAPED = f'b\'{{{{"stream": "\\\\u0041\' + b"a" * {HUGE} + b\'"}}}}\''


@pytest.mark.parametrize("feed", ["c.feed(sent, 1)", "e.snapshot(0, sent, 1)"])
@pytest.mark.parametrize("huge", [_PLAIN, _ESCAPED], ids=["plain", "escaped"])
def test_a_huge_frame_leaves_nothing_behind(huge: str, feed: str) -> None:
    code = _RUN.format(huge=huge.replace("{{", "{").replace("}}", "}"), feed=feed)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    most, left = map(int, done.stdout.split())
    assert most > HUGE >> 10, "it was copied"
    assert left < LEFT_KB
