"""`inspect chain`: on memory of a real writer, alive and dead."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from feedhandler.cli.main import main
from shm import ContractType, InstrumentKind, OptionType, Reason, State
from shm.segment import WriterSegment, create
from tests.cli.support import Terminal, json_of, run

NEAR, FAR = datetime(2126, 11, 27, 8, tzinfo=UTC), datetime(2126, 12, 25, 8, tzinfo=UTC)
SIDES = {"C": OptionType.CALL, "P": OptionType.PUT}


@pytest.fixture
def surface(namespace: str) -> Iterator[WriterSegment]:
    """Two expiries, three strikes; the put of 80000 is STALE."""
    owner = create("deribit", namespace=namespace, instruments=16, depth=5, ring_slots=64)
    writer = owner.writer
    now = time.time_ns()
    for at in (FAR, NEAR):
        for strike in (90_000.0, 80_000.0, 85_000.0):
            for side, option in SIDES.items():
                row = writer.directory_add(
                    {
                        "symbol": f"BTC-{at:%d%b%y}-{strike:.0f}-{side}".upper(),
                        "kind": InstrumentKind.OPTION, "option_type": option, "strike": strike,
                        "expiry_ns": int(at.timestamp()) * 10**9,
                        "base": "BTC", "quote": "USD", "settle": "BTC",
                        "contract_type": ContractType.INVERSE,
                    }
                )  # fmt: skip
                stale = strike == 80_000.0 and side == "P"
                writer.quote_store(
                    row,
                    {
                        "state": State.STALE if stale else State.LIVE,
                        "reason": Reason.GAP if stale else Reason.NONE,
                        "price_exponent": -4, "size_exponent": -1, "data_ns": now,
                        "bid_price": 525, "bid_size": 103, "ask_price": 530, "ask_size": 7,
                        "mark_iv": 0.4567, "delta": 0.25 if side == "C" else -0.75,
                    },
                )  # fmt: skip
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.05) and not writer.closed:
            writer.heartbeat()

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        yield owner
    finally:
        over.set()
        heart.join()
        owner.close()


def test_a_chain(surface: WriterSegment, namespace: str) -> None:
    found = json_of(run("inspect", "chain", "deribit", "BTC", "--json", namespace=namespace))
    assert found["expiry_ns"] == int(NEAR.timestamp()) * 10**9
    assert [(one["strike"], one["side"]) for one in found["options"]] == [
        (strike, side) for strike in (80_000.0, 85_000.0, 90_000.0) for side in ("call", "put")
    ]
    call, put = found["options"][:2]
    expected = {"bid": "0.0525", "bid_size": "10.3", "ask": "0.053", "ask_size": "0.7"}
    assert (expected | {"state": "LIVE", "mark_iv": 0.4567, "vega": None}).items() <= call.items()
    assert (call["volume"], found["at_the_money"]) == (None, 80_000.0)  # the deltas are alike
    assert (put["state"], put["reason"]) == ("STALE", "GAP")
    shown = run(
        "inspect", "chain", "deribit", "--expiry", "2126-12-25", namespace=namespace
    ).stdout.splitlines()
    assert "2126-12-25 08:00 UTC" in shown[0]
    words = [line.split() for line in shown if re.search(r"\b8[05],000\b", line)]
    market = ["10.3", "0.0525", "0.0530", "0.7"]
    money = ["▶", "80,000", "◀"]
    assert words[0] == ["0.25", "45.7", *market, *money, *market, "STALE", "-0.75"]
    assert words[1][-6:] == [*market, "45.7", "-0.75"]
    surface.writer.close()
    dead = json_of(run("inspect", "chain", "deribit", "--json", namespace=namespace))
    assert dead["writer"] == "stopped"
    assert {one["state"] for one in dead["options"]} == {"CLOSED"}


@pytest.mark.usefixtures("surface")
def test_what_is_not_there_is_said(namespace: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        (("deribit", "ETH"), "no options on 'ETH'; there are options on BTC-USD:BTC"),
        (("deribit", "BTC", "-e", "2126-12-26"), "2126-11-27, 2126-12-25 do"),
        (("deribit", "BTC", "-e", "25DEC26"), "a day such as 2026-12-25"),
    ):
        assert main(["inspect", "chain", *arguments, "--namespace", namespace]) == 2
        assert says in capsys.readouterr().err


@pytest.mark.usefixtures("surface")
@pytest.mark.parametrize("columns", [60, 80, 200])
def test_it_fits_a_terminal(namespace: str, columns: int) -> None:
    with Terminal("inspect", "chain", "deribit", namespace=namespace, columns=columns) as terminal:
        assert terminal.finish() == 0
        assert max(map(len, terminal.lines())) <= columns
        titles = next(line for line in terminal.lines() if "STRIKE" in line)
        assert ("SIZE" in titles) == (columns == 200)
        assert any("85,000" in line for line in terminal.lines())


@pytest.mark.usefixtures("surface")
def test_so_many_strikes_around_the_money(namespace: str) -> None:
    chain = ("inspect", "chain", "deribit", "--strikes", "1")
    shown = run(*chain, namespace=namespace).stdout
    assert "80,000" in shown
    assert "85,000" not in shown
