"""The human view of a book: bids to the left, asks to the right, sizes as bars."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli.output import bold, cut, dim, pad, standing
from feedhandler.cli.terminal import utf8
from feedhandler.view.book import lined_up

if TYPE_CHECKING:
    from shm._native import Instrument

_MOST_BAR = 24


def ladder(
    instrument: Instrument, book: dict[str, Any], width: int, height: int | None = None
) -> list[str]:
    """The lines of the view, none wider than `width`; `height`: those of levels, at most."""
    book = lined_up(book, instrument.tick, instrument.lot)
    why = "" if book["reason"] == "NONE" else f" {book['reason']}"
    age = "never" if book["age_ns"] is None else number_text.duration(book["age_ns"])
    shown = standing(book["state"], book["status"])
    title = (
        f"{bold(instrument.symbol)}  {instrument.venue}  {shown}{why}  "
        f"{dim(f'changed {age} ago' if book['age_ns'] is not None else 'no book yet')}"
    )
    head = [cut(title, width), cut(dim(_summary(book)), width), ""]
    return head + levels(book["bids"], book["asks"], width, height)


def _summary(book: dict[str, Any]) -> str:
    parts = []
    if book["bids"] and book["asks"]:
        bid, ask = Decimal(book["bids"][0][0]), Decimal(book["asks"][0][0])
        middle = (ask + bid) / 2
        share = f" ({(ask - bid) / middle * 10_000:.2f} bp)" if middle > 0 else ""
        parts.append(f"spread {book['spread']}{share}")
    if book["bids_total"] or book["asks_total"]:
        parts.append(f"{book['bids_total']} + {book['asks_total']} levels{_known(book)}")
    parts.append(f"sequence {book['venue_sequence']}")
    return "  ".join(parts)


def _known(book: dict[str, Any]) -> str:
    sides = [book["bids_known"], book["asks_known"]]
    if sides == [None, None]:
        return ""
    return " ({} + {} known)".format(*("all" if side is None else side for side in sides))


def levels(
    bids: Sequence[Sequence[str]],
    asks: Sequence[Sequence[str]],
    width: int,
    height: int | None = None,
) -> list[str]:
    """Of texts that are lined up: bids beside asks, or below them where that is too wide."""
    if not bids and not asks:
        return [dim("no levels")]
    bids, asks = bids[:height], asks[:height]
    price = max(3, *(len(level[0]) for level in (*bids, *asks)))
    size = max(4, *(len(level[1]) for level in (*bids, *asks)))
    most = max(Decimal(level[1]) for level in (*bids, *asks))
    bar = (width - 3) // 2 - price - size - 4
    if bar < 0:
        return _stacked(bids, asks, width, height)
    bar = min(_MOST_BAR, bar)
    middle = " │ " if utf8() else " | "

    def share(size_: str) -> Decimal:
        return Decimal(size_) / most if most else Decimal(0)

    def left(level: Sequence[str]) -> str:
        blocks = click.style(bar_text(share(level[1]), bar, True), "green")
        best = click.style(pad(level[0], price, right=True), fg="green")
        return f"{pad(blocks, bar, right=True)}  {pad(level[1], size, right=True)}  {best}"

    def right(level: Sequence[str]) -> str:
        blocks = click.style(bar_text(share(level[1]), bar, False), "red")
        best = click.style(pad(level[0], price, right=True), fg="red")
        return f"{best}  {pad(level[1], size, right=True)}  {blocks}"

    heads = f"{'SIZE':>{size}}  {'BID':>{price}}{middle}{'ASK':>{price}}  {'SIZE':>{size}}"
    lines = [cut(dim(f"{' ' * bar}  {heads}"), width)]
    nothing = " " * (bar + size + price + 4)
    for bid, ask in zip_longest(bids, asks):
        both = left(bid) if bid else nothing, right(ask) if ask else ""
        lines.append(dim(middle).join(both).rstrip())
    return lines


def _stacked(
    bids: Sequence[Sequence[str]], asks: Sequence[Sequence[str]], width: int, height: int | None
) -> list[str]:
    """Asks above bids, where a line has no room for both."""
    most = None if height is None else max(1, height // 2)
    shown = [("ask", "red", *level) for level in reversed(asks[:most])]
    shown += [("bid", "green", *level) for level in bids[:most]]
    price = max(len(line[2]) for line in shown)
    size = max(4, *(len(line[3]) for line in shown))
    largest = max(Decimal(line[3]) for line in shown)
    bar = max(0, min(_MOST_BAR, width - 7 - price - size))
    lines = [cut(dim(f"{'':3} {'PRICE':>{price}}  {'SIZE':>{size}}"), width)]
    for side, colour, price_, size_ in shown:
        share = Decimal(size_) / largest if largest else Decimal(0)
        blocks = click.style(bar_text(share, bar, False), colour)
        line = f"{side} {click.style(price_.rjust(price), colour)}  {size_:>{size}}  {blocks}"
        lines.append(cut(line, width))
    return lines


def bar_text(share: Decimal, columns: int, mirrored: bool) -> str:
    """A bar of half-column steps; anything above nothing shows."""
    halves = round(float(share) * columns * 2)
    if share > 0 and columns:
        halves = max(1, halves)
    if not utf8():
        return "#" * ((halves + 1) // 2)
    full, half = "█" * (halves // 2), ("▐" if mirrored else "▌") * (halves % 2)
    return half + full if mirrored else full + half
