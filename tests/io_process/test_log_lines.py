"""Lines of the log, for people and for machines: whole, one a line, and what each is of."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feedhandler.config.document import ConfigError
from feedhandler.config.load import load
from feedhandler.log import Calm, Throttle, log, setup
from feedhandler.log_lines import FORMAT, about
from feedhandler.supervisor.reload import difference
from feedhandler.view.status import venue_status
from tests.kit.rig import rig, until

ODD = "币\x00\n\udc80" + 'USDT":1'


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What was logged since `start`; the loggers are as before at last."""
    written = io.StringIO()
    known = [(one, one.handlers[:], one.level, one.propagate) for one in (log, logging.getLogger())]
    picows = logging.getLogger("picows").level
    yield written
    for one, handlers, level, propagate in known:
        one.handlers[:], one.propagate = handlers, propagate
        one.setLevel(level)
    logging.getLogger("picows").setLevel(picows)


def start(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch, form: str, calm: float = 0.0
) -> None:
    """As the process of okx does."""
    monkeypatch.setenv(FORMAT, form)
    setup("okx", logging.INFO, calm=calm, venue="okx")
    for handler in log.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(written)


def objects(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_is_one_object(said: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    start(said, monkeypatch, "json")
    log.info("%s: GAP", "BTC-USDT", extra=about(instrument="BTC-USDT"))
    log.warning("%s: cut", ODD, extra=about(connection=0, instrument=ODD))
    try:
        raise ValueError(ODD)
    except ValueError:
        log.exception("failed")
    logging.getLogger("aiohttp").warning("a library speaks")
    gap, cut, failed, library = objects(said)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", gap.pop("time"))
    assert gap == {
        "level": "INFO",
        "process": "okx",
        "pid": os.getpid(),
        "venue": "okx",
        "instrument": "BTC-USDT",
        "message": "BTC-USDT: GAP",
    }
    assert (cut["connection"], cut["instrument"]) == (0, '币\\x00\\n\\udc80USDT":1')
    assert "Traceback" in failed["traceback"]
    assert "ValueError" in failed["traceback"]
    assert (library["venue"], library["message"]) == ("okx", "a library speaks")


def test_repeats_are_counted_in_both(said: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    for form in ("json", "text"):
        start(said, monkeypatch, form)
        throttle = Throttle(0.0)
        throttle.warning("gap", "BTC-USDT: GAP", instrument="BTC-USDT")
        throttle._next["gap"] = float("inf")
        for _ in range(7):
            throttle.warning("gap", "BTC-USDT: GAP", instrument="BTC-USDT")
        throttle._next["gap"] = 0.0
        throttle.info("gap", "BTC-USDT: GAP", instrument="BTC-USDT")
    first, second, third, fourth = said.getvalue().splitlines()
    assert "repeats" not in json.loads(first)
    assert json.loads(second)["repeats"] == 7
    assert (json.loads(second)["message"], json.loads(second)["level"]) == ("BTC-USDT: GAP", "INFO")
    assert third.endswith("WARNING okx: BTC-USDT: GAP")
    assert fourth.endswith("INFO okx: BTC-USDT: GAP (and 7 more like this)")


def test_what_was_left_out_is_told_by_kind(
    said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(said, monkeypatch, "json", calm=1.0)
    calm = next(each for each in log.handlers[0].filters if isinstance(each, Calm))

    async def flap() -> None:
        for number in range(9):
            log.warning("connection %d: cut", number, extra=about(connection=number))
        calm._room = 1.0  # as it will be after some time
        log.warning("connection 9: cut", extra=about(connection=9))

    asyncio.run(flap())
    first, last = objects(said)
    assert (first["connection"], last["connection"]) == (0, 9)
    assert last["left_out"] == {"connection cut": 8}
    assert last["message"] == "connection 9: cut"


def test_a_text_line_names_what_it_is_of(
    said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(said, monkeypatch, "")
    log.info("GAP", extra=about(connection=3, instrument="BTC-USDT"))
    log.info("connection 3 (ws://a): BTC-USDT refused", extra=about(connection=3, instrument="BTC"))
    log.info("gone", extra=about(venue="bybit-spot"))
    lines = [line.partition(" INFO ")[2] for line in said.getvalue().splitlines()]
    assert lines == [
        "okx: connection 3: BTC-USDT: GAP",
        "okx: connection 3 (ws://a): BTC-USDT refused",
        "okx: bybit-spot: gone",
    ]


def test_a_running_feed_keeps_its_format() -> None:
    config = load(None, venues=("okx",))
    with pytest.raises(ConfigError, match='log: "json": it runs with none; stop it to change that'):
        difference(config, msgspec.structs.replace(config, log="json"))
    difference(config, msgspec.structs.replace(config, metrics_per_symbol=True))


def test_a_feed_that_is_told_to_writes_objects_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with rig("okx", rate=100.0) as r, path.open("wb") as written:
        r.config = msgspec.structs.replace(r.config, log="json")
        r.supervisor(log=written)
        r.attach("okx").close()

        def lines() -> list[dict[str, Any]]:
            return [json.loads(line) for line in path.read_text().splitlines(keepends=True)
                    if line.endswith("\n")]  # fmt: skip

        def said(**fields: Any) -> bool:
            return any(fields.items() <= line.items() for line in lines())

        r.sims["okx"].fault("gap", "BTC-USDT", count=1)
        gap = "BTC-USDT: GAP, resynchronising"
        until(lambda: said(process="okx", venue="okx", instrument="BTC-USDT", message=gap), gap)
        r.sims["okx"].fault("drop")
        until(lambda: said(process="okx", venue="okx", connection=0, level="WARNING"), "a drop")
        os.kill(venue_status(r.namespace, "okx")["pid"], signal.SIGKILL)
        until(lambda: said(process="supervisor", venue="okx", level="ERROR"), "a death")
