"""Opening a venue's memory as a reader, and the checks before a byte of it is believed."""

from __future__ import annotations

import difflib
import os
import time
from itertools import pairwise

import numpy as np

from shm._native import (
    CONTROL_BYTES,
    DTYPES,
    HEADER_BYTES,
    HISTOGRAM_BUCKETS,
    LAYOUT_HASH,
    MAGIC_CONTROL,
    MAGIC_DATA,
    VERSION,
    Segment,
    constants,
)
from shm.dev_shm import objects, open_fd
from shm.errors import (
    DamagedSegment,
    NoSuchVenue,
    NotReady,
    VersionMismatch,
)
from shm.identity import boot_id
from shm.object_names import control_name, data_name
from shm.owners import check_believed
from shm.readers_object import open_readers
from shm.writer_lock import locked

_SIZES = {
    "directory": DTYPES["instrument"].itemsize,
    "quotes": DTYPES["quote"].itemsize,
    "connections": DTYPES["connection"].itemsize,
}


def check_owner(control_fd: int, data_fd: int, path: str) -> None:
    """The data object must be of who owns the control object, and only its owner may write it."""
    control, data = os.fstat(control_fd), os.fstat(data_fd)
    if data.st_uid != control.st_uid:
        raise DamagedSegment(
            f"{path}: its owner is user {data.st_uid}, that of the control object {control.st_uid}",
            "owner",
        )
    for what, found, forbidden in (("", data, 0o022), ("control.", control, 0o022)):
        if found.st_mode & forbidden:
            raise DamagedSegment(
                f"{path}: {what}mode is {found.st_mode & 0o7777:04o}: others may write it",
                f"{what}mode",
            )


def read_struct(fd: int, structure: str) -> np.void:
    """A copy of the structure at the object's start; short objects are DamagedSegment."""
    dtype = DTYPES[structure]
    raw = os.pread(fd, dtype.itemsize, 0)
    if len(raw) < dtype.itemsize:
        raise DamagedSegment(
            f"{structure}: {os.fstat(fd).st_size} bytes, less than the {dtype.itemsize} it needs",
            "total_bytes",
        )
    row: np.void = np.frombuffer(raw, dtype=dtype)[0]
    return row


def text(value: np.bytes_ | bytes) -> str:
    """A zero-padded field as a string."""
    return bytes(value).decode("utf-8", "replace")


def check_identity(row: np.void, what: str, magic: int, namespace: str, venue: str) -> None:
    """Magic, version, layout, boot and names, of a control object or of a data header."""

    def damaged(field: str, detail: str) -> DamagedSegment:
        return DamagedSegment(f"{what}: {field} {detail}", field)

    if int(row["magic"]) == 0:
        raise NotReady(f"{what}: its writer has not finished it")
    if int(row["magic"]) != magic:
        raise damaged("magic", f"is {int(row['magic']):#x}, not {magic:#x}")
    theirs = (int(row["version_major"]), int(row["version_minor"]))
    ours = VERSION
    if theirs[0] != ours[0]:
        raise VersionMismatch(
            f"{what} has version {theirs[0]}.{theirs[1]} of the contract, "
            f"this reader {ours[0]}.{ours[1]}: run the same release on both sides",
            theirs,
            ours,
        )
    if theirs == ours and int(row["layout_hash"]) != LAYOUT_HASH:
        raise damaged("layout_hash", "differs though the version is the same")
    if row["boot_id"] != np.bytes_(boot_id()):
        raise damaged("boot_id", "is of another boot of this machine")
    for field, name in (("venue", venue), ("space", namespace)):
        if text(row[field]) != name:
            raise damaged(field, f"is {text(row[field])!r}, not {name!r}")


