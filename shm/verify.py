"""Checking an epoch of a venue's memory against everything that the contract promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shm._native import DTYPES, NO_INSTRUMENT, NONE, READ_BUSY, READ_EMPTY, READ_LAPPED, READ_OK
from shm.errors import DamagedSegment
from shm.memory import Memory
from shm.names import Flag, State


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be. `place`: "ring 17", "book BTC-USDT", "directory 3"."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def verify(memory: Memory, *, most: int = 100) -> list[Finding]:
    """What is wrong with an epoch, dead or alive; empty: nothing. Stops after `most` findings.

    The header was checked when the memory was opened. Checked here: every slot's stamp is right
    for its place; messages are whole, FIRST to LAST, and contiguous back from the last published
    record; every cell can be read, reflects nothing unwritten, has sorted levels, and is not
    crossed when LIVE; the directory's and the connection table's rows are themselves.
    """
    findings: list[Finding] = []
    for check in (_control, _directory, _ring, _cells, _connections):
        findings += check(memory)
        if len(findings) >= most:
            break
    return findings[:most]


def _control(memory: Memory) -> list[Finding]:
    """While its writer lives, the control object leads to it."""
    try:
        header = memory.header()
    except DamagedSegment:  # truncated, as all else will say
        return []
    control = memory.control()
    if control is None or not memory.writer_alive or header["superseded"]:
        return []
    return [
        Finding("control", f"{field} is {int(control[field])}, the living writer's {header[field]}")
        for field in ("epoch", "writer_pid", "writer_start_ticks")
        if int(control[field]) != header[field]
    ]


def _directory(memory: Memory) -> list[Finding]:
    findings = []
    seen: dict[str, int] = {}
    for row in range(memory.segment.instruments):
        place = f"directory {row}"
        status, raw = memory.segment.cell("directory", row)
        if status != READ_OK:
            findings.append(Finding(place, "cannot be read"))
            continue
        entry = np.frombuffer(raw, dtype=DTYPES["instrument"])[0]
        symbol = bytes(entry["symbol"]).decode("utf-8", "replace")
        if int(entry["id"]) != row:
            findings.append(Finding(place, f"its id is {int(entry['id'])}"))
        if not symbol:
            findings.append(Finding(place, "has no symbol"))
        elif symbol in seen:
            findings.append(Finding(place, f"{symbol} is row {seen[symbol]} already"))
        seen.setdefault(symbol, row)
        if int(entry["precision"]) >= len(entry["price_exponents"]):
            findings.append(Finding(place, f"precision {int(entry['precision'])}"))
    return findings


def _ring(memory: Memory) -> list[Finding]:
    segment = memory.segment
    slots = segment.slots
    published = segment.published
    first = max(1, published - slots + 1)
    rows = segment.ring(first, published - first + 1)
    findings = _stamps(rows, slots)
    whole = rows[rows["status"] == READ_OK]
    # A live writer overwrites the oldest ones while they are read: the rest is in one piece.
    lapped = np.flatnonzero(rows["status"] == READ_LAPPED)
    if len(lapped):
        whole = rows[lapped[-1] + 1 :]
        whole = whole[whole["status"] == READ_OK]
    findings += _messages(whole, memory)
    if published < slots:
        findings += _unwritten(segment.ring(published + 1, slots - published), slots)
    return findings


def _stamps(rows: npt.NDArray[np.void], slots: int) -> list[Finding]:
    findings = []
    names = {READ_EMPTY: "was never written", READ_BUSY: "is half written"}
    for row in rows[rows["status"] != READ_OK]:
        n, stamp = int(row["sequence"]), int(row["stamp"])
        if row["status"] != READ_LAPPED:
            text = f"published, but {names[int(row['status'])]} (stamp {stamp}, not {2 * n})"
            findings.append(Finding(f"ring {n}", text))
        elif ((stamp + 1) // 2 - n) % slots:
            findings.append(Finding(f"ring {n}", f"stamp {stamp} belongs to another place"))
    return findings


def _unwritten(rows: npt.NDArray[np.void], slots: int) -> list[Finding]:
    """Places that nothing published has reached: empty, or of what comes next."""
    findings = []
    for row in rows[rows["stamp"] != 0]:
        n, stamp = int(row["sequence"]), int(row["stamp"])
        if ((stamp + 1) // 2 - n) % slots:
            findings.append(Finding(f"ring {n}", f"stamp {stamp} belongs to another place"))
    return findings


def _messages(rows: npt.NDArray[np.void], memory: Memory) -> list[Finding]:
    findings: list[Finding] = []
    if not len(rows):
        return findings
    first = (rows["flags"] & Flag.FIRST) != 0
    last = (rows["flags"] & Flag.LAST) != 0
    sequences = rows["sequence"]
    for at in np.flatnonzero(first[1:] != last[:-1]):
        what = "begins before the one before it ended" if first[at + 1] else "does not begin"
        findings.append(Finding(f"ring {int(sequences[at + 1])}", f"its message {what}"))
    if not last[-1]:
        findings.append(Finding(f"ring {int(sequences[-1])}", "published, but not the last of its"))
    known = rows["instrument"] < memory.segment.instruments
    odd = ~known & (rows["instrument"] != NO_INSTRUMENT)
    for at in np.flatnonzero(odd):
        text = f"instrument {int(rows['instrument'][at])} is not in the directory"
        findings.append(Finding(f"ring {int(sequences[at])}", text))
    return findings


def _written(memory: Memory, sequence: int) -> bool:
    """Whether a record is in the ring, or was: published or not, as a cell is stored in between."""
    segment = memory.segment
    if segment.mirror is not None and sequence > segment.published:
        return True  # a cell may come to a mirror with the batch before that of its record
    status = int(segment.ring(sequence, 1)[0]["status"])
    return status in (READ_OK, READ_LAPPED)


def _cells(memory: Memory) -> list[Finding]:
    findings = []
    for row in range(memory.segment.instruments):
        symbol = f"{row}"
        status, raw = memory.segment.cell("directory", row)
        if status == READ_OK:
            entry = np.frombuffer(raw, dtype=DTYPES["instrument"])[0]
            symbol = bytes(entry["symbol"]).decode("utf-8", "replace")
        for region, check in (("quotes", _quote), ("books", _book)):
            place = f"{region[:-1]} {symbol}"
            findings += _cell(memory, region, row, place, check)
            findings += _terms(memory, region, row, place)
    return findings


def _terms(memory: Memory, region: str, row: int, place: str) -> list[Finding]:
    """The cell first: a row is stored before the cells that are under it."""
    status, raw = memory.segment.cell(region, row)
    again, entry = memory.segment.cell("directory", row)
    if status != READ_OK or again != READ_OK:
        return []  # said elsewhere
    dtype = DTYPES[region[:-1]]
    cell = np.frombuffer(raw, dtype=dtype, count=1)[0]
    now = np.frombuffer(entry, dtype=DTYPES["instrument"])[0]
    ours, theirs = int(cell["definition"]), int(now["definition"])
    if ours > theirs:
        return [Finding(place, f"under definition {ours}, of which the directory has {theirs}")]
    if ours == theirs and cell["status"] != now["status"]:
        text = f"status {int(cell['status'])}, and in the directory {int(now['status'])}"
        return [Finding(place, f"{text}, both of definition {ours}")]
    return []


def _cell(
    memory: Memory,
    region: str,
    row: int,
    place: str,
    check: Callable[[bytes, int], list[str]],
) -> list[Finding]:
    status, raw = memory.segment.cell(region, row)
    if status == READ_EMPTY:
        return []
    if status != READ_OK:
        return [Finding(place, "cannot be read")]
    sequence = int(np.frombuffer(raw, dtype=np.uint64, count=2)[1])
    texts = check(raw, memory.segment.depth)
    if sequence and not _written(memory, sequence):
        texts.append(f"reflects record {sequence}, which was never written")
    return [Finding(place, text) for text in texts]


def _state(value: Any) -> list[str]:
    return [] if int(value) in State.__members__.values() else [f"state {int(value)}"]


def _quote(raw: bytes, _depth: int) -> list[str]:
    quote = np.frombuffer(raw, dtype=DTYPES["quote"])[0]
    texts = _state(quote["state"])
    bid, ask = int(quote["bid_price"]), int(quote["ask_price"])
    if quote["state"] == State.LIVE and NONE not in (bid, ask) and bid >= ask:
        texts.append(f"LIVE, but crossed: bid {bid}, ask {ask}")
    return texts


def _book(raw: bytes, depth: int) -> list[str]:
    dtype = DTYPES["book"]
    head = np.frombuffer(raw, dtype=dtype, count=1)[0]
    texts = _state(head["state"])
    if int(head["bids"]) > depth or int(head["asks"]) > depth:
        return [*texts, f"{int(head['bids'])} bids, {int(head['asks'])} asks of {depth}"]
    levels = np.frombuffer(raw, dtype=np.int64, offset=dtype.itemsize).reshape(2, depth, 2)
    bids, asks = levels[0, : int(head["bids"])], levels[1, : int(head["asks"])]
    if np.any(np.diff(bids[:, 0]) >= 0):
        texts.append("its bids do not fall")
    if np.any(np.diff(asks[:, 0]) <= 0):
        texts.append("its asks do not rise")
    if np.any(bids[:, 1] <= 0) or np.any(asks[:, 1] <= 0):
        texts.append("has a level of no size")
    if head["state"] == State.LIVE and len(bids) and len(asks) and bids[0, 0] >= asks[0, 0]:
        texts.append(f"LIVE, but crossed: bid {int(bids[0, 0])}, ask {int(asks[0, 0])}")
    return texts


def _connections(memory: Memory) -> list[Finding]:
    findings = []
    for row in range(memory.connection_rows):
        status, raw = memory.segment.cell("connections", row)
        if status == READ_EMPTY:
            continue
        place = f"connection {row}"
        if status != READ_OK:
            findings.append(Finding(place, "cannot be read"))
            continue
        entry = np.frombuffer(raw, dtype=DTYPES["connection"])[0]
        if int(entry["id"]) != row:
            findings.append(Finding(place, f"its id is {int(entry['id'])}"))
    return findings
