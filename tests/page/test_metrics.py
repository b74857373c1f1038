"""The metrics: their format by Prometheus' own tool, their values by the memory they are of."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from feedhandler.connection.state import ConnectionState
from feedhandler.page.metrics import exposition
from feedhandler.view.status import namespace_status
from feedhandler.view.watch import Watch
from shm import Counter, Histogram, Reason, State
from shm.segment import WriterSegment, create

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
ODD = ("币安人生USDT", 'xyz:"CL"', "PURR/USDC\\", "@107\n")


def fill(owner: WriterSegment) -> None:
    writer = owner.writer
    writer.set_state(int(State.STALE), int(Reason.GAP))
    writer.heartbeat()
    for at, symbol in enumerate(ODD):
        writer.directory_add({"symbol": symbol.encode(), "name": symbol.encode()})
        state = int(State.STALE if at == 2 else State.LIVE)
        since = (1_000 + at) * 10**9
        writer.quote_store(
            at, {"state": state, "state_ns": since, "bid_price": 25, "price_exponent": -1}
        )
    writer.counter_add(int(Counter.GAPS), 3)
    writer.counter_add(int(Counter.CHECKSUM_OK), 7)
    for value, times in ((900_000, 90), (40_000_000, 10)):
        for _ in range(times):
            writer.histogram_add(int(Histogram.EXCHANGE_RECEIVE), value)
    writer.connection_store(
        0, id=0, state=int(ConnectionState.LIVE), rtt_p99_ns=5_000_000, connected_ns=time.time_ns()
    )


def asked(namespace: str, accept: str = "", *, per_symbol: bool = False) -> tuple[str, str]:
    watch = Watch(namespace)
    looks = watch.look(namespace_status(namespace)["venues"])
    kind, body = exposition(looks, watch, accept, per_symbol=per_symbol)
    watch.close()
    return kind, body.decode()


def values(text: str) -> dict[tuple[str, str], float]:
    """By name, and by the label that is not the venue."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            more = [value for name, value in sample.labels.items() if name != "venue"]
            found[sample.name, "".join(more)] = sample.value
    return found


def test_values_are_those_of_the_memory(namespace: str) -> None:
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        found = values(asked(namespace, per_symbol=True)[1])
    assert found["feedhandler_gaps_total", ""] == 3
    assert found["feedhandler_checksums_total", "agrees"] == 7
    assert found["feedhandler_live", ""] == 0
    assert (found["feedhandler_books_ready", ""], found["feedhandler_books_stale", ""]) == (3, 1)
    assert found["feedhandler_stale_since_timestamp_seconds", ""] == 1_002
    assert found["feedhandler_venue_lag_seconds_bucket", "0.001"] == 90
    assert found["feedhandler_venue_lag_seconds_bucket", "0.05"] == 100
    assert found["feedhandler_venue_lag_seconds_bucket", "+Inf"] == 100
    true = (90 * 0.0009 + 10 * 0.04) * 1.0
    assert found["feedhandler_venue_lag_seconds_sum", ""] == pytest.approx(true, rel=0.07)
    assert found["feedhandler_connection_round_trip_p99_seconds", "0"] == 0.005
    assert [found["feedhandler_instrument_live", symbol] for symbol in ODD] == [1, 1, 0, 1]
    assert found["feedhandler_instrument_bid", ODD[0]] == 2.5


def test_symbols_are_labels_only_on_request(namespace: str) -> None:
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        assert "symbol=" not in asked(namespace)[1]


def test_both_formats_by_what_is_accepted(namespace: str) -> None:
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        kind, text = asked(namespace, OPEN)
        assert kind.startswith("application/openmetrics-text; version=1.0.0")
        assert text.endswith("# EOF\n")
        kind, text = asked(namespace, "text/html")
        assert kind.startswith("text/plain; version=0.0.4")


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: apt-get install prometheus"
)
def test_prometheus_own_tool_finds_nothing(namespace: str) -> None:
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        text = asked(namespace, per_symbol=True)[1]
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
