"""A venue's shared memory as its writer holds it: created, gone over to a new epoch, closed."""

from __future__ import annotations

import os
import weakref
from types import TracebackType

from shm._native import Writer
from shm.control_object import LockedControl, lock_control
from shm.dev_shm import objects, open_fd, unlink
from shm.epoch import Geometry, check_geometry, new_epoch, retire
from shm.identity import start_ticks
from shm.object_names import (
    DEFAULT_NAMESPACE,
    ObjectName,
    check_name,
    control_name,
    data_name,
    lock_name,
    readers_name,
)
from shm.readers_object import is_whole, take_readers


class WriterSegment:
    """A venue's shared memory, held by its writer: the objects, the lock and the :class:`Writer`.

    A context manager; leaving it is `close()`. If the process just dies, the kernel releases the
    lock, readers see it, and the next writer or `clean` removes what is left.

    The same writer may go over to a new epoch: `successor()` makes one that no reader knows of yet,
    to be filled beside this one, and `succeed()` puts it in this one's place.
    """

    def __init__(self, writer: Writer, control: LockedControl, group: int = -1) -> None:
        self.writer = writer
        self.venue: str = writer.venue
        self.namespace: str = writer.namespace
        self.epoch: int = writer.epoch
        self._locks = [control.life_fd, control.lock_fd]
        self._group = group
        self._pid = os.getpid()
        _held.add(self)

    @property
    def path(self) -> str:
        """The name of the data object."""
        return data_name(self.namespace, self.venue, self.epoch)

    def successor(
        self,
        *,
        instruments: int,
        depth: int,
        ring_slots: int,
        connections: int,
        mirror: int = 0,
    ) -> Writer:
        """A writer of a new epoch, empty, that is not announced; for `succeed`, or for `abandon`.
        `mirror`: as of `create`.

        Raises :class:`NoRoom`, :class:`BadGeometry`.
        """
        geometry = Geometry(instruments, depth, ring_slots, connections)
        check_geometry(geometry)
        fd = open_fd(control_name(self.namespace, self.venue), writable=True)
        readers_fd = -1
        try:
            readers_fd = take_readers(self.namespace, self.venue, self._group)
            return new_epoch(
                fd,
                readers_fd,
                self.namespace,
                self.venue,
                geometry,
                group=self._group,
                mirror=mirror,
            )
        finally:
            for each in (fd, readers_fd):
                if each >= 0:
                    os.close(each)

    def announce(self) -> None:
        """Readers attach to it from now on, and are told that epochs before it are over."""
        announce_epoch(self.namespace, self.venue, self.writer)

    def succeed(self, writer: Writer) -> None:
        """Go over to what `successor` made: readers attach to it from now on.

        Those of the old epoch are told at once that it is over. Its writer may still be written to;
        nobody reads that.
        """
        old = ObjectName(self.namespace, self.venue, self.epoch, "data")
        writer.announce()
        self.writer, self.epoch = writer, writer.epoch
        retire(old)

    def abandon(self, writer: Writer) -> None:
        """What `successor` made is not wanted after all."""
        unlink(data_name(self.namespace, self.venue, writer.epoch))

    def mend(self) -> list[str]:
        """Put right what others damaged; what it was, in words. Cheap: once a second, say.

        The readers' object is theirs to write, and may be truncated or scribbled over by any of
        them. The control object is this user's alone, but a strategy of the same user may have a
        wild store.
        """
        mended = []
        if self.writer.identify():
            mended.append("the control object did not say whose it is")
        if self.writer.reclaim(start_ticks(self._pid)):
            mended.append("the control object named another writer or epoch")
        if not (self.writer.readers_whole and is_whole(self.namespace, self.venue)):
            fd = take_readers(self.namespace, self.venue, self._group)
            try:
                self.writer.readers_renewed(fd)
            finally:
                os.close(fd)
            mended.append("the readers' object was damaged; they enter themselves anew")
        return mended

    def close(self, *, keep: bool = False) -> None:
        """Stop in order: last record, state CLOSED(STOPPED), readers told and woken, names removed.

        `keep=True` leaves both objects for inspection. Harmless when called twice, and in a child.
        """
        if not self._locks or self._pid != os.getpid():
            return
        self.writer.close()
        if not keep:
            unlink(self.path)
            _unlink_all(self.namespace, self.venue)
        self._release()

    def _release(self) -> None:
        while self._locks:
            os.close(self._locks.pop(0))

    def __enter__(self) -> WriterSegment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._release()


_held: weakref.WeakSet[WriterSegment] = weakref.WeakSet()


def _forget_in_child() -> None:
    for segment in list(_held):
        segment._release()
        segment.writer._forget()


os.register_at_fork(after_in_child=_forget_in_child)


def announce_epoch(namespace: str, venue: str, writer: Writer) -> None:
    """Name it in the control object, and end those before it."""
    writer.announce()
    for old in objects(namespace, venue):
        if old.epoch is not None and old.epoch != writer.epoch:
            retire(old)


def _unlink_all(namespace: str, venue: str) -> None:
    """What is left when the data is gone; the lock last: until then who starts finds it held."""
    unlink(readers_name(namespace, venue))
    unlink(control_name(namespace, venue))
    unlink(lock_name(namespace, venue))


def create(
    venue: str,
    *,
    namespace: str = DEFAULT_NAMESPACE,
    instruments: int = 2048,
    depth: int = 50,
    ring_slots: int = 131072,
    connections: int = 64,
    replay: bool = False,
    group: int = -1,
    mirror: int = 0,
    announce: bool = True,
) -> WriterSegment:
    """Become the writer of a venue: a new epoch, empty, attached to by readers from now on.

    `instruments`: rows of the directory and of the cells; `depth`: levels a side in a book cell;
    `ring_slots`: records in the ring, a power of two; `connections`: rows of the connection table.
    A predecessor's memory is never repaired, only marked superseded and unlinked. `group`: the
    number of a group whose members may read, and be woken; -1: that of the process. `mirror`: the
    epoch of another host's memory of which this is one; it begins without a record. `announce`:
    False leaves that to the caller, who has something to fill in first.

    Raises :class:`WriterRunning` (names its pid), :class:`NoRoom`, :class:`VersionMismatch`,
    :class:`PermissionDenied`, :class:`BadName`, :class:`BadGeometry`.
    """
    check_name("venue", venue)
    check_name("namespace", namespace)
    geometry = Geometry(instruments, depth, ring_slots, connections)
    check_geometry(geometry)
    control = lock_control(namespace, venue, group)
    readers_fd = -1
    try:
        readers_fd = take_readers(namespace, venue, group)
        writer = new_epoch(
            control.fd,
            readers_fd,
            namespace,
            venue,
            geometry,
            group=group,
            replay=replay,
            mirror=mirror,
        )
        try:
            if announce:
                announce_epoch(namespace, venue, writer)
            return WriterSegment(writer, control, group)
        except BaseException:
            unlink(data_name(namespace, venue, writer.epoch))
            raise
    except BaseException:
        if not any(name.part == "data" for name in objects(namespace, venue)):
            _unlink_all(namespace, venue)
        os.close(control.life_fd)
        os.close(control.lock_fd)
        raise
    finally:
        os.close(control.fd)
        if readers_fd >= 0:
            os.close(readers_fd)