def check_header(header: np.void, size: int, what: str) -> None:
    """Every offset, stride, count and total of a data header against the object's real size."""

    def need(condition: bool, field: str, detail: str) -> None:
        if not condition:
            raise DamagedSegment(f"{what}: {field} {detail}", field)

    need(int(header["total_bytes"]) == size, "total_bytes", f"does not match the size {size}")
    need(
        int(header["header_bytes"]) == HEADER_BYTES,
        "header_bytes",
        f"is {header['header_bytes']}",
    )
    depth = int(header["book_depth"])
    need(1 <= depth <= 10_000, "book_depth", f"is {depth}")
    least = {name: 64 + 2 * copy for name, copy in _SIZES.items()}
    least["books"] = 64 + 2 * (DTYPES["book"].itemsize + 32 * depth)
    least["histograms"] = HISTOGRAM_BUCKETS * 8
    least["ring"] = DTYPES["slot"].itemsize
    end = HEADER_BYTES
    spans = []
    for name in ("directory", "quotes", "books", "connections", "histograms", "ring"):
        offset, stride, count = (int(header[name][part]) for part in ("offset", "stride", "count"))
        few = constants()["FH_HISTOGRAMS"] if name == "histograms" else 1
        need(count >= few, f"{name}.count", f"is {count}")
        need(stride >= least[name] and stride % 64 == 0, f"{name}.stride", f"is {stride}")
        align = 4096 if name == "ring" else 128
        need(offset >= end and offset % align == 0, f"{name}.offset", f"is {offset}")
        need(offset + stride * count <= size, f"{name}.count", f"{count} rows pass the end {size}")
        spans.append((offset, offset + stride * count, name))
    spans.sort()
    for (_, stop, _), (start, _, name) in pairwise(spans):
        need(start >= stop, f"{name}.offset", "lies inside another region")
    slots = int(header["ring"]["count"])
    need(slots >= 16 and not slots & (slots - 1), "ring.count", f"{slots} is no power of two")
    need(int(header["ring"]["stride"]) == least["ring"], "ring.stride", "is not a record's size")
    rows = int(header["directory"]["count"])
    for name in ("quotes", "books"):
        need(int(header[name]["count"]) == rows, f"{name}.count", f"is not the directory's {rows}")
    need(int(header["instruments"]) <= rows, "instruments", f"is more than {rows}")
    connections = int(header["connections"]["count"])
    need(int(header["connection_rows"]) <= connections, "connection_rows", "is past its table")


def open_segment(namespace: str, venue: str, owners: frozenset[int]) -> Segment:
    """The venue's newest epoch, mapped, if a writer of one of these users holds it. No waiting.

    Raises :class:`NoSuchVenue`, :class:`NotReady`, :class:`VersionMismatch`,
    :class:`DamagedSegment`, :class:`PermissionDenied`, :class:`NotTrusted`.
    """
    path = control_name(namespace, venue)
    control_fd = data_fd = readers_fd = -1
    try:
        control_fd = open_fd(path)
        owner = os.fstat(control_fd).st_uid
        check_believed(owner, owners, path)
        if os.fstat(control_fd).st_size < CONTROL_BYTES:
            raise NotReady(f"{path}: its writer has not finished it")
        control = read_struct(control_fd, "control")
        check_identity(control, path, MAGIC_CONTROL, namespace, venue)
        epoch = int(control["epoch"])
        if epoch == 0 or not locked(control_fd):
            raise NotReady(f"{venue}: no writer is running")
        path = data_name(namespace, venue, epoch)
        data_fd = open_fd(path)
        check_owner(control_fd, data_fd, path)
        header = read_struct(data_fd, "header")
        check_identity(header, path, MAGIC_DATA, namespace, venue)
        check_header(header, os.fstat(data_fd).st_size, path)
        if int(header["epoch"]) != epoch:
            raise DamagedSegment(f"{path}: epoch is {int(header['epoch'])}", "epoch")
        if int(header["superseded"]):
            raise NotReady(f"{venue}: the writer is stopping or being replaced")
        if int(header["writer_pid"]) != int(control["writer_pid"]):
            raise NotReady(f"{venue}: a writer is starting")
        readers_fd = open_readers(namespace, venue, owner)
        return Segment(
            data_fd,
            control_fd,
            readers_fd,
            header.tobytes(),
            venue=venue,
            namespace=namespace,
            owner=owner,
        )
    except FileNotFoundError:
        if data_fd >= 0 or control_fd >= 0:
            raise NotReady(f"{path}: a writer is being replaced") from None
        raise no_such_venue(namespace, venue) from None
    finally:
        for fd in (control_fd, data_fd, readers_fd):
            if fd >= 0:
                os.close(fd)


def no_such_venue(namespace: str, venue: str) -> NoSuchVenue:
    """The error about a venue that is not there, with those that are, and the one most like it."""
    there = venues(namespace)
    near = difflib.get_close_matches(venue, there, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    text = f"no venue {venue!r} in namespace {namespace!r}{hint}"
    return NoSuchVenue(
        f"{text} there {'is' if len(there) == 1 else 'are'} {', '.join(there) or 'none'}", there
    )


def venues(namespace: str) -> list[str]:
    """The venues that have objects in a namespace, with a writer or without, sorted."""
    return sorted({name.venue for name in objects(namespace)})


def wait_for_segment(namespace: str, venue: str, owners: frozenset[int], timeout: float) -> Segment:
    """`open_segment`, tried until it works; after `timeout` seconds its last error is raised."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return open_segment(namespace, venue, owners)
        except (NoSuchVenue, NotReady):
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.01)
