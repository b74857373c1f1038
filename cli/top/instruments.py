"""An instrument as a row of a table."""

from __future__ import annotations

from feedhandler.cli.top.rows import state_cell
from feedhandler.cli.top.table import Cell
from feedhandler.view.instrument_fields import FIELDS
from feedhandler.view.instruments import Instruments

_STYLES = {"bid": "bid", "ask": "ask", "status": "bad"}


def instrument_row(instruments: Instruments, symbol: str) -> list[Cell]:
    """In the order of `rows.INSTRUMENTS`, which is that of FIELDS."""
    row = instruments.row(symbol)
    cells: list[Cell] = [
        (row[name] or "-", _STYLES.get(name, "") if row[name] else "dim") for name in FIELDS
    ]
    cells[1] = state_cell(row["state"])
    cells[-2:] = [(text if text != "-" else "", style) for text, style in cells[-2:]]
    return cells
