"""The names and the options of one epoch's directory, as a feed has learned them so far."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from shm._native import Instrument, Segment
from shm.chains import Chains
from shm.errors import UnknownInstrument
from shm.general_names import general_name
from shm.state_words import venue_said


class Directory:
    """Of one segment for its whole life, so that it never mixes the rows of two epochs.

    The directory only grows. Rows are learned by their place, and learning one twice changes
    nothing: threads need no lock here.
    """

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.symbols: dict[int, str] = {}  #: by row, as far as they were learned
        self._by_symbol: dict[str, int] = {}
        self._by_name: dict[str, int] = {}
        self._alike: dict[str, dict[int, None]] = {}  # rows by general name
        self._known = 0
        self._made: dict[int, Instrument] = {}
        self._chains = Chains((), 0)
        self._grouped = 0  # what the segment had found to be regrouped when the chains were made

    def learn(self) -> int:
        """Read the names that the directory has gained; how many rows it has."""
        first = self._known
        if self.segment.instruments == first:
            return first
        names = self.segment.names(first)
        for row, (symbol, name) in enumerate(names, first):
            self.symbols[row] = symbol
            self._by_symbol.setdefault(symbol, row)
            if name:
                self._named(row, name)
        self._known = max(self._known, first + len(names))
        return self._known

    def _named(self, row: int, name: str) -> None:
        self._by_name.setdefault(name, row)
        if general := general_name(name):
            self._alike.setdefault(general, {})[row] = None

    def find(self, name: str) -> int | None:
        """The row of the venue's symbol `name`, or else of that normalised name."""
        row = self._by_symbol.get(name)
        if row is None:
            self.learn()
            row = self._by_symbol.get(name, self._by_name.get(name))
        return row

    def find_symbol(self, symbol: str) -> int | None:
        """The row of a venue's symbol."""
        self.learn()
        return self._by_symbol.get(symbol)

    def find_name(self, name: str) -> int | None:
        """The row of a normalised name."""
        row = self._by_name.get(name)
        if row is None:
            self.learn()
            row = self._by_name.get(name)
        return row

    def find_alike(self, name: str) -> list[int]:
        """The row of a normalised name, or all those of a general one."""
        row = self.find_name(name)
        if row is not None:
            return [row]
        rows = list(self._alike.get(name, ()))
        return [row for row in rows if name == general_name(self.at(row).name)]

    def at(self, row: int) -> Instrument:
        """The instrument of a row, as it is now. Raises IndexError."""
        made = self._made.get(row)
        if made is None or self.segment.changed(made):
            made = self._made[row] = self.segment.instrument(row)
            if made.name:  # it may have another than it was learned by
                self._named(row, made.name)
        return made

    def unknown(self, name: str) -> UnknownInstrument:
        """The error about a name that is not there, with those most like it."""
        return self._unknown(name, [*self._by_symbol, *self._by_name])

    def unknown_name(self, name: str) -> UnknownInstrument:
        """The same where a normalised or a general name is wanted."""
        row = self._by_symbol.get(name)
        if row is None:
            return self._unknown(name, [*self._by_name, *self._alike])
        meant = self.at(row).name
        text = f"has no instrument of the name {name!r}: that is its own symbol of {meant}"
        return UnknownInstrument(f"{self.segment.venue} {text}", [meant])

    def _unknown(self, name: str, names: Iterable[str]) -> UnknownInstrument:
        near = difflib.get_close_matches(name, dict.fromkeys(names), n=5, cutoff=0.5)
        hint = f"; near: {', '.join(near)}" if near else ""
        among = f" among {self._known}{hint}" if self._known else f"; {self.nothing_yet}"
        return UnknownInstrument(f"{self.segment.venue} has no instrument {name!r}{among}", near)

    @property
    def nothing_yet(self) -> str:
        """What there is to say of a directory without rows: its writer has just begun."""
        return f"{self.segment.venue} lists no instruments yet: it is {venue_said(self.segment)}"

    def looked_up(self) -> dict[str, Instrument]:
        """What was handed out, by both of its names."""
        made = list(self._made.values())
        return {each.name: each for each in made} | {each.symbol: each for each in made}

    def chains(self, underlying: str) -> Chains:
        """The option chains of the rows that are there now, for a look at those of `underlying`.

        Raises :class:`shm.UnknownInstrument` while there are no rows at all.
        """
        count = self.learn()
        if not count:
            raise UnknownInstrument(f"no options on {underlying!r}; {self.nothing_yet}")
        chains, regrouped = self._chains, self.segment.regrouped
        if chains.rows != count or self._grouped != regrouped:
            made = [self.at(row) for row in range(count)]
            chains = self._chains = Chains(made, count)
            self._grouped = regrouped
        return chains
