"""Subscriptions that one of several connections does not bring, while another one does.

Readers lose nothing by it, so that nobody else notices; but the redundancy that was asked for is
gone. It is said of the connection and in the log, and cured: the subscription is made again, then
another connection takes the place of this one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from feedhandler.adapter.venue import Venue
from feedhandler.budgets.backoff import doubled
from feedhandler.connection.connection import Connection
from feedhandler.connection.state import is_open
from feedhandler.engine import _engine
from feedhandler.fleet.fleet import Fleet
from feedhandler.healing.remarks import Remarks
from feedhandler.healing.silent_subscriptions import Renew
from feedhandler.instruments.universe import CHANNEL, Universe
from feedhandler.log import Throttle
from shm import Counter, Reason

LOOK_S: Final = 1.0
LOOKS: Final = 10  #: at which another connection brought it, and this one nothing
AGAIN_S: Final = (15.0, 600.0)  #: the first and the longest time between two cures


@dataclass(slots=True)
class _Missing:
    looks: int = 0
    tries: int = 0
    again: float = 0.0
    by: int = 0  #: the row of one that brings it

    @property
    def said(self) -> bool:
        return self.tries > 0


class MissingCopies:
    """Of one feed. Times are seconds of a monotonic clock."""

    def __init__(
        self,
        venue: Venue,
        universe: Universe,
        engine: _engine.Engine,
        fleet: Fleet,
        renew: Renew,
        count: Callable[[Counter], None],
    ) -> None:
        self._venue = venue
        self._universe = universe
        self._engine = engine
        self._fleet = fleet
        self._renew = renew
        self._count = count
        self._missing: dict[tuple[Connection, str], _Missing] = {}
        self._remarks = Remarks("copies")
        self._next = 0.0
        self._quiet = Throttle()

    def poll(self, now: float) -> None:
        """Take in who brought what, and act on what is missing."""
        if now < self._next:
            return
        self._next = now + LOOK_S
        known, self._missing = self._missing, {}
        several = [
            (bundle, up)
            for bundle in self._fleet.bundles
            if len(up := [each for each in bundle.connections if is_open(each.state)]) > 1
        ]
        brought = self._engine.brought() if several else np.zeros((0, 0), np.uint64)
        for bundle, up in several:
            for key in bundle.keys:
                bits = self._bits(key, brought)
                for connection in up:
                    place = connection, key
                    found = self._judged(place, bits, known.get(place))
                    if found is not None:
                        self._missing[place] = found
        for (connection, key), missing in self._missing.items():
            if missing.looks >= LOOKS and now >= missing.again:
                self._cure(connection, key, missing, now)
        self._note()

    def _bits(self, key: str, brought: npt.NDArray[np.uint64]) -> int:
        """Which connections brought it since the last look: a bit for each row."""
        column = CHANNEL.get(self._venue.promise(key).column)
        tracked = self._universe.of_key(key)
        if column is None or tracked is None or tracked.id >= len(brought):
            return 0
        return int(brought[tracked.id, column])

    def _judged(
        self, place: tuple[Connection, str], bits: int, missing: _Missing | None
    ) -> _Missing | None:
        """What is known of it after this look; None: nothing is missing."""
        connection, key = place
        if bits >> connection.row & 1:
            if missing is not None and missing.said:
                text = f"{connection}: {key} comes on this one, too"
                self._quiet.info("again", text, connection=connection.row)
            return None
        if not connection.subscriptions.is_live(key):
            if missing is not None:
                missing.looks = 0
            return missing
        if bits:
            missing = missing or _Missing()
            missing.looks += 1
            missing.by = bits.bit_length() - 1
        return missing

    def _cure(self, connection: Connection, key: str, missing: _Missing, now: float) -> None:
        missing.again = now + doubled(*AGAIN_S, missing.tries)
        missing.tries += 1
        if missing.tries == 1:
            text = f"{connection}: {_words(key, missing)}"
            self._quiet.warning("missing", text, connection=connection.row)
            if connection.resubscribe(key):
                self._count(Counter.RESUBSCRIBES)
        else:
            self._renew(connection, Reason.NO_DATA, _words(key, missing), None)

    def _note(self) -> None:
        """Say it of the connections."""
        noted: dict[Connection, list[str]] = {}
        for (connection, key), missing in self._missing.items():
            if missing.said:
                noted.setdefault(connection, []).append(_words(key, missing))
        said = {each: (Reason.NO_DATA, words[0] + _more(words)) for each, words in noted.items()}
        self._remarks.say(said)


def _words(key: str, missing: _Missing) -> str:
    return f"{key} brings nothing here, and comes on connection {missing.by}"


def _more(words: Sequence[str]) -> str:
    return f", and {len(words) - 1} more" if len(words) > 1 else ""
