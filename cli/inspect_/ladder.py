"""The human view of a book: bids to the left, asks to the right, sizes as bars."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli.output import bold, cut, dim, pad, standing, utf8

if TYPE_CHECKING:
    from shm._native import Instrument

_MOST_BAR = 24


def ladder(instrument: Instrument, book: dict[str, Any], width: int) -> list[str]:
    """The lines of the view, none wider than `width`."""
    why = "" if book["reason"] == "NONE" else f" {book['reason']}"
    age = "never" if book["age_ns"] is None else number_text.duration(book["age_ns"])
    shown = standing(book["state"], book["status"])
    title = (
        f"{bold(instrument.symbol)}  {instrument.venue}  {shown}{why}  "
        f"{dim(f'changed {age} ago' if book['age_ns'] is not None else 'no book yet')}"
    )
    head = [cut(title, width), cut(dim(_summary(book)), width), ""]
    return head + levels(book["bids"], book["asks"], width)


def _summary(book: dict[str, Any]) -> str:
    parts = []
    if book["bids"] and book["asks"]:
        bid, ask = Decimal(book["bids"][0][0]), Decimal(book["asks"][0][0])
        spread, middle = ask - bid, (ask + bid) / 2
        share = f" ({spread / middle * 10_000:.2f} bp)" if middle > 0 else ""
        parts.append(f"spread {spread:f}{share}")
    if book["bids_total"] or book["asks_total"]:
        parts.append(f"{book['bids_total']} + {book['asks_total']} levels{_known(book)}")
    parts.append(f"sequence {book['venue_sequence']}")
    return "  ".join(parts)


def _known(book: dict[str, Any]) -> str:
    sides = [book["bids_known"], book["asks_known"]]
    if sides == [None, None]:
        return ""
    return " ({} + {} known)".format(*("all" if side is None else side for side in sides))


def levels(bids: Sequence[Sequence[str]], asks: Sequence[Sequence[str]], width: int) -> list[str]:
    prices = number_text.places([level[0] for level in (*bids, *asks)])
    sizes = number_text.places([level[1] for level in (*bids, *asks)])
    if not prices:
        return [dim("no levels")]
    most = max(Decimal(size) for size in sizes)
    price_width = max(3, *map(len, prices))
    size_width = max(4, *map(len, sizes))
    bar = max(0, min(_MOST_BAR, (width - 3) // 2 - price_width - size_width - 4))
    split = len(bids)

    def side(at: int, count: int, first: int, mirrored: bool, colour: str) -> str:
        if at >= count:
            return " " * (bar + size_width + price_width + 4)
        price, size = prices[first + at], sizes[first + at]
        blocks = click.style(
            _bar(Decimal(size) / most if most else Decimal(0), bar, mirrored), colour
        )
        painted = click.style(pad(price, price_width, right=True), fg=colour)
        if mirrored:
            return f"{pad(blocks, bar, right=True)}  {pad(size, size_width, right=True)}  {painted}"
        return f"{painted}  {pad(size, size_width, right=True)}  {blocks}"

    middle = " | " if not utf8() else " │ "
    title = (
        " " * bar
        + f"  {'SIZE':>{size_width}}  {'BID':>{price_width}}"
        + middle
        + f"{'ASK':>{price_width}}  {'SIZE':>{size_width}}"
    )
    lines = [cut(dim(title), width)]
    for at in range(max(len(bids), len(asks))):
        left = side(at, len(bids), 0, True, "green")
        right = side(at, len(asks), split, False, "red")
        lines.append(f"{left}{dim(middle)}{right}".rstrip())
    return lines


def _bar(share: Decimal, columns: int, mirrored: bool) -> str:
    """A bar of half-column steps; anything above nothing shows."""
    halves = round(float(share) * columns * 2)
    if share > 0 and columns:
        halves = max(1, halves)
    if not utf8():
        return "#" * ((halves + 1) // 2)
    full, half = "█" * (halves // 2), ("▐" if mirrored else "▌") * (halves % 2)
    return half + full if mirrored else full + half
