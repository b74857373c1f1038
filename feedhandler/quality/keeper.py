"""Keeps what the engine counts in the file of the day; goes on where another was cut off."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from feedhandler.log import log
from feedhandler.quality.day_file import COUNTED, DAY_NS, DayFile, day_of, open_day

Counted = npt.NDArray[np.int64]  #: (n, len(COUNTED)), see `Engine.quality`
_LIVE, _SINCE = COUNTED.index("live_ns"), COUNTED.index("live_since")
_SUMS: Final = ("gaps", "missing", "unsized", "heals")


class Keeper:
    """Of one venue's process. It never raises for the sake of a file: then there is no quality.

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
        self._file: DayFile | None = None
        self._places: dict[bytes, int] = {}  # of the file, by symbol
        self._slots: dict[int, int] = {}  # places of the engine's rows
        self._base: dict[
            int, Counted
        ] = {}  # the engine's numbers that are not of this day, by slot
        self._now: dict[int, Counted] = {}  # the engine's numbers, by slot
        self._symbols: dict[int, bytes] = {}
        self._counters: Counted | None = None  # of this process, at the last beat
        self._holes = (0, 0, 0)
        self._at = clock()
        self._sums = dict.fromkeys(_SUMS, 0)
        self._open(self._at)

    # ---- what the process tells

    def add(self, symbols: Mapping[int, str], closed: Sequence[int], counted: Counted) -> None:
        """The numbers of rows of which something came: `symbols` by row, in the order of `counted`;
        `closed`: those that are carried no more."""
        if self._file is None:
            return
        now, rows = self._clock(), self._file.rows
        for (row, symbol), values in zip(symbols.items(), counted, strict=True):
            slot = self._slot(row, symbol.encode()[:64], now)
            if slot is None:
                continue
            self._now[slot] = values
            self._store(slot, values)
            its = rows[slot]
            if row in closed and its["carried_since"]:
                its["carried_ns"] += now - its["carried_since"]
                its["carried_since"] = 0
            elif row not in closed and not its["carried_since"]:
                its["carried_since"] = now

    def only(self, symbols: Collection[str]) -> None:
        """These are carried: what the process before carried besides ended with it."""
        if self._file is None:
            return
        updated = int(self._file.head["updated_ns"][0])
        wanted = {symbol.encode()[:64] for symbol in symbols}
        for row in self._file.rows[: self._file.used]:
            if row["carried_since"] and bytes(row["symbol"]) not in wanted:
                row["carried_ns"] += max(0, updated - row["carried_since"])
                row["carried_since"] = 0

    def beat(self, counters: Sequence[int], holes: tuple[int, int, int]) -> None:
        """It is well, and these are the venue's counters, and the holes of its connections."""
        if self._file is None:
            return
        now = self._clock()
        if day_of(now) != day_of(self._at):
            self._turn(now)
        head = self._file.head
        mine = np.array(counters, dtype=np.int64)
        before = self._counters if self._counters is not None else np.zeros_like(mine)
        head["counters"][0] += np.where(mine >= before, mine - before, mine)
        self._counters = mine
        for at, name in enumerate(("hole_gaps", "hole_missing", "hole_unsized")):
            head[name] += max(0, holes[at] - self._holes[at])
        self._minute(now, [max(0, new - old) for new, old in zip(holes, self._holes, strict=True)])
        self._holes = holes
        head["updated_ns"] = self._at = now

    # ---- the file

    def _open(self, now: int) -> None:
        """Take up the file of the day, and end what its last writer left open."""
        try:
            self._file = open_day(*self._of[:2], day_of(now), self._of[2])
        except (OSError, ValueError) as error:
            log.warning("quality is not kept: %s", error)
            self._file = None
            return
        rows, head = self._file.rows[: self._file.used], self._file.head
        self._places = {bytes(symbol): at for at, symbol in enumerate(rows["symbol"])}
        updated = int(head["updated_ns"][0])
        live = rows["live_since"] > 0
        rows["live_ns"][live] += np.maximum(0, updated - rows["live_since"][live])
        rows["live_since"][live] = 0
        head["proof"] = self._proof
        if not head["began_ns"][0]:
            head["began_ns"] = now
        self._prior = self._file.rows.copy()
        self._sums = {name: int(rows[name].sum()) for name in _SUMS}

    def _slot(self, row: int, symbol: bytes, now: int) -> int | None:
        """Its place in the file; None: the file has none left."""
        if self._symbols.get(row) == symbol:
            return self._slots[row]
        assert self._file is not None
        slot = self._places.get(symbol)
        if slot is None:
            slot = self._file.used
            if slot >= len(self._file.rows):
                return None
            self._file.rows[slot]["symbol"] = symbol
            self._file.rows[slot]["carried_since"] = now
            self._file.head["rows"] = slot + 1
            self._places[symbol] = slot
            self._prior[slot] = self._file.rows[slot]
        self._symbols[row], self._slots[row] = symbol, slot
        return slot

    def _store(self, slot: int, values: Counted) -> None:
        assert self._file is not None
        base = self._base.get(slot)
        today = values if base is None else values - base
        its, prior = self._file.rows[slot], self._prior[slot]
        for at, name in enumerate(COUNTED):
            its[name] = values[at] if at == _SINCE else int(prior[name]) + int(today[at])

    def _minute(self, now: int, holes: Sequence[int]) -> None:
        """Add what came since the last beat to this minute."""
        assert self._file is not None
        rows = self._file.rows[: self._file.used]
        minute = self._file.minutes[now % DAY_NS // 60_000_000_000]
        for name in _SUMS:
            total = int(rows[name].sum())
            minute[name] += max(0, total - self._sums[name])
            self._sums[name] = total
        for name, more in zip(("gaps", "missing", "unsized"), holes, strict=True):
            minute[name] += more
        passed = max(0, now - self._at)
        minute["live_ns"] += passed * int(np.count_nonzero(rows["live_since"]))
        minute["carried_ns"] += passed * int(np.count_nonzero(rows["carried_since"]))

    def _turn(self, now: int) -> None:
        """Another day: end this one at midnight, and begin the next with what goes on."""
        assert self._file is not None
        midnight = now - now % DAY_NS
        rows = self._file.rows[: self._file.used]
        carried = {int(slot) for slot in np.flatnonzero(rows["carried_since"])}
        for slot in carried:
            rows[slot]["carried_ns"] += midnight - rows[slot]["carried_since"]
        rows["carried_since"] = 0
        live = rows["live_since"] > 0
        rows["live_ns"][live] += np.maximum(0, midnight - rows["live_since"][live])
        rows["live_since"] = 0
        self._file.head["updated_ns"] = midnight
        old = {bytes(self._file.rows[slot]["symbol"]): slot for slot in carried}
        numbers = {symbol: self._now.get(slot) for symbol, slot in old.items()}
        known = dict(self._symbols)
        self._base, self._now, self._symbols, self._slots = {}, {}, {}, {}
        self._open(now)
        if self._file is None:
            return
        for row, symbol in known.items():
            values = numbers.get(symbol)
            if values is None:
                continue
            place = self._slot(row, symbol, midnight)
            if place is None:
                continue
            base = values.copy()
            base[_SINCE] = 0
            if values[_SINCE]:  # what it was LIVE before midnight is of the day before
                base[_LIVE] += midnight - values[_SINCE]
            self._base[place], self._now[place] = base, values
            self._file.rows[place]["carried_since"] = midnight
            self._store(place, values)
        used = self._file.rows[: self._file.used]
        self._sums = {name: int(used[name].sum()) for name in _SUMS}
        self._at = midnight
