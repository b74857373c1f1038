"""An engine that a case is about to be fed to: its instruments, its books, and its session."""

from __future__ import annotations

from feedhandler import venues
from feedhandler.bench.kit.frames import Case
from feedhandler.engine._engine import Engine
from shm import Reason, State

_ANSWERED = (-2, -8)  # exponents of those of which no more is known than their book


def add_known(engine: Engine, case: Case, otherwise: tuple[int, int] = _ANSWERED) -> None:
    """The instruments that are known before the first frame. `otherwise`: exponents of those whose
    own are not."""
    for symbol in case.snapshots.keys() | case.instruments.keys():
        price, size = case.instruments.get(symbol, otherwise)
        engine.add_instrument(symbol, price_exponent=price, size_exponent=size)


def begin(engine: Engine, case: Case) -> None:
    """A session that begins: the numbers of its channels, and the books that were asked for.

    The same frames may then be fed again, as those of another session. The instruments are there.
    """
    connection, venue = engine.connection(0), venues.load(case.venue)
    connection.begin()
    for key, number in case.numbers.items():
        row = engine.instrument_id(venue.key_symbols(key)[1])
        connection.bind(number, row, venue.topic(key))
    for symbol in case.snapshots.keys() | case.instruments.keys():
        row = engine.instrument_id(symbol)
        engine.set_state(row, State.SYNCING, Reason.START)
        if symbol in case.snapshots:
            engine.snapshot(row, case.snapshots[symbol])
