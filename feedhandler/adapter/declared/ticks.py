"""Ticks that grow with the price: a band for each, as a list has them, as the venue tells them
apart from it, or as figures make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from feedhandler.adapter.declared.listing import Figures, Steps, TickPath
from feedhandler.adapter.listing import TICK_BANDS, Family, Ticks
from feedhandler.adapter.row import Row

Bands = tuple[tuple[Decimal, Decimal], ...]
"""(price from which on, tick), ascending."""


def tick_bands(
    declared: Steps | Figures | None, tick: Decimal, rows: Callable[[str], list[Row]]
) -> Bands:
    """Above the lowest prices, whose tick is `tick`. `rows`: the list at a path of the row."""
    match declared:
        case Steps(path, above, step):
            return tuple(sorted((one.number(above), one.number(step)) for one in rows(path)))
        case Figures(figures, whole):
            return significant(figures, tick, whole=whole)
    return ()


def of_families(its: TickPath, rows: list[Any]) -> Iterator[tuple[Family, Ticks | str]]:
    """What each row says of its family: its ticks, or why they cannot be read. Of a row without a
    name nobody knows what it is about."""
    for entry in rows:
        if not isinstance(entry, dict) or not isinstance(family := entry.get(its.family), str):
            continue
        try:
            bands = tick_bands(its.steps, Decimal(0), Row(entry).rows)
            told: Ticks | str = bands if bands else "no ticks by price"
        except ValueError as error:
            told = f"ticks by price: {error}"
        yield (its.kind, family), told


def significant(figures: int, tick: Decimal, *, whole: bool = False) -> Bands:
    """Of prices that have so many figures: from 10^n on, the tick is 10^(n + 1 - figures). As many
    as the directory has room for; `whole`: until the tick is 1."""
    bands: list[tuple[Decimal, Decimal]] = []
    step = tick
    while tick and len(bands) < TICK_BANDS and not (whole and step >= 1):
        step *= 10
        bands.append((step.scaleb(figures - 1), step))
    return tuple(bands)
