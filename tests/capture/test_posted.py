"""Answers to POSTs to one URL in a capture: told apart by what was posted."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from feedhandler import venues
from feedhandler.adapter.venue import Base
from feedhandler.capture.replay import replay

from .support import write_capture
from .test_replay import deribit_book

URL = "https://www.deribit.com/info"


def answer(asked: Mapping[str, str], said: Any) -> dict[str, Any]:
    return {"kind": "rest", "url": URL, "req": json.dumps(asked), "data": said}


def listed(symbol: str) -> Any:
    row: dict[str, Any] = {"instrument_name": symbol, "kind": "future"}
    row |= {"settlement_period": "perpetual"}
    row |= {"base_currency": "BTC", "quote_currency": "USD", "tick_size": 0.5}
    row |= {"min_trade_amount": 10, "contract_size": 10, "is_active": True, "state": "open"}
    return {"result": [row]}


def test_posts_to_one_url_are_told_apart_by_what_was_posted(
    tmp_path: Path, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def symbol(_: Any, url: str, body: str = "") -> str | None:
        assert url == URL
        found = json.loads(body).get("coin")
        return found if found is None else str(found)

    real = type(venues.load("deribit"))
    monkeypatch.setattr(real, "base", Base.REQUEST)
    monkeypatch.setattr(real, "snapshot_symbol", symbol)
    monkeypatch.setattr(
        real, "lists_instruments", lambda _, __, body="": json.loads(body or "{}").get("list")
    )
    book = {"instrument_name": "BTC-PERPETUAL", "change_id": 10, "timestamp": 1_700_000_000_000}
    other = book | {"change_id": 11, "bids": [[1.0, 1.0]], "asks": [[2.0, 1.0]]}
    frames = [
        answer({"list": "a"}, listed("OTHER-PERPETUAL")),
        answer({"list": "b"}, listed("BTC-PERPETUAL")),
        deribit_book(11, 10, [["new", 100.5, 20.0]], []),
        answer({"coin": "OTHER-PERPETUAL"}, {"result": other}),
        answer({"coin": "BTC-PERPETUAL"}, {"result": book | {"bids": [], "asks": [[101, 10]]}}),
        answer({"weather": "today"}, {"result": other}),
    ]
    result = replay(write_capture(tmp_path / "a", frames), venue="deribit", namespace=namespace)
    assert result.snapshots == 2
    assert result.skipped == 3
    assert result.instruments == 2  # listed by two answers of one URL
    assert result.books["BTC-PERPETUAL"]["state"] == "LIVE"
    assert result.books["BTC-PERPETUAL"]["bids"] == [["100.5", "20"]]
    assert set(result.books) == {"BTC-PERPETUAL"}  # nothing came to join the other one with
