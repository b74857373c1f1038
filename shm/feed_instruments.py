"""The methods of a feed that tell of its instruments: by what names, and what they are worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shm._native import Instrument
from shm.contracts import Currency, coins, notional
from shm.directory import Directory
from shm.errors import UnknownInstrument, WriterLost
from shm.general_names import general_name
from shm.history.feed_history import FeedHistory


class FeedInstruments(FeedHistory):
    """What a venue has; :class:`shm.Feed` has it."""

    _directory: Directory | None = None
    _before: dict[str, Instrument]  # what was looked up in the epoch before

    def reattach(self) -> bool:
        """Go over to a newer epoch if there is one; whether there was."""
        raise NotImplementedError

    def instrument(self, name: str) -> Instrument:
        """The instrument with the venue's symbol `name`, or else with that normalised name.

        Of the newest epoch; of the last one where there is no writer, and for names that were
        looked up before also while a new writer lists none yet. Raises
        :class:`shm.UnknownInstrument` (a KeyError), which lists the names most like it.
        """
        names = lambda one: (one.symbol, one.name)  # noqa: E731
        return self._look_up(name, Directory.find, names, Directory.unknown)

    def changed(self, instrument: Instrument) -> bool:
        """Whether the venue has given it other terms since it was looked up: status, tick, lot,
        contract size, end. `instrument(i.symbol)` has the new ones, and so has `instrument` of what
        is read. One of an older epoch always counts as changed.

        Raises :class:`shm.UnknownInstrument`, :class:`shm.WriterLost`.
        """
        now = self.quote(instrument).instrument
        return (now.epoch, now.definition) != (instrument.epoch, instrument.definition)

    def named(self, name: str) -> Instrument:
        """The instrument with that normalised name. A venue's symbol is not taken, so that a name
        means the same at every venue. As `instrument()` otherwise."""
        names = lambda one: (one.name,)  # noqa: E731
        return self._look_up(name, Directory.find_name, names, Directory.unknown_name)

    def alike(self, name: str) -> list[Instrument]:
        """All that a general name means here, such as "BTC-PERP": perpetuals on BTC, whatever
        dollars they are quoted in, inverse ones too. "BTC-20261225" means futures, "BTC-SPOT"
        pairs; see `shm.general_name`. A normalised name means that one alone.

        As `instrument()` otherwise: raises :class:`shm.UnknownInstrument` where there is none.
        """
        directory = self._newest()
        rows = directory.find_alike(name)
        if not rows and self.reattach():
            directory = self._newest()
            rows = directory.find_alike(name)
        if rows:
            return [directory.at(row) for row in rows]
        known = {} if directory.learn() else {one.symbol: one for one in self._before.values()}
        found = [one for one in known.values() if name in (one.name, general_name(one.name))]
        if not found:
            raise directory.unknown_name(name)
        return found

    def _look_up(
        self,
        name: str,
        find: Callable[[Directory, str], int | None],
        names: Callable[[Instrument], tuple[str, ...]],
        unknown: Callable[[Directory, str], UnknownInstrument],
    ) -> Instrument:
        directory = self._newest()
        row = find(directory, name)
        if row is None and self.reattach():
            directory = self._newest()
            row = find(directory, name)
        if row is not None:
            return directory.at(row)
        known = self._before.get(name)
        if known is None or directory.learn() or name not in names(known):
            raise unknown(directory, name)
        return known

    def _newest(self) -> Directory:
        """The directory of the newest epoch; of the last one if its writer is gone."""
        try:
            return self._names(self._current())
        except WriterLost:
            directory = self._directory
            if directory is None:  # closed by another thread
                raise
            return directory

    def instruments(self) -> list[Instrument]:
        """Every instrument of the directory; `instruments()[i].id == i`, as in `board()`.

        Of the newest epoch (empty while its writer lists none yet); of the last one where there is
        no writer.
        """
        directory = self._newest()
        return [directory.at(row) for row in range(directory.learn())]

    def _lists_any(self) -> bool:
        """Whether the directory has instruments: a writer starts without."""
        return self._newest().learn() > 0

    # ---- what contracts are worth ----

    def coins(self, instrument: Instrument | str, size: Any, price: Any = None) -> Any:
        """`size` of the venue's units in base currency: what compares over venues and kinds.

        `size`, `price`: numbers, or arrays that broadcast; the answer is a float or an array.
        `price` is needed for inverse perpetuals and futures only, whose contracts are worth so much
        quote currency (else ValueError). NaN: a quanto contract, a combo, and where no price is.
        Of the newest terms, whichever `instrument` was looked up; see `shm.contracts` for the
        formulas. Raises :class:`shm.UnknownInstrument`.
        """
        return coins(self._newest_terms(instrument), size, price)

    def notional(
        self,
        instrument: Instrument | str,
        size: Any,
        price: Any,
        currency: Currency = "settle",
    ) -> Any:
        """What `size` of the venue's units is worth at a price: in the currency of settlement
        (`Instrument.settle`; of a pair its quote currency), or, with `currency="quote"`, in that of
        quotes. Of an option that is its premium. NaN in quote currency: quanto contracts, and
        inverse options, whose prices are coins. As `coins` otherwise.
        """
        return notional(self._newest_terms(instrument), size, price, currency)

    def _newest_terms(self, instrument: Instrument | str) -> Instrument:
        if isinstance(instrument, str):
            return self.instrument(instrument)
        if instrument.venue != self.venue:
            raise self._not_ours(instrument)
        return self.instrument(instrument.symbol)

    def _not_ours(self, instrument: Instrument) -> UnknownInstrument:
        return UnknownInstrument(
            f"{instrument.symbol} is an instrument of {instrument.venue}, not {self.venue}"
        )
