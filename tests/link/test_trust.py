"""What a mirror says of its source, and who may be one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

import shm
from shm import Reason, State
from tests.link.links import (
    LIVE,
    STALE,
    Flow,
    Process,
    attached,
    free_port,
    mirroring,
    same,
    serving,
    states,
    until,
)
from tests.recording.market import SYMBOLS, VENUE, Market


@contextmanager
def other_process(namespace: str) -> Iterator[int]:
    """A market in a process of its own, that writes until it is killed; its pid."""
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            market = Market(namespace)
            while True:
                market.step()
                market.writer.heartbeat()
                time.sleep(0.01)
        os._exit(1)
    try:
        yield pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def test_a_writer_that_hangs_or_dies_is_called_so_there(namespace: str) -> None:
    port, copy = free_port(), f"{namespace}m"
    with (
        other_process(namespace) as pid,
        serving(namespace, port=port),
        mirroring(copy, namespace, port=port) as process,
    ):
        mirror = attached(copy, process)
        until(lambda: states(mirror) == LIVE, "LIVE", process)
        os.kill(pid, signal.SIGSTOP)
        silent = {(State.STALE, Reason.HEARTBEAT)}
        until(lambda: states(mirror) == silent, "STALE(HEARTBEAT)", process)
        os.kill(pid, signal.SIGCONT)
        until(lambda: states(mirror) == LIVE, "LIVE again", process)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        dead = {(State.STALE, Reason.FAILED)}
        until(lambda: states(mirror) == dead, "STALE(FAILED)", process)
        assert mirror.state == (State.STALE, Reason.FAILED)
        assert mirror.alive()  # the mirror itself is well
        with Market(namespace) as market:  # the next writer
            until(lambda: states(mirror) == LIVE and mirror.epoch == market.epoch, "new", process)
        until(lambda: not mirror.alive(), "it stopped in order", process)
        with pytest.raises(shm.WriterLost, match="stopped"):
            mirror.quote(SYMBOLS[0])


_ROUTER = """
import json, sys, threading, zenoh
config = zenoh.Config()
config.insert_json5("transport/shared_memory/enabled", "false")  # it leaves files
config.insert_json5("mode", '"router"')
config.insert_json5("scouting/multicast/enabled", "false")
config.insert_json5("listen/endpoints", json.dumps([sys.argv[1]]))
with zenoh.open(config):
    threading.Event().wait()
"""


@contextmanager
def routing(port: int) -> Iterator[None]:
    """A router, which both sources and the mirror connect to."""
    process = subprocess.Popen([sys.executable, "-c", _ROUTER, f"tcp/127.0.0.1:{port}"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def connected(namespace: str, name: str, port: int) -> Iterator[Process]:
    process = Process(
        "serve", "--namespace", namespace, "--connect", f"127.0.0.1:{port}", "--name", name
    )
    try:
        yield process
    finally:
        process.close()


def test_two_sources_of_one_venue_are_named_and_never_mixed(namespace: str) -> None:
    """It takes none of two, or stays with the one that it met alone."""
    port, copy = free_port(), f"{namespace}m"
    with (
        Market(namespace) as market,
        Flow(market, pause_s=0.02),
        routing(port),
        connected(namespace, "here", port),
        connected(namespace, "there", port),
        mirroring(copy, namespace, port=port) as process,
    ):
        until(lambda: process.said("2 sources claim it: here"), "both are named", process)
        assert process.said("--source NAME")
        process.stop()
        with mirroring(copy, namespace, "--source", "there", port=port) as named:
            mirror = attached(copy, named)
            until(lambda: states(mirror) == LIVE, "LIVE", named)
            assert mirror.segment is not None
            told = mirror.segment.mirror
            assert told is not None
            assert told["source"] == f"there/{namespace}"


def test_one_writer_and_one_server_of_a_name(namespace: str) -> None:
    """A second mirror into a namespace, and a second server of the same venue and name, end."""
    port, copy = free_port(), f"{namespace}m"
    with (
        Market(namespace) as market,
        Flow(market, pause_s=0.02),
        serving(namespace, port=port) as server,
        mirroring(copy, namespace, port=port) as process,
    ):
        mirror = attached(copy, process)
        until(lambda: states(mirror) == LIVE, "LIVE", process)
        with mirroring(copy, namespace, port=port) as second:
            assert second.process.wait(45.0) == 2
            assert second.said("is already the writer of this venue")
        with serving(namespace, "--connect", f"127.0.0.1:{port}", port=free_port()) as other:
            assert other.process.wait(45.0) == 2
            assert other.said(f"{VENUE} of {namespace} is served as here already")
        with serving(namespace, port=port) as taken:
            assert taken.process.wait(45.0) == 2
        assert server.process.poll() is None
        until(lambda: states(mirror) == LIVE, "still LIVE", process)


def test_more_is_missing_than_the_ring_has(namespace: str) -> None:
    """A server that stood still: what was overwritten is lost, exactly, and the rest is right."""
    port, copy = free_port(), f"{namespace}m"
    with (
        Market(namespace, slots=1024) as market,
        Flow(market, pause_s=0.02) as flow,
        serving(namespace, port=port) as server,
        mirroring(copy, namespace, port=port) as process,
    ):
        feed, mirror = shm.attach(VENUE, namespace=namespace), attached(copy, process)
        until(lambda: states(mirror) == LIVE, "LIVE", process)
        segment = mirror.segment
        assert segment is not None
        with mirror.events(start="now") as events:
            server.process.send_signal(signal.SIGSTOP)
            until(lambda: states(mirror) == STALE, "STALE", process)
            had = segment.published
            until(lambda: market.published > had + 3000, "three rings")
            flow.pause()
            server.process.send_signal(signal.SIGCONT)
            until(lambda: states(mirror) == LIVE and same(feed, mirror), "the same", process)
            oldest = mirror.events(raw=True, start="oldest").poll()
            assert oldest is not None
            gone = int(oldest["sequence"][0]) - had - 1
            assert 3000 - 1024 <= gone <= market.published - had
            until(lambda: (segment.mirror or {})["lost"] == gone, "the header says so", process)
            until(lambda: process.said("records could not be had"), "so does the log", process)
            until(lambda: server.said("overwritten before they were sent"), "there too", server)
            with pytest.raises(shm.Overrun) as caught:
                until(lambda: _ignored(events.poll()), "the loss")
            assert caught.value.lost == events.lost
            assert events.sequence == market.published + 1


def _ignored(_: object) -> None: ...
