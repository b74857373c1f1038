"""What shared memory says about a venue, whether or not anybody runs: the truth of `status`."""

import mmap
import os
from pathlib import Path
from time import time_ns
from typing import Any, Literal

import numpy as np

from feedhandler.connection.state import ConnectionState
from feedhandler.healing.audit_report import read_report
from feedhandler.number_text import duration
from feedhandler.view.mirrored import mirror_of
from shm import DamagedSegment, NoSuchVenue, Reason, ShmError, State, _native
from shm.attach import read_struct, text
from shm.dev_shm import objects, open_fd
from shm.identity import start_ticks
from shm.object_names import control_name, data_name
from shm.owners import believed, check_believed
from shm.registry import readers
from shm.writer_lock import locked

_CELL_HEAD = 64
_WRITER = ("writer_pid", "writer_start_ticks")
SUSPECT_NS = 2_000_000_000  #: a heartbeat is due every 100 ms


def venue_status(namespace: str, venue: str) -> dict[str, Any]:
    """One venue's part of the status; raises :class:`shm.NoSuchVenue` if nothing is in memory.

    `state`: the venue's, STALE(FAILED) if its writer died, STALE(HEARTBEAT) if it hangs;
    `since_ns`: when that began; `live`: instruments that are LIVE of the `instruments` that are
    carried (those that are CLOSED are not: see `rows`); `heartbeat_age_ns`: since the writer last
    said that it is well; `connections`: {"total", "live"}; `slow_frames`: of books, trades
    and quotes, of no known skeleton; `uptime_ns`: of the writer; `audits`:
    see `audit_report`, by instrument; `readers`: of those that have registered, how many live, and
    {"name", "pid", "lost", "overruns"} of each that has lost records.
    "mirror": of a mirror, whose (`view.mirrored`). Of a dead writer's memory `pid` is 0.
    Raises :class:`shm.DamagedSegment`, OSError.
    """
    try:
        return _status(namespace, venue)
    except ValueError as error:  # a word or a place that no writer stores
        raise DamagedSegment(f"{venue}: its memory is damaged: {error}", "header") from None


def no_status(venue: str, detail: str, *, denied: bool = False) -> dict[str, Any]:
    """The status of a venue of which there is no memory that could be read; `detail`: why.
    `denied`: there is, and it cannot be."""
    return {
        "venue": venue,
        "state": "NONE",
        "reason": "NONE" if denied else "START",
        "detail": detail,
        "epoch": 0,
        "pid": 0,
        "restarts": 0,
        "instruments": 0,
        "live": 0,
        "heartbeat_age_ns": None,
        "connections": {"total": 0, "live": 0},
        "frames": 0,
        "uptime_ns": 0,
    }


def _status(namespace: str, venue: str) -> dict[str, Any]:
    header, alive, states, connections, slow = _read(namespace, venue)
    now = time_ns()
    state, reason = State(int(header["state"])), Reason(int(header["reason"]))
    mirror, offset = mirror_of(header), int(header["clock_offset_ns"])
    detail, since_ns = text(header["detail"]), int(header["state_ns"]) - offset
    if not alive and state is not State.CLOSED:
        state, reason, detail = State.STALE, Reason.FAILED, "its IO process died"
        since_ns = int(header["heartbeat_ns"])
    age = abs(now - int(header["heartbeat_ns"]))  # ahead: the clock was set back, as in liveness.h
    if alive and age > SUSPECT_NS:
        state, reason = State.STALE, Reason.HEARTBEAT
        since_ns = int(header["heartbeat_ns"])
        detail = f"its IO process gave no sign of life for {duration(age)}"
    speaks = alive and age < _native.DEAD_NS  # readers call nothing live otherwise
    pid = int(header["writer_pid"]) if alive else 0
    closed = int(np.count_nonzero(states == State.CLOSED))
    counters = {
        name.lower(): int(header["counters"][n]) for name, n in _native.names()["counter"].items()
    }
    return {
        "venue": venue,
        "state": state.name,
        "reason": reason.name,
        "detail": detail,
        "since_ns": since_ns,
        "epoch": int(header["epoch"]),
        "pid": pid,
        "restarts": 0,
        "instruments": int(header["instruments"]) - closed,
        "rows": {
            "all": int(header["directory"]["count"]),
            "taken": int(header["instruments"]),
            "closed": closed,
        },
        "live": int(np.count_nonzero(states == State.LIVE)) if speaks else 0,
        "heartbeat_age_ns": age,
        "data_age_ns": abs(now + offset - int(header["last_receive_ns"]))
        if header["last_receive_ns"]
        else None,
        "connections": connections if speaks else connections | {"live": 0},
        "frames": counters["frames"],
        "slow_frames": slow,
        "published": int(header["published"]),
        "uptime_ns": max(0, now - int(header["created_ns"])) if alive else 0,
        "resident_bytes": _resident(pid, int(header["writer_start_ticks"])),
        "shared_bytes": int(header["total_bytes"]),
        "replay": bool(header["replay"]),
        "counters": counters,
        "audits": read_report(namespace, venue, int(header["epoch"])),
        "readers": _readers(namespace, venue),
    } | ({"mirror": mirror} if mirror is not None else {})


