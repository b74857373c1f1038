"""Lists and books for people: filtered, in an order, in columns, and as wide as the terminal."""

from __future__ import annotations

import click
import pytest

from feedhandler.cli.inspect_.wide_book import wide_levels
from feedhandler.cli.output import Column, cells, table
from shm import ContractType, InstrumentKind, Reason, State
from shm.memory import open_memory
from tests.cli.conftest import Venue
from tests.cli.support import Terminal, json_of, run, until

TICKS = {"ETH-USD-SWAP": (-2, 0.01), "DOGE-USDT": (-5, 0.00001), "XRP-USDT": (-4, 0.0001)}


@pytest.fixture
def more(venue: Venue) -> Venue:
    """Beside BTC-USD-SWAP three instruments of other ticks; XRP-USDT is STALE."""
    for symbol, (exponent, tick) in TICKS.items():
        row = venue.writer.directory_add(
            {
                "symbol": symbol, "name": symbol, "kind": InstrumentKind.SPOT, "tick": tick,
                "price_exponents": [exponent] * 8, "size_exponents": [-3] * 8,
            }
        )  # fmt: skip
        state = (State.STALE, Reason.GAP) if symbol == "XRP-USDT" else (State.LIVE, Reason.NONE)
        cell = {
            "price_exponent": exponent,
            "size_exponent": -3,
            "bid_price": 1230,
            "ask_price": 1240,
        }
        venue.writer.quote_store(row, cell | {"state": state[0], "reason": state[1]})
    return venue


def symbols(namespace: str, *arguments: str) -> list[str]:
    found = run("inspect", "ls", "okx", "--json", *arguments, namespace=namespace)
    assert found.returncode == 0, found.stderr
    return [each["symbol"] for each in json_of(found)["instruments"]]


@pytest.mark.usefixtures("more")
def test_a_list_is_filtered_and_put_in_order(namespace: str) -> None:
    assert symbols(namespace) == ["BTC-USD-SWAP", *TICKS]
    assert symbols(namespace, "--filter", "usdt") == ["DOGE-USDT", "XRP-USDT"]
    assert symbols(namespace, "--filter", "*-SWAP", "--reverse") == ["ETH-USD-SWAP", "BTC-USD-SWAP"]
    by_bid = ["DOGE-USDT", "XRP-USDT", "ETH-USD-SWAP", "BTC-USD-SWAP"]
    assert symbols(namespace, "--sort", "bid") == by_bid
    assert symbols(namespace, "--sort", "bid", "--reverse") == by_bid[::-1]
    assert symbols(namespace, "--state", "stale") == ["XRP-USDT"]
    wrong = run("inspect", "ls", "okx", "--state", "STAL", namespace=namespace)
    assert wrong.returncode == 2
    assert "did you mean 'stale'" in wrong.stderr


@pytest.mark.usefixtures("more")
def test_prices_stand_below_each_other_by_their_points(namespace: str) -> None:
    lines = run("inspect", "ls", "okx", namespace=namespace).stdout.splitlines()
    assert lines[0].endswith("4 of 4 instruments")
    rows = [line for line in lines if "-USD" in line]
    bids = {"BTC-USD-SWAP": "10000.5", "ETH-USD-SWAP": "12.30", "DOGE-USDT": "0.01230"}
    points = set()
    for symbol, bid in bids.items():
        (row,) = [line for line in rows if f" {symbol} " in line]
        assert f" {bid} " in row
        points.add(row.index(bid) + bid.index("."))
    assert len(points) == 1


@pytest.mark.usefixtures("more")
def test_what_is_higher_than_the_terminal_goes_through_a_pager(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "sed s/^/paged:/")
    with Terminal("inspect", "ls", "okx", namespace=namespace, columns=80, lines=5) as terminal:
        assert terminal.finish() == 0
        until(lambda: any(line.startswith("paged:") for line in terminal.lines()), "it is paged")
    whole = ("inspect", "ls", "okx", "--no-pager")
    with Terminal(*whole, namespace=namespace, columns=80, lines=5) as terminal:
        assert terminal.finish() == 0
        assert "paged:" not in terminal.raw


