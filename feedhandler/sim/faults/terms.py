"""What a venue lists of its instruments other than what they were made with: their status in the
venue's own word, tick, lot, contract size, an announced end.

The market goes on as it was: its prices stay on the grid that it was made with.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Terms:
    """Of one instrument; "" and 0: as it was made."""

    word: str = ""
    tick: str = ""
    lot: str = ""
    contract_size: str = ""
    end_ms: int = 0
