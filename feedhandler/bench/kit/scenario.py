"""Frames with what must become of them: what a run has to show before its time counts.

A dry run through a fresh engine tells how many ring records each frame makes. A live run in which
every book is in step makes the same ones, so that a record's place in the ring says which frame
brought it, without any mark in the frame, and a missing record is a lost one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from feedhandler import venues
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.venue import Base, Continuity
from feedhandler.bench.kit import leftovers
from feedhandler.bench.kit.feeding import add_known, begin
from feedhandler.bench.kit.frames import Case
from feedhandler.bench.kit.stub_venue import Listed
from feedhandler.engine._engine import Engine
from shm import State, segment
from shm._native import Writer


class ScenarioError(RuntimeError):
    """The frames are not what they should be."""


@dataclass(frozen=True)
class Scenario:
    """`records[i]`: ring records that frame i makes once every book is in step, which is after the
    first `warm` frames."""

    case: Case
    instruments: list[Listed]
    records: npt.NDArray[np.int64]
    warm: int

    @property
    def warming(self) -> list[bytes]:
        """The frames that bring every book into step."""
        return self.case.frames[: self.warm]

    @property
    def measured(self) -> list[bytes]:
        """The others."""
        return self.case.frames[self.warm :]

    @property
    def expected(self) -> npt.NDArray[np.int64]:
        """Records of each measured frame."""
        return self.records[self.warm :]


def prepare(case: Case, warm: int, instruments: int = 0) -> Scenario:
    """Two dry runs: one for the instruments and their exponents, one for the records.

    Raises ScenarioError where the engine refuses a frame, and where a book is not in step after
    `warm` frames. `instruments`: how many there are, if many.
    """
    found, _ = _dry_run(case, [], len(case.frames), instruments)
    found, records = _dry_run(case, found, warm, instruments)
    return Scenario(case, found, records, warm)


def repeated(case: Case, frames: int) -> Case:
    """The case again and again, at least so many frames: of venues whose stream begins with a full
    book, which starts everything over. Others have to be long by themselves."""
    times = max(1, -(-frames // len(case.frames)))
    if not begins_anew(case.venue):
        return case
    return replace(case, frames=case.frames * times, times=[])


def begins_anew(name: str) -> bool:
    """Whether a venue's stream may be sent again: it begins with a full book, and neither times nor
    the numbers of the connection go back by that."""
    venue = venues.load(name)
    if venue.base is Base.REQUEST or venue.rule is Continuity.TIME:
        return False
    shapes = venue.frames if isinstance(venue, DeclaredVenue) else ()
    return not shapes or (
        venue.base is Base.STREAM and not any(frame.kind == "number" for frame in shapes)
    )


def lasting(case: Case) -> Case:
    """The case as far as its books stay in step. A book with a window of levels wears out where the
    venue does not promise to tell what enters them: in life it is subscribed to anew."""
    if not case.instruments:
        return case
    with fresh_engine(case.venue, []) as (engine, _):
        add_known(engine, case)
        begin(engine, case)
        feed, in_step = engine.connection(0).feed, False
        rows = [engine.instrument_id(symbol) for symbol in case.instruments]
        for i, frame in enumerate(case.frames):
            feed(frame)
            live = all(engine.state(row)[0] == State.LIVE for row in rows)
            if in_step and not live:
                return replace(case, frames=case.frames[:i])
            in_step = live
    return case


@contextmanager
def fresh_engine(
    venue: str, known: Sequence[Listed], instruments: int = 0
) -> Iterator[tuple[Engine, Writer]]:
    """An engine that has seen nothing, with memory of its own, for so many instruments or a few
    hundred; it adds what is not `known`."""
    with segment.create(
        venue,
        namespace=leftovers.memory(f"bench{os.getpid()}d"),
        instruments=max(256, instruments),
        depth=20,
        ring_slots=1 << 16,
    ) as held:
        engine = make_engine(venues.load(venue), held.writer, auto_add=True)
        for one in known:
            engine.add_instrument(
                one.symbol, price_exponent=one.price_exponent, size_exponent=one.size_exponent
            )
        yield engine, held.writer


def _dry_run(
    case: Case, known: Sequence[Listed], warm: int, instruments: int
) -> tuple[list[Listed], npt.NDArray[np.int64]]:
    records = np.zeros(len(case.frames), np.int64)
    with fresh_engine(case.venue, known, instruments) as (engine, writer):
        add_known(engine, case, (0, 0))
        begin(engine, case)
        feed = engine.connection(0).feed
        before = writer.next_sequence
        for i, frame in enumerate(case.frames):
            if i == warm:
                _check_in_step(case, engine, i)
            feed(frame)
            after = writer.next_sequence
            records[i], before = after - before, after
        _check_in_step(case, engine, len(case.frames))
        _check_counters(case, engine.counters(), known=bool(known))
        return [_listed(engine, symbol) for symbol in engine.symbols()], records


def _listed(engine: Engine, symbol: str) -> Listed:
    *_, price_exponent, size_exponent = engine.book(engine.instrument_id(symbol))
    return Listed(symbol, price_exponent, size_exponent)


def _check_in_step(case: Case, engine: Engine, frames: int) -> None:
    rows = {symbol: engine.instrument_id(symbol) for symbol in engine.symbols()}
    late = [symbol for symbol, row in rows.items() if engine.state(row)[0] != State.LIVE]
    if late or not rows:
        raise ScenarioError(
            f"{case.name}: after {frames} frames not in step: {', '.join(late) or 'no book at all'}"
        )


def _check_counters(case: Case, counters: dict[str, int], *, known: bool) -> None:
    bad = {k: counters[k] for k in ("malformed", "gaps", "crossed") if counters[k]}
    if known and counters["precision"]:
        bad["precision"] = counters["precision"]  # the exponents are not those of the first run
    if bad:
        raise ScenarioError(f"{case.name}: the engine refuses frames: {bad}")
