"""The options strategy: it finds what is planted in the simulated surface, and nothing else."""

from __future__ import annotations

import re
import time

import pytest

import shm
from shm import inspect
from tests.cli.support import until
from tests.examples.conftest import DEADLINE, Example, World, example_module

STRIKE = 82_500


@pytest.fixture
def strike(world: World) -> tuple[str, str, str]:
    """(call, put, future) of the strike at the money, in the nearest expiry with a future."""
    with world.attach("deribit") as feed:
        kinds = shm.InstrumentKind
        futures = {i.expiry_ns: i.symbol for i in feed.instruments() if i.kind is kinds.FUTURE}
        at = next(at for at in feed.expiries("BTC") if at in futures)
        chain = feed.chain("BTC", at)
        call, put = (
            chain.instrument(row["instrument"]).symbol for row in chain if row["strike"] == STRIKE
        )
        return call, put, futures[at]


def found(text: str) -> list[tuple[str, str, float, float]]:
    """(kind, strikes, edge, size) of each trade that was told."""
    pattern = r"^(\w[\w ]*) ([\d/]+): ([+-][\d.]+) a coin after [\d.]+ of fees, ([\d.]+) coins"
    return [
        (kind, strikes, float(edge), float(size))
        for kind, strikes, edge, size in re.findall(pattern, text, re.MULTILINE)
    ]


def shown(feed: shm.Feed, symbol: str) -> tuple[float, float]:
    quote = feed.quote(symbol)
    return quote.bid, quote.ask


def legs(text: str, kind: str) -> str:
    """What was told of the trade of this kind at STRIKE: the lines of its legs."""
    told = re.search(rf"^{kind} {STRIKE}: .*\n((?:  .*\n)+)", text, re.MULTILINE)
    assert told
    return told[1]


def filled(levels: list[tuple[float, float]], dollars: float) -> tuple[float, float]:
    """(dollars by coins, last price) of taking so many dollars off a book."""
    left, coins, price = dollars, 0.0, 0.0
    for price, there in levels:
        taken = min(left, there)
        coins, left = coins + taken / price, left - taken
        if left < 1e-6:  # of a dollar: what rounding leaves is no reason to take the next level
            break
    assert left < 1e-6
    return dollars / coins, price


def test_nothing_where_there_is_nothing(world: World) -> None:
    """Every expiry, in a market that moves."""
    with world.attach("deribit") as feed:
        futures = [i.expiry_ns for i in feed.instruments() if i.kind is shm.InstrumentKind.FUTURE]
        days = [time.strftime("%Y-%m-%d", time.gmtime(at / 1e9)) for at in sorted(futures)]
    assert len(days) == 2
    for day in days:
        arguments = ("deribit", "BTC", "--expiry", day, "--seconds", "1.5", "--iv", "0.4:0.6")
        with Example(world, "options.py", *arguments) as example:
            assert example.finish() == 0
            said = example.text.splitlines()
        assert found(example.text) == []
        assert re.fullmatch(r"volatility at \d+ is 0\.\d+: within 0\.4 to 0\.6", said[1])
        looks = re.fullmatch(r"(\d+) looks, (\d+) of them at one instant", said[-1])
        assert looks
        assert int(looks[2]) > 10
        assert len(said) == 3


