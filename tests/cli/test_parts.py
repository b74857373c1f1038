"""Who needs which part: what docs/architecture.md says that a host can do without."""

from __future__ import annotations

import subprocess
import sys

from shm import segment
from tests.kit.natives import ROOT

_WITHOUT = """
import sys
class Absent:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in ABSENT:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent)
ABSENT = set(sys.argv[1].split(","))
"""
_RUN = """
from feedhandler.cli.main import main
sys.exit(max(main(line.split()) for line in sys.argv[2].split(";")))
"""
_FEED = """
import feedhandler.supervisor.supervisor, feedhandler.io_process.main, feedhandler.cli.start
from feedhandler import venues
for name in venues.names():
    venues.load(name)
"""


def without(absent: str, code: str, *arguments: str) -> None:
    """Run code where modules are not installed."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT + code, absent, *arguments],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_memory_is_looked_at_without_what_a_feed_needs(namespace: str) -> None:
    absent = "aiohttp,aiohttp_socks,picows,uvloop,msgspec,zstandard,python_socks,feedhandler.engine"
    with segment.create("okx", namespace=namespace, instruments=2, ring_slots=64) as held:
        held.writer.directory_add({"symbol": "A", "price_exponents": [-2] * 8})
        lines = [f"inspect {what} --namespace {namespace}" for what in LOOKS]
        without(absent, _RUN, ";".join(lines))


LOOKS = ("ls", "verify okx", "stat okx", "connections okx", "readers okx", "book okx A")


def test_a_feed_runs_without_what_only_others_use() -> None:
    rooms = ",".join(f"feedhandler.{room}" for room in ("bench", "capture", "doctor", "sim"))
    without(f"{rooms},zstandard,rich", _FEED)
