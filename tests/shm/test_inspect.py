"""Inspection: what is shown, and that `verify` finds what is planted."""

from __future__ import annotations

import os
import struct

import pytest

import shm
from shm import Kind, _native, dev_shm, inspect, object_names, segment
from tests.shm.conftest import Create


def filled(create: Create) -> segment.WriterSegment:
    owner = create()
    writer = owner.writer
    for symbol in "AB":
        writer.directory_add({"symbol": symbol})
        last = 0
        for _ in range(50):
            last = writer.message(writer.instruments - 1, [(Kind.LEVEL, 0, 5, 5)] * 2)
        cell = {"ring_sequence": last, "state": shm.State.LIVE}
        writer.quote_store(writer.instruments - 1, {**cell, "bid_price": 5, "ask_price": 6})
        writer.book_store(writer.instruments - 1, cell, [(5, 1), (4, 1)], [(6, 1), (7, 1)])
    writer.connection_store(0, url="wss://venue/ws", frames=7, state=2)
    writer.counter_add(shm.Counter.FRAMES, 7)
    for value in (1, 100, 1000):
        writer.histogram_add(shm.Histogram.RTT, value)
    writer.publish()
    return owner


def test_what_is_shown(namespace: str, create: Create) -> None:
    owner = filled(create)
    infos = inspect.list_objects(namespace)
    assert [(info.part, info.epoch, info.current, info.locked) for info in infos] == [
        ("control", None, True, True),
        ("data", owner.epoch, True, True),
        ("readers", None, True, True),
        ("lock", None, True, True),
    ]
    assert all(info.writer_pid == os.getpid() and info.writer_alive for info in infos[:2])
    with inspect.open_memory("v", namespace=namespace) as memory:
        header = memory.header()
        assert (header["venue"], header["published"], header["instruments"]) == ("v", 201, 2)
        assert header["ring"]["count"] == 64
        assert memory.counters()["frames"] == 7
        rtt = memory.histograms()["rtt"]
        assert (rtt.total, rtt.percentile(0.01)) == (3, 1)
        assert 1000 <= rtt.percentile(1.0) < 1125
        assert memory.connections()[0]["url"] == "wss://venue/ws"
        assert [i.symbol for i in memory.instruments()] == ["A", "B"]
        book = memory.book(1)
        assert book is not None
        assert book[1].tolist() == [[5, 1], [4, 1]]
        quote = memory.quote(1)
        assert quote is not None
        assert quote["ask_price"] == 6
        status = [inspect.SLOT_STATUS[s] for s in memory.slots(137, 139)["status"]]
        assert status == ["lapped", "ok", "ok"]
        assert memory.slots(202, 202)["status"][0] == _native.READ_EMPTY
        with pytest.raises(ValueError, match="at most 64"):
            memory.slots(1, 100)
        assert inspect.verify(memory) == []


def test_dead_memory_reads_the_same(namespace: str, create: Create) -> None:
    owner = filled(create)
    owner.close(keep=True)
    dev_shm.unlink(object_names.control_name(namespace, "v"))
    with inspect.open_memory("v", namespace=namespace) as memory:
        assert memory.writer == "stopped"
        assert memory.header()["published"] == 202
        assert inspect.verify(memory) == []


def test_verify_finds_what_is_wrong(namespace: str, create: Create) -> None:
    owner = filled(create)
    regions = _native.geometry(8, 5, 64, 64)[0]
    fd = os.open(dev_shm.DIRECTORY / owner.path[1:], os.O_RDWR)
    ring = regions["ring"][0]

    def slot(n: int) -> int:
        return ring + n % 64 * 64

    try:
        os.pwrite(fd, struct.pack("<Q", 2 * 150 - 1), slot(150))  # half written
        os.pwrite(fd, struct.pack("<Q", 2 * 333), slot(160))  # of another place
        os.pwrite(fd, struct.pack("<I", 77), slot(170) + 8)  # an instrument that is not there
        os.pwrite(fd, b"\0", slot(180) + 13)  # no flags
        for region, copy in (("books", _native.DTYPES["book"].itemsize + 160),):
            offset, stride, _ = regions[region]
            first = offset + stride + 64 + copy  # instrument 1: stored once, so the second copy
            os.pwrite(fd, struct.pack("<q", 9), first + _native.DTYPES["book"].itemsize)
        quotes, stride, _ = regions["quotes"]
        os.pwrite(fd, struct.pack("<Q", 9), quotes)  # its head says another copy
    finally:
        os.close(fd)
    with inspect.open_memory("v", namespace=namespace) as memory:
        found = [str(finding) for finding in inspect.verify(memory)]
    for text in (
        "ring 150: published, but is half written",
        "ring 160: stamp 666 belongs to another place",
        "ring 170: instrument 77",
        "book B: LIVE, but crossed: bid 9, ask 6",
        "quote A: cannot be read",
    ):
        assert any(line.startswith(text) for line in found), (text, found)
    assert any("ring 18" in line and "message" in line for line in found), found


def test_what_cannot_be_opened_says_why(namespace: str, create: Create) -> None:
    with pytest.raises(shm.NoSuchVenue):
        inspect.open_memory("v", namespace=namespace)
    owner = filled(create)
    file = dev_shm.DIRECTORY / owner.path[1:]
    whole = file.stat().st_size
    os.truncate(file, 100)
    try:
        with pytest.raises(shm.DamagedSegment):
            inspect.open_memory("v", namespace=namespace)
        assert "too short" in inspect.list_objects(namespace)[1].error
    finally:
        os.truncate(file, whole)  # its writer, which is here, writes on
