"""What the engine counts of a venue's books, on its way to the file of the day."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from feedhandler.adapter.venue import Venue
from feedhandler.engine._engine import Engine, holes
from feedhandler.instruments.universe import Universe
from feedhandler.quality.keeper import Keeper
from shm._native import Writer


class QualityCount:
    """Of one venue's process."""

    def __init__(self, engine: Engine, universe: Universe, writer: Writer, venue: Venue) -> None:
        self._engine = engine
        self._universe = universe
        self._writer = writer
        proof = ", ".join(sign.name.lower() for sign in venue.proof.signs)
        self._keeper = Keeper(writer.namespace, venue.name, writer.capacity, proof=proof)

    def only(self, symbols: Iterable[str]) -> None:
        """These are carried from the start on."""
        self._keeper.only(set(symbols))

    def looked(self, rows: npt.NDArray[np.int64]) -> None:
        """Something came of these."""
        by_id = self._universe.by_id
        there = [row for row in rows.tolist() if row in by_id]
        symbols = {row: by_id[row].spec.symbol for row in there}
        closed = [row for row in there if by_id[row].closed]
        self._keeper.add(symbols, closed, self._engine.quality(there))

    def beat(self) -> None:
        """The process is well."""
        self._keeper.beat(self._writer.counters(), holes(self._engine))
