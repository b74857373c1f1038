"""The readers' object: their sleep flag and their registry.

They may write it, so the writer makes it anew where it is not what it should be.
"""

from __future__ import annotations

import os

import numpy as np

from shm._native import DTYPES, MAGIC_READERS, READERS_BYTES, format_readers
from shm.control_object import share
from shm.dev_shm import create_object, open_fd, open_our_object, reserve, unlink
from shm.errors import DamagedSegment, PermissionDenied
from shm.object_names import readers_name

READERS_MODE = 0o660


def take_readers(namespace: str, venue: str, group: int = -1) -> int:
    """The writer's descriptor of it, found or made. The caller holds the writer's lock.

    Raises :class:`PermissionDenied`, :class:`NoRoom`.
    """
    path = readers_name(namespace, venue)
    fd = _whole(path)
    if fd < 0:
        unlink(path)
        fd = create_object(path, READERS_MODE)
    try:
        if os.fstat(fd).st_size != READERS_BYTES:
            reserve(fd, READERS_BYTES, path)
            format_readers(fd)
        share(fd, READERS_MODE, group)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _whole(path: str) -> int:
    """A descriptor of one that is as it should be; -1: there is none."""
    try:
        fd = open_our_object(path)
    except (FileNotFoundError, DamagedSegment):
        return -1
    dtype = DTYPES["readers"]
    raw = os.pread(fd, dtype.itemsize, 0).ljust(dtype.itemsize, b"\0")
    magic = int(np.frombuffer(raw, dtype)[0]["magic"])
    if os.fstat(fd).st_size == READERS_BYTES and magic == MAGIC_READERS:
        return fd
    os.close(fd)
    return -1


def is_whole(namespace: str, venue: str) -> bool:
    """Whether the object under the name is as it should be."""
    fd = _whole(readers_name(namespace, venue))
    if fd < 0:
        return False
    os.close(fd)
    return True


def open_readers(namespace: str, venue: str, owner: int) -> int:
    """A reader's descriptor of it, to write; -1: it may not, or somebody damaged it."""
    try:
        fd = open_fd(readers_name(namespace, venue), writable=True)
    except (FileNotFoundError, PermissionDenied, DamagedSegment):
        return -1
    found = os.fstat(fd)
    if found.st_uid == owner and found.st_size == READERS_BYTES:
        return fd
    os.close(fd)
    return -1
