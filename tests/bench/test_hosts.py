"""Hosts that are network namespaces: they reach each other, or not, and nothing is left of them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from feedhandler.bench.kit.hosts import Host, NoHosts, hosts, impossible, joined

pytestmark = pytest.mark.skipif(bool(impossible()), reason=impossible() or "they can be made")

_LISTEN = """
import socket, sys
with socket.create_server((sys.argv[1], 7)) as listening:
    print("ready", flush=True)
    while True:
        listening.accept()[0].close()
"""
_CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], 7), timeout=float(sys.argv[2]))
"""


def _reaches(host: Host, address: str, within_s: float) -> bool:
    command = host.command(sys.executable, "-c", _CONNECT, address, str(within_s))
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def test_they_reach_each_other_until_a_cable_is_pulled() -> None:
    with hosts(2) as (near, far):
        assert near.address != far.address
        listening = subprocess.Popen(
            near.command(sys.executable, "-c", _LISTEN, near.address), stdout=subprocess.PIPE
        )
        try:
            assert listening.stdout is not None
            assert listening.stdout.readline() == b"ready\n"
            assert _reaches(far, near.address, 30.0)
            near.unplug()
            assert not _reaches(far, near.address, 0.3)
            near.plug()
            assert _reaches(far, near.address, 30.0)
        finally:
            listening.kill()
            listening.communicate()


def test_nothing_is_left_of_them() -> None:
    with joined(3) as (wire, made):
        keepers = [int(str(wire.command()[2])), *(int(str(each.command()[2])) for each in made)]
        assert all(Path(f"/proc/{pid}").exists() for pid in keepers)
        assert len({wire.address, *(each.address for each in made)}) == 4
    assert not any(Path(f"/proc/{pid}").exists() for pid in keepers)


def test_they_end_with_who_made_them() -> None:
    code = (
        "from feedhandler.bench.kit.hosts import joined\n"
        "with joined(1) as (wire, made):\n"
        "    print(wire.command()[2], made[0].command()[2], flush=True)\n"
        "    input()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    keepers = [int(word) for word in process.stdout.readline().split()]
    assert len(keepers) == 2
    process.kill()
    process.communicate()
    until = time.monotonic() + 45
    while any(_runs(pid) for pid in keepers):
        assert time.monotonic() < until
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    """And is no zombie that whoever inherited it has not looked at."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_queue_that_the_kernel_has_not_is_refused() -> None:
    with hosts(1) as (host,), pytest.raises(NoHosts, match="qdisc"):
        host.queue("no_such_queue")
