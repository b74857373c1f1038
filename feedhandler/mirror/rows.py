"""The directory of an epoch, written again row by row as a recording has it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from feedhandler.mirror._mirror import Mirror
from shm import Status
from shm._native import Writer
from shm.recording.directory import InstrumentRow
from shm.recording.errors import DamagedRecording

_PRECISIONS = 8


class Rows:
    """What is known of each row of one epoch, and which of it is in memory already."""

    def __init__(self, known: Sequence[InstrumentRow], writer: Writer, mirror: Mirror) -> None:
        self._of: dict[int, list[InstrumentRow]] = {}
        for row in known:
            self._of.setdefault(row.instrument, []).append(row)
        self._coming = deque(known)
        self._now: dict[int, InstrumentRow] = {}
        self._pairs: dict[int, dict[int, tuple[int, int]]] = {}  # by precision
        self._writer = writer
        self._mirror = mirror
        self.unknown: list[int] = []  #: rows of which the recording says nothing

    def until(self, sequence: int) -> None:
        """All rows that were there when record `sequence` was written, as they were then."""
        while self._coming and self._coming[0].sequence <= sequence:
            row = self._coming.popleft()
            now = self._now.get(row.instrument)
            if now is None or (
                row.definition >= now.definition and row._replace(sequence=now.sequence) != now
            ):
                self._put(row)

    def has(self, instrument: int) -> bool:
        return instrument in self._now

    def has_book(self, instrument: int) -> bool:
        return self._now[instrument].has_book

    def defined(self, instrument: int, definition: int) -> None:
        """The terms that a DEFINITION record is about, or later ones if nobody kept these."""
        later = [row for row in self._of.get(instrument, ()) if row.definition >= definition]
        if later:
            self._put(later[0])

    def fit(self, record: np.void) -> None:
        """Whatever is missing for a record: its row, or the exponents that it is in."""
        instrument, precision = int(record["instrument"]), int(record["precision"])
        if instrument >= self._writer.capacity:
            raise DamagedRecording(
                f"record {record['sequence']} is of row {instrument}, and no directory has that "
                "one: `feedhandler verify` says what else is damaged"
            )
        if instrument not in self._now:
            self._put(self._first(instrument))
        row = self._now[instrument]
        if precision >= _PRECISIONS:
            return
        pair = int(record["price_exponent"]), int(record["size_exponent"])
        self._pairs.setdefault(instrument, {})[precision] = pair
        self._put(row._replace(precision=precision))

    def _first(self, instrument: int) -> InstrumentRow:
        if instrument in self._of:
            return self._of[instrument][0]
        self.unknown.append(instrument)
        nothing = next(iter(self._of.values()))[0] if self._of else None
        if nothing is None:
            raise DamagedRecording("the recording has no directory of instruments")
        return nothing._replace(
            instrument=instrument, symbol=f"row-{instrument}", name="", status=Status(0)
        )

    def _put(self, row: InstrumentRow) -> None:
        for before in range(self._writer.instruments, row.instrument):  # rows are in order
            self._put(self._first(before))
        row = self._with_pairs(row)
        fields = _fields(row)
        if row.instrument < self._writer.instruments:
            self._writer.directory_update(row.instrument, fields)
        else:
            self._writer.directory_add(fields)
        self._mirror.define(
            row.instrument,
            kind=row.kind,
            status=row.status,
            definition=row.definition,
            has_book=row.has_book,
            precision=row.precision,
            price_exponents=row.price_exponents,
            size_exponents=row.size_exponents,
        )
        self._now[row.instrument] = row

    def _with_pairs(self, row: InstrumentRow) -> InstrumentRow:
        """With the exponents that its records had: a pair keeps its place for the epoch."""
        price, size = (
            (list(each) + [0] * _PRECISIONS)[:_PRECISIONS]
            for each in (row.price_exponents, row.size_exponents)
        )
        for precision, pair in self._pairs.get(row.instrument, {}).items():
            price[precision], size[precision] = pair
        return row._replace(price_exponents=tuple(price), size_exponents=tuple(size))


def _fields(row: InstrumentRow) -> dict[str, Any]:
    bands = [*row.bands[:12], *[(0.0, 0.0)] * (12 - len(row.bands))]
    return {
        "id": row.instrument,
        "kind": row.kind,
        "option_type": row.option_type,
        "contract_type": row.contract_type,
        "status": row.status,
        "precision": row.precision,
        "has_book": row.has_book,
        "bands": len(row.bands),
        "definition": row.definition,
        "price_exponents": list(row.price_exponents),
        "size_exponents": list(row.size_exponents),
        "tick": row.tick,
        "lot": row.lot,
        "contract_size": row.contract_size,
        "strike": 0.0 if math.isnan(row.strike) else row.strike,
        "expiry_ns": row.expiry_ns,
        "symbol": row.symbol,
        "name": row.name,
        "base": row.base,
        "quote": row.quote,
        "settle": row.settle,
        "band_from": [since for since, _ in bands],
        "band_tick": [tick for _, tick in bands],
    }
