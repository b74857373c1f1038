"""Readers that sleep and wake each other: one call of the writer is enough for all of them."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

import shm
from shm import object_names
from shm._native import DTYPES, Writer
from tests.shm.conftest import Create
from tests.shm.support import FUTEX, WAIT_BITSET, asleep

DEADLINE = 45.0
_LONG_NS = 60 * 10**9  # nobody wakes up by himself
_ALL_BITS = 2**32 - 1
_LEVEL = (shm.Kind.LEVEL, 0, 1, 1)


def one_instrument(create: Create) -> Writer:
    writer = create().writer
    writer.directory_add({"symbol": "X"})
    return writer


def publish(writer: Writer) -> None:
    writer.message(0, [_LEVEL])
    writer.publish()
    writer.wake()


def until(what: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.001)


class Sleeper(threading.Thread):
    """Sleeps, `times` times at most, until it has seen what was published last."""

    def __init__(self, sleep: Callable[[], object], times: int = 1) -> None:
        super().__init__(daemon=True)
        self.woken, self._sleep, self._times = 0, sleep, times
        self.start()

    def run(self) -> None:
        with suppress(shm.WriterLost):
            for _ in range(self._times):
                self._sleep()
                self.woken += 1

    def asleep(self) -> bool:
        """Whether it is in the kernel, on a futex that processes share."""
        return self.native_id is not None and asleep(self.native_id)


def sleeper(feed: shm.Feed, times: int = 1) -> Sleeper:
    events = feed.events()

    def sleep() -> None:
        while events.poll() is not None:
            pass
        events._wait(_LONG_NS)

    return Sleeper(sleep, times)


def test_one_call_of_the_writer_wakes_all(create: Create, namespace: str) -> None:
    writer = one_instrument(create)
    with shm.attach("v", namespace=namespace) as feed:
        asleep = [sleeper(feed) for _ in range(8)]
        until(lambda: all(one.asleep() for one in asleep))
        before = writer.counters()[shm.Counter.WAKES]
        publish(writer)
        until(lambda: all(one.woken for one in asleep))
        assert writer.counters()[shm.Counter.WAKES] == before + 1


def test_readers_with_nothing_to_read_leave_each_other_alone(
    create: Create, namespace: str
) -> None:
    writer = one_instrument(create)
    rounds = 20
    with shm.attach("v", namespace=namespace) as feed:
        both = [sleeper(feed, times=100 * rounds) for _ in range(2)]
        for n in range(1, rounds + 1):
            until(lambda n=n: all(one.woken >= n - 1 and one.asleep() for one in both))  # type: ignore[misc]
            publish(writer)
        until(lambda: all(one.woken >= rounds and one.asleep() for one in both))
        assert all(one.woken <= 3 * rounds for one in both)


def wait_and_wake_nobody(word: npt.NDArray[np.uint32]) -> None:
    address, now = ctypes.c_void_p(word.ctypes.data), ctypes.c_uint32(int(word[0]))
    bits = ctypes.c_uint32(_ALL_BITS)
    ctypes.CDLL(None).syscall(FUTEX, address, WAIT_BITSET, now, None, None, bits)


def test_who_is_woken_and_wakes_nobody_is_made_up_for_by_the_next_batch(
    create: Create, namespace: str
) -> None:
    """As one that is killed in between."""
    writer = one_instrument(create)
    at = DTYPES["header"].fields["wake"][1]  # type: ignore[index]
    name = object_names.data_name(namespace, "v", writer.epoch)
    word = np.memmap(Path("/dev/shm") / name.lstrip("/"), np.uint32, "r", at, 1)
    dead = Sleeper(lambda: wait_and_wake_nobody(word))
    until(dead.asleep)
    with shm.attach("v", namespace=namespace) as feed:
        other = sleeper(feed)
        until(other.asleep)
        publish(writer)
        until(lambda: dead.woken)
        assert other.asleep()
        publish(writer)  # more than 0.1 ms later
        until(lambda: other.woken)
