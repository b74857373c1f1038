"""Removing what a killed writer left in shared memory."""

import os
from contextlib import suppress

from shm import ShmError
from shm.dev_shm import objects, open_fd, unlink
from shm.object_names import control_name
from shm.writer_lock import locked


def remove_dead(namespace: str, venue: str) -> list[str]:
    """Unlink a venue's objects unless a writer holds them; returns the names removed.

    Readers that have them mapped keep their mappings.
    """
    try:
        fd = open_fd(control_name(namespace, venue))
    except FileNotFoundError:
        fd = -1
    try:
        if fd >= 0 and locked(fd):
            return []
        removed = []
        for name in objects(namespace, venue):
            with suppress(ShmError, OSError):
                unlink(name.path)
                removed.append(name.path)
        return removed
    finally:
        if fd >= 0:
            os.close(fd)
