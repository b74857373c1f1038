"""Attaching: what is checked before a byte is believed, and what each refusal is called."""

from __future__ import annotations

import os
import struct
import threading
import time
from pathlib import Path

import pytest

import shm
from shm import _native, dev_shm, object_names
from tests.shm.conftest import Create
from tests.shm.users import as_user, needs_root

ROOT = Path(__file__).parents[2]


def poke(path: str, offset: int, data: bytes) -> None:
    fd = os.open(dev_shm.DIRECTORY / path[1:], os.O_RDWR)
    try:
        os.pwrite(fd, data, offset)
    finally:
        os.close(fd)


def offset_of(field: str, structure: str = "header") -> int:
    name, _, part = field.partition(".")
    fields = _native.DTYPES[structure].fields
    assert fields is not None
    dtype, offset = fields[name][:2]
    return offset + (dtype.fields[part][1] if part and dtype.fields else 0)


def test_no_such_venue_lists_those_that_are_there(namespace: str, create: Create) -> None:
    create("okx")
    create("deribit")
    with pytest.raises(shm.NoSuchVenue, match="deribit, okx") as caught:
        shm.attach("okex", namespace=namespace, timeout=0)
    assert caught.value.available == ("deribit", "okx")


def test_no_writer_is_not_ready(namespace: str, create: Create) -> None:
    create().close(keep=True)
    with pytest.raises(shm.NotReady, match="no writer"):
        shm.attach("v", namespace=namespace, timeout=0)


def test_attach_waits_for_a_writer(namespace: str, create: Create) -> None:
    timer = threading.Timer(0.2, create)
    timer.start()
    assert shm.attach("v", namespace=namespace, timeout=10).venue == "v"
    timer.join()


