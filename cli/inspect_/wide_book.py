"""A book on a wide terminal: what its levels add up to and are worth, and its last trades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

import click

from feedhandler import number_text
from feedhandler.cli.inspect_.ladder import bar_text
from feedhandler.cli.output import cut, dim, pad
from feedhandler.cli.terminal import utf8

if TYPE_CHECKING:
    from shm._native import Instrument

LEAST = 110  #: columns; on fewer the ladder stands alone
_MOST_BAR = 32
_GAP = "  "


def wide_levels(
    instrument: Instrument,
    bids: Sequence[Sequence[str]],
    asks: Sequence[Sequence[str]],
    trades: Sequence[dict[str, Any]],
    width: int,
) -> list[str]:
    """The lines below the title, of texts that are lined up. `trades`: records of trades, as well,
    the newest first."""
    if not bids and not asks:
        return [dim("no levels")]
    left, right = _side(instrument, bids), _side(instrument, asks)
    titles = ["PRICE", "SIZE", "TOTAL", f"IN {_currency(instrument)[0]}"]
    widths = [
        max(len(title), *(len(row[at]) for row in (*left, *right)))
        for at, title in enumerate(titles)
    ]
    panel = _panel(trades, max(len(left), len(right)))
    panel_width = max(map(len, map(click.unstyle, panel)), default=0)
    rest = width - 2 * (sum(widths) + len(_GAP) * len(widths)) - 3 - panel_width - 3
    if rest < 0:  # no room for the trades
        panel, rest = [], rest + panel_width + 3
    bars = max(0, min(_MOST_BAR, rest // 2))
    most = max(Decimal(level[1]) for level in (*bids, *asks)) or Decimal(1)
    middle = dim(" │ " if utf8() else " | ")
    lines = [
        dim(_row(titles, widths, bars, "", "BID"))
        + middle
        + dim(_row(titles, widths, bars, "", "ASK"))
    ]
    for at in range(max(len(left), len(right))):
        halves = []
        for rows, levels, bid in ((left, bids, True), (right, asks, False)):
            if at >= len(rows):
                halves.append(_row(["", "", "", ""], widths, bars, "", "BID" if bid else "ASK"))
                continue
            blocks = bar_text(Decimal(levels[at][1]) / most, bars, bid)
            halves.append(_row(rows[at], widths, bars, blocks, "BID" if bid else "ASK", paint=True))
        lines.append(middle.join(halves))
    if panel:
        lines = [
            f"{pad(line, width - panel_width - 3)}{middle}{panel[at] if at < len(panel) else ''}"
            for at, line in enumerate(lines)
        ]
    return [
        cut(line, width) if len(click.unstyle(line)) > width else line.rstrip() for line in lines
    ]


def _row(
    cells: Sequence[str],
    widths: Sequence[int],
    bars: int,
    blocks: str,
    side: str,
    *,
    paint: bool = False,
) -> str:
    """One half of a line, from the middle outwards: price, size, bar, total, worth."""
    colour = "green" if side == "BID" else "red"
    price, size, total, worth = (
        pad(side if cell == "PRICE" else cell, its, right=True)
        for cell, its in zip(cells, widths, strict=True)
    )
    if paint:
        price = click.style(price, fg=colour)
    shown = click.style(pad(blocks, bars, right=side == "BID"), fg=colour) if blocks else " " * bars
    parts = [price, size, shown, total, worth]
    return _GAP.join(reversed(parts) if side == "BID" else parts)


def _side(instrument: Instrument, levels: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """(price, size, size so far, its worth) of each level, best first."""
    decimals = max((len(size.partition(".")[2]) for _, size in levels), default=0)
    totals = [f"{total:,.{decimals}f}" for total in accumulate(Decimal(size) for _, size in levels)]
    its = _currency(instrument)[1]
    worth = list(accumulate(float(instrument.notional(float(s), float(p), its)) for p, s in levels))
    most = worth[-1] if worth else 0.0
    shown = 0 if most >= 10_000 else 2 if most >= 10 else 6
    worths = ["-" if math.isnan(one) else f"{one:,.{shown}f}" for one in worth]
    return [
        (price, size, total, its_worth)
        for (price, size), total, its_worth in zip(levels, totals, worths, strict=True)
    ]


def _currency(instrument: Instrument) -> tuple[str, Literal["settle", "quote"]]:
    """What a level is worth is told in: money, or where sizes or prices are money or coins
    already (inverse contracts), in what they are settled in."""
    from shm.names import ContractType

    inverse = instrument.contract_type is ContractType.INVERSE
    if inverse or math.isnan(instrument.notional(1.0, 1.0, "quote")):
        return instrument.settle, "settle"
    return instrument.quote, "quote"


def _panel(trades: Sequence[dict[str, Any]], count: int) -> list[str]:
    """The last trades, a line each."""
    shown = [one for one in trades[:count] if one["price"] and one["size"]]
    prices, sizes = ([one[name] for one in shown] for name in ("price", "size"))
    wide = max(map(len, prices), default=0), max(map(len, sizes), default=0)
    lines = [dim("LAST TRADES" if shown else "no trades in the ring")]
    for one, price, size in zip(shown, prices, sizes, strict=True):
        clock = number_text.clock(one["exchange_ns"] or one["receive_ns"])[:12]
        side = click.style(f"{one['side']:4}", fg="green" if one["side"] == "buy" else "red")
        forced = " liquidation" if one["kind"] == "LIQUIDATION" else ""
        lines.append(f"{clock} {side} {price:>{wide[0]}}  {size:>{wide[1]}}{forced}")
    return lines
