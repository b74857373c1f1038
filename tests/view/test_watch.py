"""A namespace looked at again and again, over a writer's death and its next start."""

from __future__ import annotations

from typing import Any

from feedhandler.connection.state import ConnectionState
from feedhandler.view.rates import HOUR_NS, NOW_NS, Rates
from feedhandler.view.status import namespace_status
from feedhandler.view.watch import Watch
from shm import Counter, Histogram, Reason, State
from shm.inspect import open_memory
from shm.segment import create
from tests.shm.support import kill, other_writer

SMALL: dict[str, Any] = {"instruments": 8, "depth": 5, "ring_slots": 64, "connections": 4}


def test_counters_go_on_over_epochs(namespace: str) -> None:
    rates = Rates()
    with create("okx", namespace=namespace, **SMALL) as owner:
        memory = open_memory("okx", namespace=namespace)
        owner.writer.counter_add(Counter.GAPS, 5)  # of before anybody looked
        rates.add(memory, 1)
        owner.writer.counter_add(Counter.GAPS, 2)
        owner.writer.counter_add(Counter.FRAMES, 1000)
        for value in (1000, 1000, 1000, 50_000):
            owner.writer.histogram_add(int(Histogram.EXCHANGE_RECEIVE), value)
        rates.add(memory, 2_000_000_001)
    assert rates.a_second(Counter.FRAMES) == 500.0
    assert rates.of_hour(Counter.GAPS) == 2
    lag = rates.latency(Histogram.EXCHANGE_RECEIVE)
    assert 1000 <= lag.p50 <= 1125
    assert 50_000 <= lag.most <= 56_250
    with create("okx", namespace=namespace, **SMALL) as owner:
        memory = open_memory("okx", namespace=namespace)
        owner.writer.counter_add(Counter.GAPS, 3)
        rates.add(memory, 3_000_000_001)
        assert rates.of_hour(Counter.GAPS) == 5
        rates.add(memory, 3_000_000_001 + NOW_NS)
        rates.add(memory, 3_000_000_001 + 2 * NOW_NS)
        assert rates.a_second(Counter.FRAMES) == 0.0
        assert rates.latency(Histogram.EXCHANGE_RECEIVE).most == 0
        rates.add(memory, HOUR_NS * 2)
        rates.add(memory, HOUR_NS * 2 + 1)
        assert rates.of_hour(Counter.GAPS) == 0


def test_a_writer_that_is_gone_and_its_next_start(namespace: str) -> None:
    watch = Watch(namespace)
    assert watch.look(namespace_status(namespace)["venues"]) == []
    well = "w.set_state(2, 0)\nw.heartbeat()\nw.connection_store(0, state=2, connected_ns=1)"
    process = other_writer(namespace, "okx", well)
    try:
        [look] = watch.look(namespace_status(namespace)["venues"])
        assert (look.status["state"], look.trouble) == ("LIVE", "")
        worst = look.worst
        assert worst is not None
        assert worst["state"] == ConnectionState.LIVE
        first = watch.memory("okx")
        assert first is not None
    finally:
        kill(process)
    [look] = watch.look(namespace_status(namespace)["venues"])
    assert (look.status["state"], look.status["reason"]) == ("STALE", "FAILED")
    assert [row["state"] for row in look.connections] == [ConnectionState.CLOSED]
    with create("okx", namespace=namespace, **SMALL) as owner:
        owner.writer.set_state(int(State.LIVE), int(Reason.NONE))
        owner.writer.heartbeat()
        [look] = watch.look(namespace_status(namespace)["venues"])
        memory = watch.memory("okx")
        assert memory is not None
        assert memory.epoch > first.epoch
        assert look.status["state"] == "LIVE"
    watch.close()


def test_all_quotes_at_once(namespace: str) -> None:
    with create("okx", namespace=namespace, **SMALL) as owner:
        for symbol in (b"A", b"B", b"C"):
            owner.writer.directory_add({"symbol": symbol, "name": symbol})
        owner.writer.quote_store(1, {"bid_price": 7, "ask_price": 9, "state": int(State.LIVE)})
        quotes = open_memory("okx", namespace=namespace).quotes()
    assert quotes["state"].tolist() == [0, int(State.LIVE), 0]
    assert quotes["bid_price"][1] == 7
    assert quotes["stamp"][0] == 0 < quotes["stamp"][1]