def _readers(namespace: str, venue: str) -> dict[str, Any]:
    try:
        alive = [each for each in readers(venue, namespace=namespace) if each["alive"]]
    except (ShmError, OSError):  # the venue is not the worse for it
        alive = []
    keys: tuple[Literal["name", "pid", "lost", "overruns"], ...] = (
        "name",
        "pid",
        "lost",
        "overruns",
    )
    losing = [{key: each[key] for key in keys} for each in alive if each["lost"]]
    return {"alive": len(alive), "losing": losing}


def heartbeat(namespace: str, venue: str) -> tuple[int, int] | None:
    """(writer's pid, unix ns of its last heartbeat) of a venue's memory; None: there is none that
    can be read."""
    try:
        header, alive, fd = _open(namespace, venue)
    except (ShmError, OSError):
        return None
    os.close(fd)
    return (int(header["writer_pid"]), int(header["heartbeat_ns"])) if alive else None


def namespace_status(namespace: str) -> dict[str, Any]:
    """Every venue in memory: what `status` shows when no supervisor answers."""
    venues = []
    for venue in dict.fromkeys(name.venue for name in objects(namespace)):
        try:
            venues.append(venue_status(namespace, venue))
        except NoSuchVenue:
            continue
        except (ShmError, OSError) as error:  # the others are shown all the same
            venues.append(no_status(venue, str(error), denied=True))
    return {"namespace": namespace, "supervisor": None, "venues": venues}


def _read(
    namespace: str, venue: str
) -> tuple[np.void, bool, "np.ndarray[Any, Any]", dict[str, int], int]:
    header, alive, fd = _open(namespace, venue)
    try:
        return header, alive, *_rows(fd, header)
    finally:
        os.close(fd)


def _open(namespace: str, venue: str) -> tuple[np.void, bool, int]:
    """The header, whether its writer lives, and a descriptor of the newest data object."""
    control_fd = data_fd = -1
    try:
        path = control_name(namespace, venue)
        control_fd = open_fd(path)
        check_believed(os.fstat(control_fd).st_uid, believed(), path)
        if os.fstat(control_fd).st_size < _native.CONTROL_BYTES:  # its writer is making it
            raise FileNotFoundError
        control = read_struct(control_fd, "control")
        data_fd = open_fd(data_name(namespace, venue, int(control["epoch"])))
        header = read_struct(data_fd, "header")
        if int(header["magic"]) != _native.MAGIC_DATA or int(control["magic"]) == 0:
            raise FileNotFoundError
        # another process may have the lock already, and has not made its memory yet
        alive = locked(control_fd) and all(control[one] == header[one] for one in _WRITER)
        data_fd, kept = -1, data_fd
        return header, alive, kept
    except FileNotFoundError:
        raise NoSuchVenue(f"{venue}: nothing in shared memory of {namespace!r}") from None
    finally:
        for fd in (control_fd, data_fd):
            if fd >= 0:
                os.close(fd)


def _rows(fd: int, header: np.void) -> tuple["np.ndarray[Any, Any]", dict[str, int], int]:
    """The states of all instruments, how many connections are up, and their slow frames."""
    with mmap.mmap(fd, os.fstat(fd).st_size, prot=mmap.PROT_READ) as memory:
        states = _column(memory, header["quotes"], "quote", "state", int(header["instruments"]))
        rows = int(header["connection_rows"])
        connected = _column(memory, header["connections"], "connection", "connected_ns", rows)
        links = _column(memory, header["connections"], "connection", "state", rows)
        slow = _column(memory, header["connections"], "connection", "slow_frames", rows)
    kept = int(np.count_nonzero(links != ConnectionState.CLOSED)) or rows  # replaced: not missing
    return states, {"total": kept, "live": int(np.count_nonzero(connected))}, int(slow.sum())


def _column(
    memory: mmap.mmap, region: np.void, structure: str, field: str, rows: int
) -> "np.ndarray[Any, Any]":
    """One field of the current copies of the first `rows` cells; single words, never torn."""
    dtype = _native.DTYPES[structure]
    start, stride = int(region["offset"]), int(region["stride"])
    if rows == 0:
        return np.zeros(0, dtype[field])
    cells = np.frombuffer(memory, dtype=np.uint8, count=rows * stride, offset=start)
    assert dtype.fields is not None
    kind, offset = dtype.fields[field][:2]
    which = np.ndarray(rows, np.uint64, cells, 0, (stride,)) & np.uint64(1)  # its current copy
    copies = [
        np.ndarray(rows, kind, cells, _CELL_HEAD + copy * dtype.itemsize + offset, (stride,))
        for copy in (0, 1)
    ]
    return np.where(which, copies[1], copies[0])


def _resident(pid: int, ticks: int) -> int:
    """Resident bytes of a process that is still the one it was; 0 of none."""
    if not pid or start_ticks(pid) != ticks:
        return 0
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGESIZE")
