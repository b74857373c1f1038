"""Two instruments that a venue calls by one symbol: nobody knows which one a frame is about."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from feedhandler.adapter.request import Request
from feedhandler.instruments.listing import list_instruments
from tests.adapter.declared_venues import Joined, Piece


class Two(Piece):
    """With a list for each category."""

    name = "two"
    ws_urls, rest_url, statuses = Joined.ws_urls, Joined.rest_url, Joined.statuses
    topics, words = Joined.topics, Joined.words
    listing = (Joined.listing, replace(Joined.listing, path="/api/v2/others"))


class Answers:
    def __init__(self, **rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    async def get(self, request: Request) -> bytes:
        rows = self.rows[request.path.rpartition("/")[2]]
        return json.dumps({"code": "200000", "data": rows}).encode()


def row(symbol: str, base: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "baseCurrency": base,
        "quoteCurrency": "USD",
        "priceIncrement": "0.1",
        "baseIncrement": "1",
        "enableTrading": True,
    }


def test_a_symbol_of_two_is_of_none_and_says_why() -> None:
    answers = Answers(
        symbols=[row("ONE", "A"), row("TWO", "B")], others=[row("ONE", "C"), row("TWO", "B")]
    )
    found = asyncio.run(list_instruments(Two(), answers, ["*"]))
    assert [spec.symbol for spec in found] == ["TWO"]
    assert found.broken == {"ONE": "A-USD and C-USD are both called so"}
