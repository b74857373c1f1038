"""The status that is read from memory alone."""

import errno
import gc
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from feedhandler.view import status
from feedhandler.view.believable import believable
from feedhandler.view.status import heartbeat, namespace_status, venue_status
from feedhandler.view.watch import Watch
from shm import NoSuchVenue, Reason, ShmError, State
from shm._native import DTYPES
from shm.clean import sweep_venue
from shm.control_object import lock_control
from shm.inspect import open_memory
from shm.segment import create
from tests.shm.support import GEOMETRY, kill, other_writer


def test_a_venue_whose_memory_is_being_made_is_not_there_yet(namespace: str) -> None:
    Path(f"/dev/shm/{namespace}.okx").touch(0o660)
    with pytest.raises(NoSuchVenue):
        venue_status(namespace, "okx")
    assert namespace_status(namespace)["venues"] == []


def test_a_damaged_venue_is_shown_as_that_and_the_others_are_shown(namespace: str) -> None:
    """A word that no writer stores, a place outside the memory, half a file."""
    fields = DTYPES["header"].fields
    assert fields is not None
    with (
        create("deribit", namespace=namespace, **GEOMETRY) as well,
        create("okx", namespace=namespace, **GEOMETRY) as damaged_one,
    ):
        path = Path(f"/dev/shm/{namespace}.okx.{damaged_one.epoch}")
        well.writer.set_state(int(State.LIVE), int(Reason.NONE))
        well.writer.heartbeat()
        sound = path.read_bytes()
        for damaged in (
            _with(sound, fields["state"][1], b"\xff\xff\xff\x7f"),
            _with(sound, fields["quotes"][1], b"\xff" * 8),
            _with(sound, fields["connection_rows"][1], b"\xff\xff\xff\x7f"),
            sound[:100],
            sound[: len(sound) // 8],
        ):
            path.with_suffix(".new").write_bytes(damaged)
            path.with_suffix(".new").rename(path)
            told = {each["venue"]: each for each in namespace_status(namespace)["venues"]}
            assert told["deribit"]["state"] == "LIVE"
            assert told["okx"]["state"] != "LIVE" or told["okx"]["live"] == 0
            assert {look.venue for look in Watch(namespace).look(list(told.values()))} == {
                "deribit",
                "okx",
            }
            with suppress(ShmError):
                venue_status(namespace, "okx")


def _with(raw: bytes, at: int, new: bytes) -> bytes:
    return raw[:at] + new + raw[at + len(new) :]


def test_a_heartbeat_ahead_of_the_clock_is_none(namespace: str) -> None:
    """The clock was set back; whether the writer has been well since, it does not say."""
    fields = DTYPES["header"].fields
    assert fields is not None
    with create("okx", namespace=namespace, **GEOMETRY) as held:
        held.writer.set_state(int(State.LIVE), int(Reason.NONE))
        ahead = (time.time_ns() + 3600 * 10**9).to_bytes(8, "little")
        with Path(f"/dev/shm/{namespace}.okx.{held.epoch}").open("r+b") as memory:
            memory.seek(fields["heartbeat_ns"][1])
            memory.write(ahead)
        told = venue_status(namespace, "okx")
        assert (told["state"], told["reason"]) == ("STALE", "HEARTBEAT")
        with open_memory("okx", namespace=namespace) as opened:
            assert believable(opened, State.LIVE, Reason.NONE) == ("STALE", "FAILED")


def test_a_heartbeat_that_cannot_be_read_is_none(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many files are open that one more may not be."""

    def full(_: str) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with create("okx", namespace=namespace, **GEOMETRY):
        assert heartbeat(namespace, "okx") is not None
        monkeypatch.setattr(status, "open_fd", full)
        assert heartbeat(namespace, "okx") is None


def test_what_a_dead_writer_left_is_not_of_the_one_that_comes(namespace: str) -> None:
    """The next process has the lock, and no memory yet: not even for an instant."""
    said = f"w.set_state({int(State.LIVE)}, 0); w.heartbeat()"
    process = other_writer(namespace, "okx", said)
    assert venue_status(namespace, "okx")["state"] == "LIVE"
    kill(process)
    control = lock_control(namespace, "okx")
    try:
        its = venue_status(namespace, "okx")
        assert (its["state"], its["reason"], its["pid"]) == ("STALE", "FAILED", 0)
        assert heartbeat(namespace, "okx") is None
    finally:
        for fd in control:
            os.close(fd)


def test_memory_of_a_venue_that_is_gone_is_given_back(namespace: str) -> None:
    watch = Watch(namespace)
    process = other_writer(namespace, "okx", "w.heartbeat()")
    watch.look(namespace_status(namespace)["venues"])
    kill(process)
    sweep_venue(namespace, "okx")
    assert _mapped(namespace)  # though it has no name any more
    watch.look(namespace_status(namespace)["venues"])
    gc.collect()
    assert not _mapped(namespace)


def _mapped(namespace: str) -> bool:
    return f"/dev/shm/{namespace}.okx" in Path("/proc/self/maps").read_text()
