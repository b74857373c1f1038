"""What the kernel has granted an IO process, and that it runs where nothing is granted."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from feedhandler.config.keys import VenueConfig
from feedhandler.config.load import load
from feedhandler.doctor import Facts
from feedhandler.doctor.facts import gather
from feedhandler.io_process import scheduling
from feedhandler.kernel import fields
from tests.kit.rig import rig

VENUE = "okx"


@pytest.fixture(scope="module")
def facts() -> Facts:
    return gather()


def wanted(**fields: object) -> VenueConfig:
    import msgspec

    return msgspec.structs.replace(load(None, venues=[VENUE]).venues[VENUE], **fields)


def test_an_io_process_has_what_it_asks_for(facts: Facts) -> None:
    if not facts.realtime or facts.locked is not None:
        pytest.skip("neither real-time priorities nor locked memory are allowed here")
    cpu = facts.cpus[-1]
    with rig(VENUE) as r:
        r.change(VENUE, cpu=cpu, realtime=2, lock_memory=True)
        process = r.io_process(VENUE)
        r.attach(VENUE)
        assert os.sched_getaffinity(process.pid) == {cpu}
        policy = os.sched_getscheduler(process.pid)
        assert policy & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO
        assert os.sched_getparam(process.pid).sched_priority == 2
        status = fields(Path(f"/proc/{process.pid}/status").read_text())
        assert int(status["VmLck"].split()[0]) > 10_000  # KiB: the ring of 8 MiB among it


def test_helper_threads_are_in_no_hurry(facts: Facts) -> None:
    if not facts.realtime:
        pytest.skip("real-time priorities are not allowed here")
    found: list[int] = []

    def loop() -> None:
        scheduling.ask(wanted(realtime=1))
        found.append(os.sched_getscheduler(0))
        helper = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
        helper.start()
        helper.join()

    thread = threading.Thread(target=loop)
    thread.start()
    thread.join()
    assert found == [os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.SCHED_OTHER]


def test_what_is_refused_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.sched_setscheduler", refuse)
    monkeypatch.setattr("os.sched_setaffinity", refuse)
    monkeypatch.setattr("feedhandler.kernel.capable", lambda *_: False)
    monkeypatch.setattr("resource.getrlimit", lambda _: (65536, 65536))
    scheduling.ask(wanted(cpu=0, realtime=1, lock_memory=True))
    assert caplog.messages == [
        f"{problem}; `feedhandler doctor` says how to allow it"
        for problem in (
            "venues.okx.cpu: cannot run on CPU 0: Operation not permitted",
            "venues.okx.realtime: no priority 1: Operation not permitted",
            "venues.okx.lock_memory: memory is not locked: RLIMIT_MEMLOCK is 65,536 bytes",
        )
    ]
