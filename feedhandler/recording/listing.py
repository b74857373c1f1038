"""The directory of one epoch as a recording has it: names and families by row, and rows to keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from feedhandler.recording.columns import STATUSES, words
from shm import ContractType, Instrument, InstrumentKind, OptionType
from shm._native import Segment
from shm.recording.schema import FAMILIES, NO_FAMILY, family_of

KINDS = words(InstrumentKind.__members__)
OPTIONS = words(OptionType.__members__)
CONTRACTS = words(ContractType.__members__)


class Listing:
    """`symbols` by row; `families`: the number of each row's family, and one more of no row."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.symbols: list[str] = []
        self._made: list[Instrument] = []
        self._fresh: list[Instrument] = []
        self.families: npt.NDArray[np.uint8] = np.array([FAMILIES.index(NO_FAMILY)], np.uint8)

    def learn(self) -> None:
        """Rows that are new."""
        first, count = len(self._made), self.segment.instruments
        if first >= count:
            return
        new = [self.segment.instrument(row) for row in range(first, count)]
        self._made += new
        self._fresh += new
        self.symbols += [one.symbol for one in new]
        families = np.array([FAMILIES.index(family_of(int(one.kind))) for one in new], np.uint8)
        self.families = np.concatenate([self.families[:-1], families, self.families[-1:]])

    def fresh(self) -> list[Instrument]:
        """Rows that are new, or were stored again, since this was asked last; as they are now."""
        self.learn()
        new = {one.id for one in self._fresh}
        for row, made in enumerate(self._made):
            if self.segment.changed(made):
                self._made[row] = self.segment.instrument(row)
                new.add(row)
        self._fresh.clear()
        return [self._made[row] for row in sorted(new)]

    def all(self) -> list[Instrument]:
        """Every row, as it is now."""
        self.fresh()
        return list(self._made)


def as_row(instrument: Instrument, epoch: int, sequence: int) -> dict[str, Any]:
    """An instrument as a row of the table `instruments`."""
    bands = instrument.tick_bands
    return {
        "epoch": epoch,
        "sequence": sequence,
        "instrument": instrument.id,
        "symbol": instrument.symbol,
        "name": instrument.name,
        "kind": KINDS[int(instrument.kind)],
        "option_type": OPTIONS[int(instrument.option)],
        "contract_type": CONTRACTS[int(instrument.contract_type)],
        "status": STATUSES[int(instrument.status)],
        "precision": instrument.precision,
        "has_book": instrument.has_book,
        "definition": instrument.definition,
        "price_exponents": instrument.price_exponents,
        "size_exponents": instrument.size_exponents,
        "tick": instrument.tick,
        "lot": instrument.lot,
        "contract_size": instrument.contract_size,
        "strike": instrument.strike or None,
        "expiry_ns": instrument.expiry_ns or None,
        "expiry_time": instrument.expiry_ns or None,
        "base": instrument.base,
        "quote": instrument.quote,
        "settle": instrument.settle,
        "band_from": [since for since, _ in bands],
        "band_tick": [tick for _, tick in bands],
    }
