"""One book as people and programs read it: exact decimal texts, and the state beside them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from feedhandler.number_text import decimal, stepped
from feedhandler.view.believable import believable, word
from shm import Status
from shm._native import KNOWN_WHOLE, Instrument
from shm.inspect import Memory


def read_book(memory: Memory, instrument: Instrument, depth: int | None = None) -> dict[str, Any]:
    """The book at the shared depth or less. `bids`, `asks`: [price, size], best first;
    `bids_known`: levels between which none is missing, None: the whole side."""
    found = memory.book(instrument.id)
    if found is None:
        return {
            "state": "NONE",
            "reason": "NONE",
            "status": word(Status, int(instrument.status)),
            "definition": instrument.definition,
            "venue_sequence": 0,
            "bids": [],
            "asks": [],
            "age_ns": None,
            "receive_ns": 0,
            "ring_sequence": 0,
            "bids_total": 0,
            "asks_total": 0,
            "bids_known": 0,
            "asks_known": 0,
            "writer": memory.writer,
        }
    head, bids, asks = found
    shown, reason = believable(memory, head["state"], head["reason"])
    price, size = head["price_exponent"], head["size_exponent"]
    levels = {
        side: [[decimal(int(p), price), decimal(int(s), size)] for p, s in rows[:depth]]
        for side, rows in (("bids", bids), ("asks", asks))
    }
    received = head["receive_ns"]
    return {
        "state": shown,
        "reason": reason,
        "status": word(Status, head["status"]),
        "definition": head["definition"],
        "venue_sequence": head["venue_sequence"],
        **levels,
        "age_ns": abs(memory.segment.now_ns - received) if received else None,
        "receive_ns": received,
        "ring_sequence": head["ring_sequence"],
        "bids_total": head["bids_total"],
        "asks_total": head["asks_total"],
        "bids_known": _known(head, "bids"),
        "asks_known": _known(head, "asks"),
        "writer": memory.writer,
    }


def lined_up(book: dict[str, Any], tick: float = 0.0, lot: float = 0.0) -> dict[str, Any]:
    """The same for people: prices with as many places as the tick, sizes with as many as the lot.
    `spread`: "" where a side is empty."""
    bids, asks = book["bids"], book["asks"]
    prices = stepped([price for price, _ in (*bids, *asks)], tick)
    sizes = stepped([size for _, size in (*bids, *asks)], lot)
    levels = [[price, size] for price, size in zip(prices, sizes, strict=True)]
    bids, asks = levels[: len(bids)], levels[len(bids) :]
    spread = f"{Decimal(asks[0][0]) - Decimal(bids[0][0]):f}" if bids and asks else ""
    return book | {"bids": bids, "asks": asks, "spread": spread}


def _known(head: dict[str, Any], side: str) -> int | None:
    known = max(head[f"{side}_known"], head[side])
    return None if known == KNOWN_WHOLE else int(known)
