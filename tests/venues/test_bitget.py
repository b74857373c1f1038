"""What is singular of Bitget: which product a contract is of, and numbers of nineteen digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from feedhandler import venues
from feedhandler.adapter.venue import ControlKind
from feedhandler.capture.frames_file import Frame
from feedhandler.capture.plain import as_capture
from feedhandler.capture.replay import replay
from feedhandler.engine._engine import Engine
from shm import ContractType, InstrumentKind

T = 1_770_000_000_000
FUTURES = venues.load("bitget-futures")


def row(symbol: str, category: str, **fields: str) -> dict[str, str]:
    """As listed in September 2026."""
    return {
        "symbol": symbol,
        "category": category,
        "baseCoin": "BTC",
        "quoteCoin": category[:4].replace("COIN", "USD"),
        "symbolType": "crypto",
        "type": "perpetual",
        "pricePrecision": "1",
        "quantityPrecision": "4",
        "priceMultiplier": "0.1",
        "quantityMultiplier": "0.0001",
        "status": "online",
        "offTime": "-1",
        "deliveryTime": "",
        **fields,
    }


def test_a_contract_is_asked_for_as_what_it_is_listed() -> None:
    rows = [
        row("BTCUSDT", "USDT-FUTURES"),
        row("BTCPERP", "USDC-FUTURES", status="limit_open"),
        row("BTCUSD_CM", "COIN-FUTURES"),
        row("BTCCMZ26", "COIN-FUTURES", type="delivery", deliveryTime="1798185600000"),
    ]
    answer = json.dumps({"code": "00000", "msg": "success", "data": rows})
    found = {one.symbol: one for one in FUTURES.parse_instruments(answer.encode())}
    keys = [key for one in found.values() for key in FUTURES.keys(one, ["book"])]
    asked = json.loads(FUTURES.subscribe(keys, 1))
    assert [(one["instType"], one["topic"], one["symbol"]) for one in asked["args"]] == [
        ("usdt-futures", "books", "BTCUSDT"),
        ("usdc-futures", "books", "BTCPERP"),
        ("coin-futures", "books", "BTCUSD_CM"),
        ("coin-futures", "books", "BTCCMZ26"),
    ]
    assert found["BTCUSDT"].contract_type is ContractType.LINEAR
    assert (found["BTCUSD_CM"].contract_type, found["BTCUSD_CM"].settle) == (
        ContractType.INVERSE,
        "BTC",
    )
    assert (found["BTCCMZ26"].kind, found["BTCCMZ26"].name) == (
        InstrumentKind.FUTURE,
        "BTC-USD-20261225",
    )
    assert [one.active for one in found.values()] == [True, False, True, True]


def test_a_refusal_has_its_key_in_a_text() -> None:
    wish = json.dumps({"instType": "coin-futures", "symbol": "X", "topic": "books"})
    said = {"event": "error", "code": 30001, "msg": f"{wish.replace(' ', '')} doesn't exist"}
    (control,) = FUTURES.control(json.dumps(said).encode(), {})
    assert (control.kind, control.keys) == (ControlKind.REJECTED, ("books:coin-futures:X",))


def test_numbers_of_nineteen_digits_are_learned(namespace: str, tmp_path: Path) -> None:
    number, frames = 1_483_653_649_371_725_838, 200
    lines = [_pushed("books", "snapshot", 0, _book(number, 0, 6))]
    for at in range(1, frames):
        lines.append(_pushed("books", "update", at, _book(number + 37 * at, number, 6 + at)))
        trade = {"i": str(number + at), "p": "50000", "v": "1", "S": "sell", "T": str(T + at)}
        lines.append(_pushed("publicTrade", "update", at, trade))
        number += 37 * at
    (tmp_path / "frames").write_text("\n".join(lines))
    slow = 0

    def observe(_: Frame, engine: Engine) -> None:
        nonlocal slow
        slow = engine.connection(0).slow

    with as_capture(tmp_path / "frames") as capture:
        told = replay(capture, venue="bitget-futures", namespace=namespace, observe=observe)
    book = told.books["BTCUSD_CM"]
    assert (book["state"], book["venue_sequence"]) == ("LIVE", number)
    assert told.counters["trades"] == frames - 1
    assert slow < 6


def _book(number: int, before: int, size: int) -> dict[str, Any]:
    asks, bids = [["50001", "4"]], [["50000", str(size)]]
    return {"a": asks, "b": bids, "seq": number, "pseq": before, "ts": str(T), "maxdepth": "1000"}


def _pushed(topic: str, action: str, at: int, row: dict[str, Any]) -> str:
    arg = {"instType": "coin-futures", "topic": topic, "symbol": "BTCUSD_CM"}
    return json.dumps({"action": action, "arg": arg, "data": [row], "ts": T + at})
