"""What a venue lists of its instruments other than what they were made with: their status in the
venue's own word, tick, lot, contract size, an announced end. Overlays on the rows of its list.

The market goes on as it was: its prices stay on the grid that it was made with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Set = Callable[[Row, str], None]


@dataclass(slots=True)
class Terms:
    """Of one instrument; "" and 0: as it was made."""

    word: str = ""
    tick: str = ""
    lot: str = ""
    contract_size: str = ""
    end_ms: int = 0

    def on(self, venue: str, row: Row) -> Row:
        """The venue's row with these terms. Raises KeyError for what its rows cannot say."""
        row = deepcopy(row)
        said = {
            "word": self.word,
            "tick": self.tick,
            "lot": self.lot,
            "contract_size": self.contract_size,
            "end": str(self.end_ms or ""),
        }
        for name, value in said.items():
            if value:
                WRITES[venue][name](row, value)
        return row


def _field(*keys: str) -> Set:
    def write(row: Row, value: str) -> None:
        for key in keys:
            row[key] = value

    return write


def _number(*keys: str) -> Set:
    def write(row: Row, value: str) -> None:
        for key in keys:
            row[key] = int(value)

    return write


def _filter(kind: str, *keys: str) -> Set:
    def write(row: Row, value: str) -> None:
        for each in row["filters"]:
            if each["filterType"] == kind:
                each.update(dict.fromkeys(keys, value))

    return write


_FILTERS: Mapping[str, Set] = {
    "word": _field("status"),
    "tick": _filter("PRICE_FILTER", "minPrice", "tickSize"),
    "lot": _filter("LOT_SIZE", "minQty", "stepSize"),
}
WRITES: Mapping[str, Mapping[str, Set]] = {
    "binance": _FILTERS,
    "binance-usdm": {**_FILTERS, "end": _number("deliveryDate")},
}
