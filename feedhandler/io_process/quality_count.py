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
    """Of one feed of a venue's process: nothing before `begin`, for then readers see another."""

    def __init__(self, engine: Engine, universe: Universe, writer: Writer, venue: Venue) -> None:
        self._engine = engine
        self._universe = universe
        self._writer = writer
        self._venue = venue.name
        self._proof = ", ".join(sign.name.lower() for sign in venue.proof.signs)
        self._keeper: Keeper | None = None

    def begin(self) -> None:
        """From now on this feed is what readers see."""
        writer = self._writer
        self._keeper = Keeper(writer.namespace, self._venue, writer.capacity, proof=self._proof)
        if self._universe.by_id:
            symbols, closed = self._named(self._universe.by_id)
            counted = self._engine.quality(list(symbols))
            self._keeper.take_over(symbols, closed, counted, writer.counters(), holes(self._engine))

    def end(self) -> None:
        """Another feed is what readers see."""
        if self._keeper is not None:
            self.looked(np.fromiter(self._universe.by_id, np.int64))
            self.beat()
            self._keeper.close()
            self._keeper = None

    def only(self, symbols: Iterable[str]) -> None:
        """These are carried from the start on."""
        if self._keeper is not None:
            self._keeper.only(set(symbols))

    def looked(self, rows: npt.NDArray[np.int64]) -> None:
        """Something came of these."""
        if self._keeper is not None:
            symbols, closed = self._named(rows.tolist())
            self._keeper.add(symbols, closed, self._engine.quality(list(symbols)))

    def alive(self) -> None:
        """The process is well."""
        if self._keeper is not None:
            self._keeper.alive()

    def beat(self) -> None:
        """What it counts since the last time."""
        if self._keeper is not None:
            self._keeper.beat(self._writer.counters(), holes(self._engine))

    def _named(self, rows: Iterable[int]) -> tuple[dict[int, str], list[int]]:
        """Symbols by row, and the rows that are closed."""
        by_id = self._universe.by_id
        symbols = {row: by_id[row].spec.symbol for row in rows if row in by_id}
        return symbols, [row for row in symbols if by_id[row].closed]
