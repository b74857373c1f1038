"""The examples of each style, run as their users run them, against a feed of simulated venues."""

from __future__ import annotations

import os
import re
import signal

import pytest

from shm import inspect
from tests.cli.support import until
from tests.examples.conftest import DEADLINE, Example, World

NAME = "BTC-USD-PERP"


def test_polling(world: World) -> None:
    with Example(world, "polling.py", "deribit", "BTC-PERPETUAL", "--signals", "2") as example:
        assert example.finish() == 0
        said = example.text.splitlines()
    assert said[0] == "polling BTC-PERPETUAL of deribit, tick 0.5"
    would = [re.fullmatch(r"would (buy|sell) [\d.]+ at [\d.]+: leaning ([+-])0\.\d\d", line)
             for line in said[1:]]  # fmt: skip
    assert len(would) == 2
    assert all(found and (found[1] == "buy") == (found[2] == "+") for found in would)


def test_sleeping_over_a_writers_death(world: World) -> None:
    arguments = ("okx", "BTC-USD-SWAP", "--seconds", "0.2")
    good = r"^\d+ trades  vwap [\d.]+  volume [\d.]+  book [\d.]+ x [\d.]+$"
    with Example(world, "sleeping.py", *arguments) as example:
        example.lines(good, 2)
        with world.attach("okx") as feed:
            assert feed.segment is not None
            epoch = feed.epoch
            objects = inspect.list_objects(world.namespace)
            # Not those of readers: their writer is 0, which would be our whole process group.
            pid = next(one.writer_pid for one in objects if one.writer_alive and one.venue == "okx")
            os.kill(pid, signal.SIGKILL)
            example.lines(rf"epoch {epoch} is gone \((died|superseded)\): the book is nobody's")
            so_far = len(re.findall(good, example.text, re.MULTILINE))
            until(feed.reattach, "the next writer", DEADLINE)
        lines = example.lines(good, so_far + 2)  # of the next writer, and right again
    for line in lines:
        if found := re.search(r"book ([\d.]+) x ([\d.]+)$", line):
            assert float(found[1]) < float(found[2]), line


def test_asyncio_over_venues(world: World) -> None:
    with world.attach("okx") as okx:
        until(lambda: okx.quote("BTC-USD-SWAP").live, "OKX is LIVE", DEADLINE)
    with Example(world, "async_venues.py", NAME, "deribit", "okx", "--fees", "0.01") as example:
        example.lines(r"^bid [\d.]+ x [\d.]+ (deribit|okx)  \|  ask [\d.]+ x [\d.]+ (deribit|okx)$")
        assert "would" not in example.so_far()
        number = world.order("okx", "misprice", symbol="BTC-USD-SWAP", by=2000)
        lines = example.lines(r"^  would buy [\d.]+ at deribit for [\d.]+ and sell them at okx for")
        world.end("okx", number)
        would = next(line for line in lines if "would" in line)
        prices = [float(price) for price in re.findall(r"for ([\d.]+)", would)]
        assert prices[1] - prices[0] > 0.01 * prices[0]
        number = world.order("okx", "silence")
        example.lines(r"^  without okx \(both\): \d+ ms old|^  without okx \(both\): STALE")
        world.end("okx", number)


@pytest.mark.parametrize(
    ("name", "arguments", "begins"),
    [
        ("polling.py", ("deribit", "BTC-PERPETUAL"), "polling BTC-PERPETUAL of deribit"),
        ("sleeping.py", ("deribit", "BTC-PERPETUAL", "--seconds", "0.2"), r"\d+ trades"),
        ("async_venues.py", (NAME, "deribit", "okx"), "bid "),
        ("options.py", ("deribit", "BTC"), "watching "),
    ],
)
def test_ctrl_c(world: World, name: str, arguments: tuple[str, ...], begins: str) -> None:
    with Example(world, name, *arguments) as example:
        example.lines(f"^{begins}")
        example.interrupt()