def test_a_tail_has_a_heading_once(venue: Venue, namespace: str) -> None:
    for n in range(3):
        venue.trade(10_001_00 + n, 12_345)
    wide = run("inspect", "tail", "okx", "-n", "3", namespace=namespace).stdout.splitlines()
    head, *rows = wide
    assert head.split() == [
        "SEQUENCE",
        "RECEIVED",
        "(UTC)",
        "INSTRUMENT",
        "KIND",
        "()",
        "SIDE",
        "PRICE",
        "SIZE",
    ]
    assert head.index("INSTRUMENT") == rows[0].index("BTC-USD-SWAP")
    assert len(rows) == 3
    assert {row.index(".", 30) for row in rows} == {rows[0].index(".", 30)}
    assert "INSTRUMENT" not in run("inspect", "tail", "okx", "--json", namespace=namespace).stdout


@pytest.mark.parametrize("columns", [110, 140, 200])
def test_a_wide_book_has_sums_worth_and_trades(venue: Venue, namespace: str, columns: int) -> None:
    venue.trade(10_001_25, 2_500)
    command = ("inspect", "book", "okx", "BTC-USD-SWAP")
    with Terminal(*command, namespace=namespace, columns=columns) as terminal:
        assert terminal.finish() == 0
        lines = terminal.lines()
    assert max(map(len, lines)) <= columns
    (head,) = [line for line in lines if "TOTAL" in line]
    assert head.split().count("TOTAL") == 2
    assert "LAST TRADES" in head
    first = lines[lines.index(head) + 1]
    assert "10000.50" in first
    assert "10001.25" in first.split("│")[-1]  # the trade
    second = lines[lines.index(head) + 2]
    assert "21.500" in second  # 1.5 and 20


def test_what_a_level_is_worth_is_in_money_or_in_coins(venue: Venue, namespace: str) -> None:
    row = venue.writer.directory_add(
        {
            "symbol": "X", "name": "BTC-USDT-PERP", "kind": InstrumentKind.PERPETUAL,
            "base": "BTC", "quote": "USDT", "settle": "USDT", "contract_size": 0.1,
            "contract_type": ContractType.LINEAR,
        }
    )  # fmt: skip
    inverse = venue.writer.directory_add(
        {
            "symbol": "Y", "name": "BTC-USD-PERP", "kind": InstrumentKind.PERPETUAL,
            "base": "BTC", "quote": "USD", "settle": "BTC", "contract_size": 100.0,
            "contract_type": ContractType.INVERSE,
        }
    )  # fmt: skip
    bids, asks = [["50000", "2"], ["40000", "10"]], [["50001", "1"]]
    with open_memory("okx", namespace=namespace) as memory:
        linear, coin = memory.instruments()[row], memory.instruments()[inverse]
    shown = [click.unstyle(line) for line in wide_levels(linear, bids, asks, [], 120)]
    assert "IN USDT" in shown[0]
    assert "10,000" in shown[1]
    assert "50,000" in shown[2]  # 0.1 of 2 at 50,000, and of 10 at 40,000
    shown = [click.unstyle(line) for line in wide_levels(coin, bids, asks, [], 120)]
    assert "IN BTC" in shown[0]
    assert "0.004000" in shown[1]
    assert "0.029000" in shown[2]
    assert wide_levels(linear, [], [], [], 120) == [click.style("no levels", dim=True)]
    assert all(cells(line) <= 60 for line in wide_levels(linear, bids, asks, [], 60))


def test_an_address_is_never_broken() -> None:
    url = "http://127.0.0.1:45433/some-where/sim"
    columns = [Column("VENUE"), Column("WEBSOCKET"), Column("CONTROL", under=True)]
    for width in (40, 60, 80):
        lines = table(columns, [("okx", "ws://127.0.0.1:45433/ws/v5/public", url)], width)
        assert any(url in line for line in lines)
