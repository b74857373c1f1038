"""The metrics: their format by Prometheus' own tool, their values by the memory they are of."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from feedhandler.connection.state import ConnectionState
from feedhandler.page.away import Away
from feedhandler.page.metrics import exposition
from feedhandler.page.reader_losses import ReaderLosses
from feedhandler.view.status import namespace_status
from feedhandler.view.watch import Watch
from shm import Counter, Histogram, Reason, State
from shm.registry import Reader
from shm.segment import WriterSegment, create

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
LABELS = {"venue", "connection", "reader", "symbol", "result", "state", "reason", "version", "le"}
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


def test_families_are_named_by_the_conventions(namespace: str) -> None:
    """Of what no tool looks at: https://prometheus.io/docs/practices/naming/."""
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        text = asked(namespace, OPEN, per_symbol=True)[1]
    families = list(open_metrics(text))  # type: ignore[no-untyped-call]
    units = {each.name: each.unit for each in families}
    assert units["feedhandler_venue_lag_seconds"] == "seconds"
    assert units["feedhandler_received_bytes"] == "bytes"
    for each in families:
        assert each.name.startswith("feedhandler_")
        assert each.documentation, each.name
        assert not each.name.endswith(("_total", "_count", "_sum", "_bucket", "_info")), each.name
        assert each.unit == next((u for u in ("seconds", "bytes") if each.name.endswith(u)), "")
        assert {label for sample in each.samples for label in sample.labels} <= LABELS


def test_no_bucket_has_what_is_above_its_bound(namespace: str) -> None:
    """And all that is an eighth below it: what memory keeps of a value is that exact."""
    numbers = np.random.default_rng(7)
    lags = np.concatenate([10 ** numbers.uniform(2, 11, 4000), [0, 1, 2.5e4, 1e9, 9e10]])
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        owner.writer.heartbeat()
        for lag in lags:
            owner.writer.histogram_add(int(Histogram.RECEIVE_PUBLISH), int(lag))
        found = values(asked(namespace)[1])
    seconds = np.floor(lags) / 1e9
    name = "feedhandler_publish_latency_seconds"
    bounds = [le for metric, le in found if metric == f"{name}_bucket"]
    assert len(bounds) > 15
    for le in bounds:
        counted, bound = found[f"{name}_bucket", le], float(le)
        assert (seconds <= bound * 7 / 8 - 2e-9).sum() <= counted <= (seconds <= bound).sum(), le
    assert found[f"{name}_count", ""] == found[f"{name}_bucket", "+Inf"] == len(lags)
    kept = seconds[seconds < 30]
    assert kept.sum() * 0.9 <= found[f"{name}_sum", ""]


def test_nothing_of_a_dead_writers_memory_is_live(namespace: str) -> None:
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        owner.writer.quote_store(2, {"state": int(State.LIVE), "state_ns": 5})
        beat = time.time()
        owner.writer.heartbeat()
        owner.close(keep=True)
        found = values(asked(namespace)[1])
    assert (found["feedhandler_books_ready", ""], found["feedhandler_books_stale", ""]) == (0, 4)
    assert found["feedhandler_stale_since_timestamp_seconds", ""] == pytest.approx(beat, abs=5)


