"""Keeps what the engine counts in the file of the day; goes on where another was cut off."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from feedhandler.log import log
from feedhandler.quality.day_file import (
    COUNTED,
    DAY_NS,
    LATE_NS,
    MINUTES,
    MOST_ROWS,
    ROW,
    DayFile,
    DayWriter,
    begin_of,
    day_of,
)
from shm.permissions import whose

Numbers = npt.NDArray[np.int64]
Counted = npt.NDArray[np.int64]  #: (n, len(COUNTED)), see `Engine.quality`

_LIVE, _SINCE = COUNTED.index("live_ns"), COUNTED.index("live_since")
_SUMS: Final = ("gaps", "missing", "unsized", "heals")
_HOLES: Final = ("gaps", "missing", "unsized")
_AGAIN_NS: Final = 60_000_000_000  # after a file that could not be had, or written
_MINUTE_NS: Final = 60_000_000_000
_NOWHERE: Final = -2  # the file has no room for it
_UNKNOWN: Final = -1
_NEVER: Final = 1 << 62
_NOTHING: Final = (_NEVER, 0)  # rows from, to


class Keeper:
    """Of one venue's process. It never raises for the sake of a file: then there is no quality.

    What the engine says grows from the start of its row on; what is added here is by how much, so
    that a day, a process and a row that end, and others that begin, all are the same.

    `rows`: instruments that there may be; `proof`: by what each message is proven, in words.
    """

    def __init__(
        self,
        namespace: str,
        venue: str,
        rows: int,
        clock: Callable[[], int] = time.time_ns,
        proof: str = "",
    ) -> None:
        self._of = namespace, venue, rows
        self._clock = clock
        self._proof = proof.encode()[:64]
        self._seen = np.zeros((0, len(COUNTED)), np.int64)  # by row of the engine: what it said
        self._credit = np.zeros(0, np.int64)  # of its open time LIVE: what is dealt with already
        self._anew = np.zeros(0, np.bool_)  # what it said before is not of this file
        self._behind = np.zeros(0, np.bool_)  # not looked at since time was cut out
        self._slots = np.zeros(0, np.int64)  # its place in the file
        self._symbols: dict[int, bytes] = {}
        self._counters: Numbers | None = None  # of this process, at the last beat
        self._holes = (0, 0, 0)
        self._fresh = np.zeros(len(COUNTED), np.int64)  # since the last beat
        self._writer: DayWriter | None = None
        self._places: dict[bytes, int] = {}  # in the file, by symbol
        self._table = self._seen  # what the file has of COUNTED, by place
        self._since = self._credit  # its column live_since
        self._owners = self._slots  # by place: the newest row of the engine that has it
        self._dirty = _NOTHING  # places that are not stored yet
        self._at = self._well = self._not_before = 0  # the last beat, and the last sign of life
        self._hole = 0, 0  # the time that was cut out last, from, to
        self._day = day_of(0)
        self._complaint = ""
        self._begin(clock())

    # ---- what the process tells

    def add(self, symbols: Mapping[int, str], closed: Sequence[int], counted: Counted) -> None:
        """The numbers of rows of which something came: `symbols` by row, in the order of `counted`;
        `closed`: those that are carried no more."""
        now = self._now()
        if self._writer is None or not symbols:
            return
        rows = np.fromiter(symbols, np.int64, len(symbols))
        self._know(rows, symbols)
        slots, anew = self._slots[rows], self._anew[rows]
        before = np.where(anew[:, None], counted, self._seen[rows])
        self._seen[rows], self._anew[rows] = counted, False
        grown = np.maximum(counted - before, 0)
        grown[:, _SINCE] = 0
        turned = counted[:, _SINCE] != before[:, _SINCE]
        grown[:, _LIVE] -= np.where(turned, np.minimum(self._credit[rows], grown[:, _LIVE]), 0)
        self._credit[rows[turned]] = 0
        end, begin = self._hole
        late = self._behind[rows] & ~anew  # what the cut did not know
        self._behind[rows] = False
        unknown = late & (before[:, _SINCE] == 0)
        grown[unknown & (grown[:, _LIVE] >= begin - end), _LIVE] -= begin - end
        opened = late & turned & (counted[:, _SINCE] > 0) & (counted[:, _SINCE] < begin)
        first = opened & unknown
        grown[first, _LIVE] += np.maximum(0, end - counted[first, _SINCE])
        here = slots >= 0
        odd = np.flatnonzero(here & turned & (before[:, _SINCE] > now))  # the clock was set back
        open_ns = np.maximum(0, now - self._since[slots[odd]])
        grown[odd, _LIVE] = np.where(self._since[slots[odd]] > 0, open_ns, 0)
        np.add.at(self._table, slots[here], grown[here])
        self._fresh += grown[here].sum(axis=0)
        mine = here & (self._owners[np.maximum(slots, 0)] == rows)
        which = mine & turned
        self._since[slots[which]] = np.minimum(counted[which, _SINCE], now)
        which = mine & opened
        self._since[slots[which]] = begin
        self._credit[rows[which]] = begin - counted[which, _SINCE]
        open_ = np.flatnonzero(anew & mine & (counted[:, _SINCE] > 0))
        self._since[slots[open_]] = now
        self._credit[rows[open_]] = np.maximum(0, now - counted[open_, _SINCE])
        self._carry(slots[mine], np.isin(rows[mine], closed), now)
        self._touch(slots[here])

    def take_over(
        self,
        symbols: Mapping[int, str],
        closed: Sequence[int],
        counted: Counted,
        counters: Sequence[int],
        holes: tuple[int, int, int],
    ) -> None:
        """From now on it is this engine that readers see: what it counted before is not of here."""
        self._now()
        self._counters, self._holes = np.array(counters, dtype=np.int64), holes
        over = set(closed)
        self.only([symbol for row, symbol in symbols.items() if row not in over])
        if self._writer is not None:
            self._know(np.fromiter(symbols, np.int64, len(symbols)), symbols)
            self._anew[:] = True
            self.add(symbols, closed, counted)

    def only(self, symbols: Collection[str]) -> None:
        """These are carried: what the process before carried besides ended with it."""
        if self._writer is None:
            return
        file = self._writer.file
        updated = int(file.head["updated_ns"][0])
        wanted = {symbol.encode()[:64] for symbol in symbols}
        for row in file.rows[: file.used]:
            if row["carried_since"] and bytes(row["symbol"]) not in wanted:
                row["carried_ns"] += max(0, updated - row["carried_since"])
                row["carried_since"] = 0
        self._touch(np.arange(file.used))

    def beat(self, counters: Sequence[int], holes: tuple[int, int, int]) -> None:
        """It is well, and these are the venue's counters, and the holes of its connections."""
        now = self._now()
        mine, before = np.array(counters, dtype=np.int64), self._counters
        more = [max(0, new - old) for new, old in zip(holes, self._holes, strict=True)]
        self._counters, self._holes = mine, holes
        if self._writer is None:
            return
        file = self._writer.file
        head = file.head
        if before is None:
            before = np.zeros_like(mine)
        head["counters"][0] += np.where(mine >= before, mine - before, mine)
        for name, count in zip(_HOLES, more, strict=True):
            head[f"hole_{name}"] += count
        minute = now % DAY_NS // _MINUTE_NS
        its = file.minutes[minute]
        for name in _SUMS:
            its[name] += int(self._fresh[COUNTED.index(name)])
        for name, count in zip(_HOLES, more, strict=True):
            its[name] += count
        self._fresh[:] = 0
        used, passed = file.used, now - self._at
        its["live_ns"] += passed * int(np.count_nonzero(self._since[:used]))
        its["carried_ns"] += passed * int(np.count_nonzero(file.rows["carried_since"][:used]))
        head["updated_ns"] = self._at = now
        self._store(now, minute)

    def alive(self) -> None:
        """It is well, and that is all: of a process that is killed, books were LIVE until its last
        such word."""
        now = self._clock()
        if not 0 <= now - self._well <= LATE_NS or day_of(now) != self._day:
            return
        self._well = now
        if self._writer is not None and not self._complaint:
            try:
                self._writer.mark(now)
            except OSError as error:
                self._complain(error)

    def close(self) -> None:
        """Another one goes on."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._not_before = _NEVER

    # ---- time

    def _now(self) -> int:
        """The time; the day's file is the right one then, and no time counts that was not there."""
        now = self._clock()
        if self._writer is None:
            if now >= self._not_before and self._begin(now):
                self._anew[:] = True
        elif day_of(now) != self._day:
            self._turn(now)
        elif now < self._well or now - self._well > LATE_NS:  # the clock was set, or it did not run
            self._cut(self._well, now)
            self._at = now - max(0, self._well - self._at)
        self._well = now
        return now

    def _cut(self, end: int, begin: int) -> None:
        """What is LIVE was so until `end`, and is so again from `begin` on."""
        assert self._writer is not None
        rows = self._writer.file.rows[: self._writer.file.used]
        slots = np.flatnonzero(self._since[: len(rows)])
        owners, since = self._owners[slots], self._since[slots]
        rows["live_ns"][slots] += np.maximum(0, end - since)
        known = owners >= 0
        mine = owners[known]
        self._credit[mine] = np.maximum(0, begin - self._seen[mine, _SINCE])
        self._since[slots] = begin
        if begin > end:
            self._hole = end, begin
            self._behind[:] = True
        if begin < end:
            carried = np.flatnonzero(rows["carried_since"])
            rows["carried_ns"][carried] += np.maximum(0, end - rows["carried_since"][carried])
            rows["carried_since"][carried] = begin
        self._touch(np.arange(len(rows)))

    def _turn(self, now: int) -> None:
        """Another day: end this one, and begin that one with what goes on."""
        assert self._writer is not None
        file, end = self._writer.file, begin_of(self._day) + DAY_NS
        if self._well <= now <= self._well + LATE_NS:
            begin = end
        else:  # the clock was set, or it did not run
            begin, end = now, min(self._well, end)
        self._cut(end, begin)
        rows = file.rows[: file.used]
        live = np.flatnonzero(self._since[: len(rows)])
        carried = np.flatnonzero(rows["carried_since"])
        rows["carried_ns"][carried] += np.maximum(0, end - rows["carried_since"][carried])
        goes_on = [self._owners[slots] for slots in (live, carried)]
        rows["carried_since"] = 0
        self._since[:] = 0
        file.head["updated_ns"] = end
        self._dirty = (0, file.used)
        self._store(end, MINUTES - 1)
        self._writer.close()
        if not self._begin(begin):
            return
        for rows_of, column in zip(goes_on, ("live_since", "carried_since"), strict=True):
            known = rows_of[rows_of >= 0]
            self._know(known, {int(row): "" for row in known})
            slots = self._slots[known][self._slots[known] >= 0]
            self._writer.file.rows[column][slots] = begin
            self._touch(slots)

    # ---- the file

    def _begin(self, now: int) -> bool:
        """Take up the file of the day, and end what its last writer left open; False: it cannot be
        had."""
        self._at, self._well, self._day = now, now, day_of(now)
        self._writer = None
        try:
            self._writer = DayWriter(*self._of[:2], self._day, self._of[2])
        except (OSError, ValueError) as error:
            self._not_before = now + _AGAIN_NS
            self._complain(error)
            return False
        self._complaint = ""
        file = self._writer.file
        self._places = {bytes(symbol): at for at, symbol in enumerate(file.rows["symbol"])}
        self._places.pop(b"", None)
        self._owners = np.zeros(0, np.int64)
        self._laid(file)
        self._slots[:] = _UNKNOWN
        rows, updated = file.rows[: file.used], int(file.head["updated_ns"][0])
        live = rows["live_since"] > 0
        rows["live_ns"][live] += np.maximum(0, updated - rows["live_since"][live])
        rows["live_since"] = 0
        file.head["rows"] = file.used  # whatever a damaged one says
        file.head["proof"] = self._proof
        if not file.head["began_ns"][0]:
            file.head["began_ns"] = now
        self._dirty = (0, file.used)
        return True

    def _laid(self, file: DayFile) -> None:
        """Its columns, and as many owners as it has rows."""
        words = file.rows.view(np.int64).reshape(len(file.rows), ROW.itemsize // 8)
        self._table = words[:, -len(COUNTED) :]
        self._since = self._table[:, _SINCE]
        more = np.full(len(file.rows) - len(self._owners), _UNKNOWN, np.int64)
        self._owners = np.append(self._owners, more)

    def _has_room(self, writer: DayWriter) -> bool:
        """For one more: listings of a day may be more than a directory has rows at once."""
        rows = len(writer.file.rows)
        if writer.file.used < rows:
            return True
        if rows >= MOST_ROWS:
            return False
        try:
            writer.grow(min(MOST_ROWS, 2 * rows))
        except OSError as error:
            self._complain(error)
            return False
        self._laid(writer.file)
        return True

    def _know(self, rows: Numbers, symbols: Mapping[int, str]) -> None:
        """Places for rows of the engine, and that the newest of a symbol speaks for it."""
        assert self._writer is not None
        file, most = self._writer.file, int(rows.max(initial=-1)) + 1
        if most > len(self._slots):
            more = max(most, 2 * len(self._slots)) - len(self._slots)
            self._slots = np.append(self._slots, np.full(more, _UNKNOWN, np.int64))
            self._credit = np.append(self._credit, np.zeros(more, np.int64))
            self._anew = np.append(self._anew, np.zeros(more, np.bool_))
            self._behind = np.append(self._behind, np.ones(more, np.bool_))
            self._seen = np.vstack((self._seen, np.zeros((more, len(COUNTED)), np.int64)))
        for row in rows[self._slots[rows] == _UNKNOWN].tolist():
            symbol = self._symbols.setdefault(row, symbols[row].encode()[:64])
            slot = self._places.get(symbol)
            if slot is None:
                if not self._has_room(self._writer):
                    self._slots[row] = _NOWHERE
                    continue
                file = self._writer.file
                slot = file.used
                file.rows[slot] = np.zeros((), ROW)
                file.rows[slot]["symbol"] = symbol
                file.head["rows"] = slot + 1
                self._places[symbol] = slot
            self._slots[row] = slot
            self._owners[slot] = max(self._owners[slot], row)

    def _carry(self, slots: Numbers, closed: npt.NDArray[np.bool_], now: int) -> None:
        """Those are carried from now on if they were not, unless they are closed."""
        assert self._writer is not None
        rows = self._writer.file.rows
        since = rows["carried_since"]
        ended = slots[closed & (since[slots] > 0)]
        rows["carried_ns"][ended] += np.maximum(0, now - since[ended])
        since[ended] = 0
        since[slots[~closed & (since[slots] == 0)]] = now

    def _touch(self, slots: Numbers) -> None:
        if len(slots):
            first, last = self._dirty
            self._dirty = min(first, int(slots.min())), max(last, int(slots.max()) + 1)

    def _store(self, now: int, minute: int) -> None:
        assert self._writer is not None
        if now < self._not_before and self._complaint:
            return
        first, last = self._dirty if self._dirty != _NOTHING else (0, 0)
        minutes = range(MINUTES) if self._complaint else range(minute, minute + 1)
        try:
            self._writer.store(first, last, minutes)
        except OSError as error:
            self._not_before = now + _AGAIN_NS
            self._complain(error)
            return
        self._dirty, self._complaint = _NOTHING, ""

    def _complain(self, error: Exception) -> None:
        if str(error) != self._complaint:
            self._complaint = str(error)
            why = str(error)
            if isinstance(error, PermissionError) and error.filename:
                cure = "FEEDHANDLER_STATE names another place"
                why = f"{error.filename}: permission denied: {whose(error.filename)}: {cure}"
            log.warning("quality is not kept: %s", why)
