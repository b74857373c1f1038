"""What there is of each instrument to be shown, and to sort by; needs nothing, for `--help`."""

from typing import Final

FIELDS: Final = (
    *("symbol", "state", "bid", "bid_size", "ask", "ask_size", "last", "mark", "volume"),
    *("age", "status", "reason"),
)
