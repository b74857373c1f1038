"""The checksum that OKX's `books` carried until 2026-06-23: CRC32 of the best 25 levels as text."""

from __future__ import annotations

import zlib
from itertools import zip_longest

from feedhandler.sim.market.book import ASK, BID, Book
from feedhandler.sim.venues.okx_json import Texts

_LEVELS = 25


def checksum(book: Book, texts: Texts) -> int:
    """``bid:size:ask:size:...``, best first, a side that has run out skipped; signed 32 bits."""
    sides = (
        [f"{texts.prices[grid]}:{texts.sizes[lots]}" for grid, lots in book.levels(side, _LEVELS)]
        for side in (BID, ASK)
    )
    parts = [part for pair in zip_longest(*sides) for part in pair if part is not None]
    crc = zlib.crc32(":".join(parts).encode())
    return crc - (1 << 32) if crc >= 1 << 31 else crc
