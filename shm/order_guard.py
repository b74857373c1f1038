"""What speaks against an order: the findings of `Feed.require_live`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shm._native import Book, Instrument, Quote
from shm.directory import Directory
from shm.errors import UnknownInstrument
from shm.names import State, Status
from shm.state_words import lasting, said, word


class Cells(Protocol):
    """What is asked of a feed."""

    venue: str

    def instrument(self, name: str) -> Instrument:
        """The instrument of that name."""

    def quote(self, instrument: Instrument) -> Quote:
        """Its quote cell."""

    def book(self, instrument: Instrument, depth: int) -> Book:
        """Its book cell."""


def not_live(
    feed: Cells,
    directory: Directory,
    wanted: Sequence[Instrument | str] | None,
    max_age_ns: int | None,
    depth: int = 0,
) -> list[str]:
    """A line for each instrument that is not LIVE; empty if all are, and if they are any at all.

    `wanted` None: the venue itself, and what it carries. Raises UnknownInstrument for a name that a
    directory with instruments has not.
    """
    if wanted is None:
        return _of_all(feed, directory, max_age_ns, depth)
    if not wanted:
        return ["no instrument was asked for"]
    findings = []
    for one in wanted:
        try:
            instrument = feed.instrument(one) if isinstance(one, str) else one
        except UnknownInstrument as error:
            if directory.learn():
                raise
            findings.append(str(error))
        else:
            findings.append(_why_not(feed, instrument, max_age_ns, depth))
    return list(filter(None, findings))


def _of_all(feed: Cells, directory: Directory, max_age_ns: int | None, depth: int) -> list[str]:
    rows = directory.learn()
    if not rows:
        return [directory.nothing_yet]
    carried = [
        one
        for one in map(directory.at, range(rows))
        if feed.quote(one).state is not State.CLOSED  # expired, or taken out of the feed
    ]
    if not carried:
        return [f"{feed.venue} carries none of its instruments any more ({rows:,})"]
    findings = list(filter(None, (_why_not(feed, one, max_age_ns, depth) for one in carried)))
    state, reason = directory.segment.venue_state
    if not findings and state not in (State.LIVE, State.NONE):  # NONE: its writer keeps no account
        findings.append(f"{feed.venue} is {said(state, reason)}")
    return findings


def _why_not(feed: Cells, instrument: Instrument, max_age_ns: int | None, depth: int) -> str:
    """Why there should be no order on an instrument; empty: it is LIVE."""
    quote = feed.quote(instrument)
    cell = feed.book(instrument, depth=0) if instrument.has_book else quote
    age = min(quote.age_ns, cell.age_ns)
    if cell.state is not State.LIVE:
        return f"{instrument.symbol} is {said(cell.state, cell.reason)}"
    if not cell.live:
        return f"{instrument.symbol}: its writer is silent for {lasting(cell.heartbeat_age_ns)}"
    if cell.status != Status.ACTIVE:
        return f"{instrument.symbol} is not open: {word(cell.status)}"
    if max_age_ns is not None and age > max_age_ns:
        return f"{instrument.symbol} is {lasting(age)} old"
    return _too_little(cell, depth) if depth else ""


def _too_little(cell: Quote | Book, depth: int) -> str:
    """Whether fewer levels are known than that; a side that ends before is known to its end."""
    symbol = cell.instrument.symbol
    if not isinstance(cell, Book):
        return f"{symbol} has no book"
    for side, known in (("bids", cell.bids_known), ("asks", cell.asks_known)):
        if known is not None and known < depth:
            return f"{symbol}: {known} of {depth} {side} are known"
    return ""