def test_a_book_that_is_not_healed_is_away_since_it_left_live(namespace: str) -> None:
    """However often it is STALE and SYNCING meanwhile, and over a restart of its process."""
    watch, away = Watch(namespace), Away()

    def since(*states: State, at: int) -> int | None:
        for row, state in enumerate(states):
            cell = {"state": int(state), "state_ns": at * 10**9}
            owner.writer.quote_store(row, cell)
        owner.writer.heartbeat()
        away.look(watch.look(namespace_status(namespace)["venues"]), watch)
        found = away.since_ns("okx")
        return None if found is None else found // 10**9

    def begun() -> WriterSegment:
        made = create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64)
        for symbol in ODD[:2]:
            made.writer.directory_add({"symbol": symbol.encode(), "name": symbol.encode()})
        return made

    owner = begun()
    assert since(State.LIVE, State.LIVE, at=1_000) is None
    assert since(State.STALE, State.LIVE, at=1_010) == 1_010
    assert since(State.SYNCING, State.STALE, at=1_020) == 1_010
    assert since(State.STALE, State.STALE, at=1_030) == 1_010
    assert since(State.LIVE, State.SYNCING, at=1_040) == 1_020
    assert since(State.LIVE, State.LIVE, at=1_050) is None
    owner.close(keep=True)
    died = time.time()
    away.look(watch.look(namespace_status(namespace)["venues"]), watch)
    silent = away.since_ns("okx")
    assert silent is not None
    assert silent / 1e9 == pytest.approx(died, abs=5)
    owner = begun()
    later = int(died) + 100
    assert since(State.SYNCING, State.LIVE, at=later) == silent // 10**9
    assert since(State.LIVE, State.LIVE, at=later + 1) is None
    owner.close()
    watch.close()


def test_prices_are_of_live_books_of_a_writer_that_speaks(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        owner.writer.quote_store(2, {"state": int(State.STALE), "state_ns": 5, "bid_price": 25})
        owner.writer.heartbeat()
        found = values(asked(namespace, per_symbol=True)[1])
        symbols = {symbol for name, symbol in found if name == "feedhandler_instrument_bid"}
        assert symbols == {ODD[0], ODD[1], ODD[3]}
        later = time.time_ns() + 1_500_000_000  # it hangs
        monkeypatch.setattr("feedhandler.view.status.time_ns", lambda: later)
        found = values(asked(namespace, per_symbol=True)[1])
    assert not [name for name, _ in found if name == "feedhandler_instrument_bid"]
    assert {found["feedhandler_instrument_live", symbol] for symbol in ODD} == {0}


def test_a_damaged_venue_takes_no_other_along(namespace: str) -> None:
    with (
        create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner,
        create("deribit", namespace=namespace, instruments=8, depth=5, ring_slots=64) as other,
    ):
        fill(owner)
        other.writer.directory_add({"symbol": b"BTC-PERPETUAL", "name": b"BTC-USD-PERP"})
        other.writer.quote_store(0, {"state": int(State.LIVE), "state_ns": 5})
        other.writer.heartbeat()
        path = Path(f"/dev/shm/{namespace}.okx.{owner.epoch}")
        with path.open("r+b") as memory:  # all but its header
            size = memory.seek(0, 2)
            memory.seek(4096)
            memory.write(b"\xff" * (size - 4096))
        found = values(asked(namespace, per_symbol=True)[1])
    assert found["feedhandler_instrument_live", "BTC-PERPETUAL"] == 1


def reader(row: int, name: str, lost: int, pid: int = 1) -> Reader:
    return Reader(
        row=row,
        pid=pid,
        alive=True,
        name=name,
        epoch=1,
        cursor=1,
        lag=0,
        lost=lost,
        overruns=lost // 10,
        updated_ns=1,
    )


def test_losses_only_rise_while_readers_come_and_go() -> None:
    losses = ReaderLosses()
    two = [reader(0, "mm", 30), reader(1, "mm", 100), reader(2, "quiet", 0)]
    assert losses.add("okx", two) == {"mm": (130, 13), "quiet": (0, 0)}
    assert losses.add("okx", two[:1]) == {"mm": (130, 13)}  # its other process has ended
    assert losses.add("okx", [reader(0, "mm", 40)]) == {"mm": (140, 14)}
    assert losses.add("okx", [reader(0, "mm", 10)]) == {"mm": (150, 15)}  # it registered anew
    assert losses.add("okx", [reader(0, "mm", 20, pid=2)]) == {"mm": (170, 17)}
    assert losses.add("bybit-spot", [reader(0, "mm", 1)]) == {"mm": (1, 0)}
    assert losses.add("okx", []) == {}


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
