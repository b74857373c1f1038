"""Book cells, as a recorder looks at them: to begin a book with, and to mark what the feed held."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feedhandler.recording.columns import REASONS, STATES
from shm._native import DTYPES, KNOWN_WHOLE, READ_OK, Segment
from shm.recording._books import Books, digest_of

_HEAD = DTYPES["book"]
_NOTHING = (1 << 63) - 1  # no bid is better than that: none is known


class BookCell(NamedTuple):
    """A cell, copied. `published`: the last record that was there before it was read.

    The cell reflects each record of its instrument up to `as_of`, unless that one is inside a
    message that was split (flag MORE).
    """

    instrument: int
    published: int
    head: np.void
    bids: npt.NDArray[np.int64]
    asks: npt.NDArray[np.int64]

    @property
    def sequence(self) -> int:
        """The last record that is in it."""
        return int(self.head["ring_sequence"])

    @property
    def as_of(self) -> int:
        return max(self.sequence, self.published)


def read(segment: Segment, row: int) -> BookCell | None:
    """None: it was never stored, or cannot be read."""
    published = segment.published
    status, data = segment.cell("books", row)
    if status != READ_OK:
        return None
    head = np.frombuffer(data, _HEAD, 1)[0]
    depth = segment.depth
    levels = np.frombuffer(data, "<i8", 4 * depth, _HEAD.itemsize).reshape(2, depth, 2)
    bids, asks = min(int(head["bids"]), depth), min(int(head["asks"]), depth)
    return BookCell(row, published, head, levels[0, :bids], levels[1, :asks])


def read_all(segment: Segment) -> list[BookCell]:
    """Of every row that has one."""
    found = (read(segment, row) for row in range(segment.instruments))
    return [cell for cell in found if cell is not None]


def join(books: Books, cell: BookCell) -> None:
    """Begin its book with what it shows, no deeper than that is known."""
    head = cell.head
    books.join(
        cell.instrument,
        cell.bids,
        cell.asks,
        sequence=cell.sequence,
        price_exponent=int(head["price_exponent"]),
        size_exponent=int(head["size_exponent"]),
        bid_limit=_limit(cell.bids, head, "bids", _NOTHING),
        ask_limit=_limit(cell.asks, head, "asks", -_NOTHING),
        venue_sequence=int(head["venue_sequence"]),
        exchange_ns=int(head["exchange_ns"]),
        receive_ns=int(head["receive_ns"]),
    )


def _limit(levels: npt.NDArray[np.int64], head: np.void, side: str, nothing: int) -> int | None:
    """The worst price that is shown; None: there is none beyond it."""
    whole = int(head[f"{side}_known"]) == KNOWN_WHOLE
    if whole and int(head[f"{side}_total"]) <= len(levels):
        return None
    return int(levels[-1, 0]) if len(levels) else nothing


def as_mark(cell: BookCell, books: Books, epoch: int, symbol: str) -> dict[str, Any]:
    """A cell as a row of `marks`: as deep as whoever follows the records can know it, too."""
    head = cell.head
    counts = [len(cell.bids), len(cell.asks)]
    if cell.instrument in books:
        known = books.known(cell.instrument)
        counts = [
            count if most is None else min(count, most)
            for count, most in zip(counts, known, strict=True)
        ]
    bids, asks = cell.bids[: counts[0]], cell.asks[: counts[1]]
    return {
        "epoch": epoch,
        "sequence": cell.as_of,
        "symbol": symbol,
        "instrument": cell.instrument,
        "venue_sequence": int(head["venue_sequence"]),
        "state": STATES[int(head["state"])],
        "reason": REASONS[int(head["reason"])],
        "bids": len(bids),
        "asks": len(asks),
        "bids_known": int(head["bids_known"]),
        "asks_known": int(head["asks_known"]),
        "price_exponent": int(head["price_exponent"]),
        "size_exponent": int(head["size_exponent"]),
        "bid_digest": digest_of(bids),
        "ask_digest": digest_of(asks),
        "receive_ns": int(head["receive_ns"]),
    }