def test_what_is_planted_is_found_and_priced(world: World, strike: tuple[str, str, str]) -> None:
    call, put, future = strike
    with (
        world.attach("deribit") as feed,
        Example(world, "options.py", "deribit", "BTC") as example,
    ):
        example.lines("^watching")
        for symbol, kind, sign in ((call, "conversion", 1), (put, "reversal", -1)):
            example.text = ""
            world.ask("deribit", "pause", {})
            try:
                with example.stopped():
                    number = world.order("deribit", "misprice", symbol=symbol, by=0.01)
                    touch = world.touch("deribit", symbol)
                    until(lambda: shown(feed, symbol) == touch, "it has come", DEADLINE)  # noqa: B023
                example.lines(rf"^{kind} {STRIKE}: .*\n(  .*\n)*  would .* USD of {future} at .*\n")
                example.lines(rf"^(long|short) box (\d+/{STRIKE}|{STRIKE}/\d+): ", 2)
                # The venue's own books, and the formulas once more.
                call_bid, call_ask = world.touch("deribit", call)
                put_bid, put_ask = world.touch("deribit", put)
                levels = world.levels("deribit", future, "asks" if sign > 0 else "bids")
            finally:
                world.end("deribit", number)
                world.ask("deribit", "resume", {})
            prices = (call_bid, put_ask) if sign > 0 else (call_ask, put_bid)
            trades = found(example.text)
            [coins] = [size for name, _, _, size in trades if name == kind]
            hedge, last = filled(levels, coins * STRIKE)
            fees = 2 * 0.0003 + 0.00015 + (0.0005 + 0.00025) * STRIKE / hedge
            edge = sign * (prices[0] - prices[1] - (1 - STRIKE / hedge)) - fees
            assert (kind, str(STRIKE)) in {trade[:2] for trade in trades}
            for name, strikes, earned, size in trades:
                assert str(STRIKE) in strikes.split("/"), trades  # where nothing is planted, none
                assert name in (kind, "long box", "short box")
                assert size > 0
                if name == kind:
                    assert earned == pytest.approx(edge, abs=2e-5)
            side, other = ("sell", "buy") if sign > 0 else ("buy", "sell")
            told = legs(example.text, kind)
            assert re.search(rf"would {side} [\d.]+ coins of {call} at {prices[0]:g}\n", told)
            assert re.search(rf"would {other} [\d.]+ coins of {put} at {prices[1]:g}\n", told)
            assert re.search(rf"would {other} [\d.e+]+ USD of {future} at {last:g}\n", told), told


def test_what_is_old_is_no_opportunity(world: World, strike: tuple[str, str, str]) -> None:
    call, put, _ = strike
    with (
        world.attach("deribit") as feed,
        Example(world, "options.py", "deribit", "BTC", "--max-age", "2") as example,
    ):
        example.lines("^watching")
        held = world.order("deribit", "silence", symbol=put)
        until(lambda: feed.quote(put).age_ns > 2e9, f"{put} is old", DEADLINE)
        planted = world.order("deribit", "misprice", symbol=call, by=0.01)
        until(lambda: feed.quote(call).bid > feed.quote(call).mark + 0.005, "planted", DEADLINE)
        since = time.time_ns()
        until(lambda: _looked(world, since), "the strategy has looked", DEADLINE)
        assert found(example.so_far()) == []
        world.end("deribit", held)
        example.lines(rf"^conversion {STRIKE}: ")  # once it is young again
        world.end("deribit", planted)


def _looked(world: World, since_ns: int) -> bool:
    """Whether the example has read on half a second after some time: it looks 20 times a second."""
    rows = inspect.readers("deribit", namespace=world.namespace)
    mine = [row for row in rows if row["name"] == "options example" and row["alive"]]
    return bool(mine) and mine[0]["updated_ns"] > since_ns + 500_000_000


def test_volatility_and_delta(world: World, strike: tuple[str, str, str]) -> None:
    call, _, _ = strike
    arguments = ("--iv", "0.1:0.2", "--position", f"{call}=10", "--max-delta", "2")
    with (
        world.attach("deribit") as feed,
        Example(world, "options.py", "deribit", "BTC", *arguments) as example,
    ):
        lines = example.lines(r"^delta .* would sell \d+ USD of BTC-PERPETUAL")
        quote, perpetual = feed.quote(call), feed.quote("BTC-PERPETUAL")
    assert any(line.endswith(": above 0.1 to 0.2") for line in lines)
    told = re.search(
        r"^delta \+([\d.]+) coins: would sell (\d+) USD .* at ([\d.]+)", example.text, re.M
    )
    assert told
    delta = 10 * (quote.delta - quote.mark)
    assert float(told[1]) == pytest.approx(delta, abs=0.3)
    assert int(told[2]) == pytest.approx(float(told[1]) * float(told[3]), abs=50)
    assert int(told[2]) % 10 == 0  # whole contracts
    assert float(told[3]) == pytest.approx(perpetual.bid, rel=0.01)


def test_what_it_cannot_do_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FEEDHANDLER_NAMESPACE", world.namespace)
    for arguments, says in (
        (("okx", "BTC"), "no fees of okx are known"),
        (("deribit", "XRP"), "no options on 'XRP'"),
        (("deribit", "BTC", "--expiry", "2026-01-02"), "expire 2026-01-02"),
        (
            ("deribit", "BTC", "--position", "BTC-1JAN40-90000-C=25"),
            "--position BTC-1JAN40-90000-C",
        ),
    ):
        monkeypatch.setattr("sys.argv", ["options.py", *arguments])
        assert example_module("options").main() == 2
        assert says in capsys.readouterr().out