def test_the_namespace_comes_from_the_environment(
    namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    create()
    monkeypatch.setenv("FEEDHANDLER_NAMESPACE", namespace)
    assert shm.attach("v").namespace == namespace


DAMAGE = {
    "magic": b"notmagic",
    "layout_hash": b"\x01" * 8,
    "total_bytes": b"\x01" * 8,
    "boot_id": b"\x01" * 16,
    "header_bytes": b"\x01\0\0\0",
    "book_depth": b"\0\0\0\0",
    "venue": b"elsewhere\0",
    "space": b"elsewhere\0",
    "epoch": b"\x01" * 8,
    "instruments": b"\xff\xff\0\0",
    "connection_rows": b"\xff\xff\0\0",
    **{
        f"{region}.{part}": value
        for region in ("directory", "quotes", "books", "connections", "histograms", "ring")
        for part, value in (
            ("offset", struct.pack("<Q", 1 << 40)),
            ("stride", b"\x08\0\0\0"),
            ("count", b"\xff\xff\xff\x7f"),
        )
    },
}


@pytest.mark.parametrize("field", sorted(DAMAGE))
def test_damage_is_named(namespace: str, create: Create, field: str) -> None:
    owner = create()
    poke(owner.path, offset_of(field), DAMAGE[field])
    with pytest.raises(shm.DamagedSegment) as caught:
        shm.attach("v", namespace=namespace, timeout=0)
    assert caught.value.field.partition(".")[0] == field.partition(".")[0]


def test_regions_may_not_overlap_nor_be_unaligned(namespace: str, create: Create) -> None:
    owner = create()
    here = _native.geometry(8, 5, 64, 64)[0]["quotes"][0]
    for value in (here + 8, here - 128, 128):
        poke(owner.path, offset_of("quotes.offset"), struct.pack("<Q", value))
        with pytest.raises(shm.DamagedSegment, match="offset"):
            shm.attach("v", namespace=namespace, timeout=0)


@pytest.mark.parametrize("size", [0, 100, 4096, 8192])
def test_a_truncated_segment_is_refused(namespace: str, create: Create, size: int) -> None:
    owner = create()
    file = dev_shm.DIRECTORY / owner.path[1:]
    whole = file.stat().st_size
    os.truncate(file, size)
    try:
        with pytest.raises(shm.DamagedSegment, match=r"bytes|size"):
            shm.attach("v", namespace=namespace, timeout=0)
    finally:
        os.truncate(file, whole)  # its writer, which is here, writes on


def test_another_version_is_named(namespace: str, create: Create) -> None:
    owner = create()
    poke(owner.path, offset_of("version_major"), b"\x07\0\x03\0")
    ours = r"7\.3.*{}\.{}".format(*_native.VERSION)
    with pytest.raises(shm.VersionMismatch, match=ours) as caught:
        shm.attach("v", namespace=namespace, timeout=0)
    assert (caught.value.theirs, caught.value.ours) == ((7, 3), _native.VERSION)
    control = object_names.control_name(namespace, "v")
    poke(control, offset_of("version_major", "control"), b"\x07\0\x03\0")
    owner.close(keep=True)
    with pytest.raises(shm.VersionMismatch, match="clean"):
        create()


def test_a_newer_minor_version_is_read(namespace: str, create: Create) -> None:
    owner = create()
    poke(owner.path, offset_of("version_minor"), b"\x63\0")
    poke(owner.path, offset_of("layout_hash"), b"\x01" * 8)  # reserved bytes got names
    assert shm.attach("v", namespace=namespace, timeout=0).alive()


def test_an_unfinished_segment_is_not_ready(namespace: str, create: Create) -> None:
    owner = create()
    poke(owner.path, 0, bytes(8))
    with pytest.raises(shm.NotReady, match="not finished"):
        shm.attach("v", namespace=namespace, timeout=0)


@needs_root
def test_another_user_is_denied(namespace: str, create: Create) -> None:
    create()
    assert (
        as_user(
            f"try:\n    shm.attach('v', namespace={namespace!r}, timeout=0)\n"
            "except PermissionError as error:\n    print(type(error).__name__)\n"
        )
        == "PermissionDenied"
    )


def test_instruments_by_both_names_also_later_ones(namespace: str, create: Create) -> None:
    writer = create().writer
    feed = shm.attach("v", namespace=namespace)
    with pytest.raises(KeyError):
        feed.instrument("XBTUSD")
    fields = {
        "symbol": "XBTUSD",
        "name": "BTC-USD-PERP",
        "kind": shm.InstrumentKind.PERPETUAL,
        "price_exponents": [-1, -2] + [0] * 6,
        "tick": 0.5,
        "base": "BTC",
        "expiry_ns": 7,
    }
    writer.directory_add(fields)
    perp = feed.instrument("XBTUSD")
    assert feed.instrument("BTC-USD-PERP") is perp
    assert (perp.id, perp.kind, perp.tick, perp.base) == (
        0,
        shm.InstrumentKind.PERPETUAL,
        0.5,
        "BTC",
    )
    assert (perp.price_exponent, perp.expiry_ns, perp.has_book) == (-1, 7, True)
    with pytest.raises(AttributeError):
        perp.tick = 1.0  # type: ignore[misc]
    writer.directory_update(0, {**fields, "precision": 1})
    assert feed.instrument("XBTUSD").price_exponent == -2
    assert feed.instrument("XBTUSD") == perp
    with pytest.raises(shm.UnknownInstrument, match="XBTUSD") as caught:
        feed.instrument("XBTUSDT")
    assert "XBTUSD" in caught.value.near
    assert [i.symbol for i in feed.instruments()] == ["XBTUSD"]


def test_a_closed_feed_says_so(namespace: str, create: Create) -> None:
    create().writer.directory_add({"symbol": "a"})
    feed = shm.attach("v", namespace=namespace)
    a = feed.instrument("a")
    feed.close()
    for call in (feed.board, feed.events, lambda: feed.quote(a), lambda: feed.instrument("a")):
        with pytest.raises(shm.ShmError, match="closed"):
            call()


def test_mappings_are_given_back(namespace: str, create: Create) -> None:
    create().writer.directory_add({"symbol": "a"})

    def count() -> tuple[int, int]:
        maps = Path("/proc/self/maps").read_text().count(namespace)
        links = [
            str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()
        ]
        return maps, sum(namespace in link for link in links)

    before = count()
    for _ in range(5):
        feed = shm.attach("v", namespace=namespace)
        events = feed.events(name="me")
        events.poll()
        events.close()
        feed.close()
    del feed, events
    time.sleep(0)
    assert count() == before
