"""The directory of instruments, as a recording has it: rows, and when each was so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from shm.names import ContractType, InstrumentKind, OptionType, Status
from shm.recording.errors import DamagedRecording
from shm.recording.manifest import File
from shm.recording.streams import opened

_Enum = TypeVar("_Enum", bound=IntEnum)


class InstrumentRow(NamedTuple):
    """An instrument as of record `sequence` of `epoch`, where it has row `instrument`."""

    epoch: int
    sequence: int
    instrument: int
    symbol: str
    name: str
    kind: InstrumentKind
    option_type: OptionType
    contract_type: ContractType
    status: Status
    precision: int
    has_book: bool
    definition: int
    price_exponents: tuple[int, ...]
    size_exponents: tuple[int, ...]
    tick: float
    lot: float
    contract_size: float
    strike: float  #: NaN: none
    expiry_ns: int  #: 0: none known
    base: str
    quote: str
    settle: str
    bands: tuple[tuple[float, float], ...]  #: (from this price on, the tick)


def instrument_rows(directory: Path, files: Iterable[File]) -> Iterator[InstrumentRow]:
    """The rows of these files of the table `instruments`, as they stand there."""
    for file in files:
        try:
            with opened(directory, file) as found:
                rows = found.read().to_pylist()
        except FileNotFoundError:
            raise DamagedRecording(f"{directory / file.path} is gone") from None
        for row in rows:
            try:
                yield _row(row)
            except (KeyError, TypeError, ValueError) as error:
                raise DamagedRecording(
                    f"{directory / file.path}: {row.get('symbol')}: {error!r}"
                ) from error


def _row(row: dict[str, Any]) -> InstrumentRow:
    return InstrumentRow(
        epoch=row["epoch"],
        sequence=row["sequence"],
        instrument=row["instrument"],
        symbol=row["symbol"],
        name=row["name"] or "",
        kind=_named(InstrumentKind, row["kind"]),
        option_type=_named(OptionType, row["option_type"]),
        contract_type=_named(ContractType, row["contract_type"]),
        status=_named(Status, row["status"]),
        precision=row["precision"],
        has_book=row["has_book"],
        definition=row["definition"],
        price_exponents=tuple(row["price_exponents"]),
        size_exponents=tuple(row["size_exponents"]),
        tick=row["tick"],
        lot=row["lot"],
        contract_size=row["contract_size"],
        strike=math.nan if row["strike"] is None else row["strike"],
        expiry_ns=row["expiry_ns"] or 0,
        base=row["base"] or "",
        quote=row["quote"] or "",
        settle=row["settle"] or "",
        bands=tuple(zip(row["band_from"] or (), row["band_tick"] or (), strict=True)),
    )


def _named(kind: type[_Enum], name: str | None) -> _Enum:
    """The member of that name in lower case; what a later version named is the first one."""
    return kind.__members__.get((name or "").upper(), kind(0))
