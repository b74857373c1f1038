"""Figures: a book's depth, and how good the days of venues were; axes labelled, units given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from feedhandler.picture.show import PictureError
from shm.names import ContractType, InstrumentKind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from feedhandler.quality.day_file import DayFile
    from shm._native import Instrument

_KINDS = (
    InstrumentKind.SPOT,
    InstrumentKind.PERPETUAL,
    InstrumentKind.FUTURE,
    InstrumentKind.OPTION,
)
_UNKNOWN = "as the venue writes it"
_BID, _ASK, _LINE = "#1b6e3c", "#b3261e", "#1d4f91"


def _figure(height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        text = "pictures need matplotlib, which is not installed: pip install 'feedhandler[plot]'"
        raise PictureError(text) from None
    return Figure(figsize=(10, height), layout="constrained")


def book_figure(instrument: Instrument, book: dict[str, Any]) -> Figure:
    """The sizes up to each price, from the best on. `book`: see `view.book.read_book`."""
    figure = _figure(5)
    axes = figure.add_subplot()
    for side, colour in (("bids", _BID), ("asks", _ASK)):
        levels = np.array(book[side], dtype=float).reshape(-1, 2)
        if len(levels):
            total = np.cumsum(levels[:, 1])
            axes.step(levels[:, 0], total, where="post", color=colour, label=side)
            axes.fill_between(levels[:, 0], total, step="post", color=colour, alpha=0.15)
    why = "" if book["reason"] == "NONE" else f" ({book['reason']})"
    axes.set_title(
        f"{instrument.venue} {instrument.symbol}: {book['state']}{why}, "
        f"sequence {book['venue_sequence']}"
    )
    price, size = _units(instrument)
    axes.set_xlabel(f"price, {price}")
    axes.set_ylabel(f"size up to this price, {size}")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    if book["bids"] or book["asks"]:
        axes.legend()
    return figure


def _units(instrument: Instrument) -> tuple[str, str]:
    """Of prices and of sizes, as docs/strategy.md has them by kind."""
    kind, contract = instrument.kind, instrument.contract_type
    base, quote = instrument.base or _UNKNOWN, instrument.quote or _UNKNOWN
    if contract is ContractType.QUANTO or kind not in _KINDS:
        return quote, "contracts"
    inverse, option = contract is ContractType.INVERSE, kind is InstrumentKind.OPTION
    of = quote if inverse and not option else base
    each = instrument.contract_size
    size = of if each in (0, 1) else f"contracts of {each:g} {of}"
    return base if inverse and option else quote, size


def quality_figure(days: Sequence[tuple[str, DayFile]]) -> Figure:
    """Of each venue, minute by minute: the share of the time that books were LIVE, and gaps."""
    figure = _figure(1.2 + 1.6 * len(days))
    rows = figure.subplots(len(days), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (venue, file) in zip(rows, days, strict=True):
        minutes, begin = file.minutes, int(file.head["day_ns"][0]) // 10**9
        carried = minutes["carried_ns"]
        there = np.flatnonzero(carried)
        span = range(int(there[0]), int(there[-1]) + 1) if len(there) else range(0)
        edges = [datetime.fromtimestamp(begin + 60 * m, UTC) for m in (*span, span.stop)]
        share = [100 * minutes["live_ns"][m] / carried[m] if carried[m] else np.nan for m in span]
        # Where no feed ran there is no line.
        axes.stairs(share, edges, baseline=None, color=_LINE)
        gaps = list(zip(edges, minutes["gaps"][span.start : span.stop], strict=False))
        beside = axes.twinx()
        beside.bar(
            [when for when, count in gaps if count],
            [count for _, count in gaps if count],
            width=1 / 1440,
            align="edge",
            color=_ASK,
            alpha=0.6,
        )
        beside.set_ylim(bottom=0, top=max(1, int(minutes["gaps"].max())) * 1.1)
        beside.set_ylabel("gaps a minute", color=_ASK)
        axes.set_ylim(0, 105)
        axes.set_ylabel("books LIVE, %")
        axes.set_title(venue, loc="left")
        axes.grid(alpha=0.3)
    day = datetime.fromtimestamp(int(days[0][1].head["day_ns"][0]) // 10**9, UTC)
    rows[-1].set_xlabel(f"time of day, UTC, {day:%Y-%m-%d}")
    figure.autofmt_xdate()
    return figure
