"""What `plan` says: the venue's limits played through, and what it then really costs."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from feedhandler.adapter.connect import Token
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Base, Limits
from feedhandler.budgets import venue_budgets
from feedhandler.config.keys import Config, VenueConfig
from feedhandler.planning.every_venue import planned
from feedhandler.planning.forecast import forecast
from feedhandler.planning.packing import PlanError
from feedhandler.venues import load
from shm import dev_shm, segment
from tests.cli.support import json_of, run
from tests.kit.facts import PaperVenue, spec
from tests.kit.rig import rig

OKX = load("okx").limits
CONFIG = VenueConfig(
    instruments=("*",),
    ws_url={"public": "ws://paper/ws", "family": "ws://paper/family"},
    rest_url="http://paper",
    channels=("book",),
    directory_rows=64,
)


class Asked(PaperVenue):
    """Books start with a REST snapshot of weight 50."""

    base = Base.REQUEST

    def snapshot_request(self, symbol: str) -> Request | None:
        return Request("/depth", {"symbol": symbol}, weight=50)


def test_without_limits_one_message_and_no_time() -> None:
    found = forecast(PaperVenue(), CONFIG, [spec("A"), spec("B")], [1])
    (one,) = found.connections
    assert (one.keys, one.messages, one.open_s, one.subscribed_s) == (("book:A", "book:B"), 1, 0, 0)
    assert (found.live_s, found.rest_requests, found.rest_weight) == (0.0, 1, 1)
    assert one.bytes == len(PaperVenue().subscribe(one.keys, 1))


def test_connections_messages_and_hours_are_waited_for() -> None:
    limits = Limits(
        keys_per_connection=20, keys_per_message=5, messages_per_second=2.0, warmup_s=0.5,
        connects_per_second=1.0,
    )  # fmt: skip
    specs = [spec(f"S{n}") for n in range(50)]
    found = forecast(PaperVenue(limits), CONFIG, specs, [])
    assert [len(one.keys) for one in found.connections] == [20, 20, 10]
    assert [one.messages for one in found.connections] == [4, 4, 2]
    assert [one.open_s for one in found.connections] == pytest.approx([0.0, 1.0, 2.0], abs=0.01)
    # two messages at once after the warm-up, the other two a second later
    assert [one.subscribed_s for one in found.connections] == pytest.approx(
        [1.5, 2.5, 2.5], abs=0.02
    )
    assert found.paced_by == ("subscribing",)
    hourly = Limits(subscribes_per_hour=30)
    assert forecast(PaperVenue(hourly), CONFIG, specs, []).live_s == pytest.approx(3600, abs=1)


def test_a_hosts_budget_is_shared_by_its_connections() -> None:
    limits = Limits(
        keys_per_connection=5, keys_per_message=1, host_messages_per_second=2.0,
        host_messages_burst=4.0,
    )  # fmt: skip
    found = forecast(PaperVenue(limits), CONFIG, [spec(f"S{n}") for n in range(20)], [])
    assert len(found.connections) == 4
    assert found.messages == 20
    assert found.live_s == pytest.approx((20 - 4) / 2.0, abs=0.05)


def test_snapshots_are_paid_by_weight() -> None:
    venue = Asked(Limits(rest_per_second=100.0, rest_burst=100.0))
    found = forecast(venue, CONFIG, [spec(f"S{n}") for n in range(10)], [20])
    assert (found.rest_requests, found.rest_weight) == (11, 520)
    assert found.live_s == pytest.approx((520 - 100) / 100.0, abs=0.05)
    assert found.paced_by == ("snapshots over REST",)


def test_a_token_costs_a_request_for_each_connection() -> None:
    class Given(PaperVenue):
        token = Token(
            Request("/t", weight=3, method="POST"), '{"endpoint":"$endpoint"}', "$endpoint"
        )

    limits = Limits(keys_per_connection=2)
    found = forecast(Given(limits), CONFIG, [spec(f"S{n}") for n in range(5)], [1])
    assert len(found.connections) == 3
    assert (found.rest_requests, found.rest_weight) == (1 + 3, 1 + 9)


def test_memory_is_what_a_writer_takes(namespace: str) -> None:
    config = msgspec.structs.replace(CONFIG, depth=20, ring_slots=4096)
    said = forecast(PaperVenue(), config, [spec("A")], []).shared_bytes
    from feedhandler.planning.packing import CONNECTION_ROWS

    with segment.create(
        "paper", namespace=namespace, instruments=64, depth=20, ring_slots=4096,
        connections=CONNECTION_ROWS,
    ):  # fmt: skip
        (data,) = [one for one in dev_shm.objects(namespace) if one.epoch is not None]
        assert said == dev_shm.DIRECTORY.joinpath(data.path[1:]).stat().st_size


def test_what_cannot_fit_is_refused() -> None:
    venue = PaperVenue(Limits(keys_per_connection=1, connections=1))
    with pytest.raises(PlanError, match="allows 1"):
        forecast(venue, CONFIG, [spec("A"), spec("B")], [])


def test_real_start_costs_what_was_said() -> None:
    with rig("deribit", "okx", "binance") as r:
        found = asyncio.run(planned(r.config))
        assert found.problems == found.unreachable == found.warnings == []
        for one in found.venues:
            r.io_process(one.venue)
            r.attach(one.venue)
            stats = r.sims[one.venue].stats()
            assert len(one.connections) == stats["connections"], stats


def written(config: Config) -> str:
    lines = []
    for name, one in config.venues.items():
        symbols = ", ".join(f'"{symbol}"' for symbol in one.instruments)
        lines += [f"[venues.{name}]", f"instruments = [{symbols}]"]
        lines += [f'ws_url = "{one.ws_url}"', f'rest_url = "{one.rest_url}"']
    return "\n".join(lines)


def test_command(tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"
    with rig("okx", "binance") as r:
        path.write_text(written(r.config))
        result = run("plan", str(path), "--json")
        assert result.returncode == 0, result.stderr
        okx, binance = json_of(result)["venues"]
        assert okx["instruments"] == ["BTC-USDT", "BTC-USDT-SWAP"]
        assert binance["rest_weight"] == 20 + 2 * 250
        shown = run("plan", str(path), "--keys", "--venue", "okx")
        assert "books:BTC-USDT-SWAP" in shown.stdout
        assert "binance" not in shown.stdout
        assert r.left() == []  # nothing was started

        (connects,) = venue_budgets.connects(r.config.venues["okx"].url("public"), OKX)
        connects.hold(time.monotonic(), 60.0, 429)
        result = run("plan", str(path), "--venue", "okx", "--offline")
        assert result.returncode == 1
        assert "closed by the venue for" in result.stderr
        assert "HTTP 429" in result.stderr

        path.write_text(written(r.config).replace('"BTCUSDT"', '"BTCUSDTT"'))
        result = run("plan", str(path), "--venue", "binance")
        assert result.returncode == 2
        assert "'BTCUSDTT'" in result.stderr
    result = run("plan", str(path), "--venue", "okx")
    assert result.returncode == 1
    assert "cannot connect" in result.stderr
    result = run("plan", "-v", "okx", "--symbols", "option:BTC-USD:*", "--offline")
    assert result.returncode == 2
    assert "only okx knows" in result.stderr
