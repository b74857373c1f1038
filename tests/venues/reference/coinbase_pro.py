"""What Coinbase Pro said, as Coinbase Exchange says it: tickers had no sizes, and are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def as_subscribed(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for line in lines:
        text = line["data"] or ""
        if '"type":"ticker"' not in text or '"best_bid_size"' in text:
            yield line
