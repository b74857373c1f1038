"""What `deploy/` gives to people, in a real Prometheus: each alert made to happen, each panel."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feedhandler.view.status import venue_status
from shm import NoSuchVenue, ShmError
from shm.registry import readers
from tests.kit.prometheus import DEPLOY, MISSING, RULES, Prometheus, prometheus
from tests.kit.rig import Rig, end, rig, until

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
VENUE = "okx"
STALE, LATE_MS = "BTC-USDT", 1_500
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "feedhandler.json").read_text())


def tool(*command: str | Path) -> None:
    done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def found(what: str, where: Any) -> Iterator[Any]:
    """All values of that key, however deep."""
    if isinstance(where, dict):
        yield from ([where[what]] if what in where else [])
        where = list(where.values())
    if isinstance(where, list):
        for each in where:
            yield from found(what, each)


def expressions() -> list[str]:
    """Of the dashboard, as Grafana would ask them with everything chosen."""
    chosen = {"$instance": ".*", "$venue": ".*", "$__rate_interval": "1m"}
    asked = [*found("expr", DASHBOARD["panels"])]
    for name, value in chosen.items():
        asked = [each.replace(name, value) for each in asked]
    return asked


def named(*texts: str) -> set[str]:
    return {name for text in texts for name in re.findall(r"\bfeedhandler_\w+", text)}


def test_rules_and_example_by_prometheus_own_tool() -> None:
    tool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    tool("check", "rules", RULES)


def test_each_alert_fires_when_it_must_and_not_before() -> None:
    cases = Path(__file__).with_name("alerts.yml")
    tool("test", "rules", cases)
    alerts = set(re.findall(r"alert: (\w+)", RULES.read_text()))
    assert alerts == set(re.findall(r"alertname: (\w+)\n +exp_alerts", cases.read_text()))


def test_the_dashboard_takes_any_data_source() -> None:
    assert DASHBOARD["uid"] == "feedhandler"
    kinds = {each["name"]: each["type"] for each in DASHBOARD["templating"]["list"]}
    assert kinds == {"datasource": "datasource", "instance": "query", "venue": "query"}
    sources = [*found("datasource", DASHBOARD)]
    assert len(sources) > 30
    assert {each["uid"] for each in sources} == {"${datasource}"}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in DASHBOARD["panels"]}
    assert len(places) == len(ids)


def again(r: Rig, before: int) -> int:
    """Kill the venue's process; the number of its start."""

    def lives() -> dict[str, Any] | None:
        with suppress(NoSuchVenue, ShmError):
            status = venue_status(r.namespace, VENUE)
            return status if status["pid"] and status["epoch"] != before else None
        return None

    status = until(lives, "its process lives")
    os.kill(status["pid"], signal.SIGKILL)
    return int(status["epoch"])


def test_each_alert_is_made_to_happen_and_each_panel_has_something_to_show(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        target = f"127.0.0.1:{free.getsockname()[1]}"
    with prometheus(tmp_path, target) as p, rig(VENUE) as r:
        r.config = msgspec.structs.replace(r.config, status_address=target, metrics_per_symbol=True)
        r.change(VENUE, ring_slots=1 << 10, silence_s=20.0)
        feed_process = r.supervisor()
        slow = r.attach(VENUE).events(name="slow", on_overrun="resync")
        spread = f'feedhandler_instrument_ask{{symbol="{STALE}"}} - feedhandler_instrument_bid'
        assert float(soon(p, spread)[0]["value"][1]) > 0
        until(partial(p.soon, lambda: not p.firing()), "all is well")

        r.sims[VENUE].fault("malform", STALE, key="bids", seconds=60)
        r.sims[VENUE].fault("delay", ms=LATE_MS, seconds=60)
        until(lambda: (readers(VENUE, namespace=r.namespace)[0]["lag"] or 0) > 1 << 11, "lag")
        slow.poll()
        fire(p, "FeedhandlerReaderLosesRecords", "slow is too slow for okx")
        fire(p, "FeedhandlerBookStale", "okx: a book is not LIVE for")
        fire(p, "FeedhandlerLagging", "okx: one message in a hundred is")
        fire(p, "FeedhandlerVenueNotLive", "okx is not LIVE: ")
        for expression in expressions():
            soon(p, expression)
        assert named(RULES.read_text(), json.dumps(DASHBOARD)) <= p.names()
        assert "FeedhandlerRestartLoop" not in p.firing()

        epoch = 0
        for _ in range(3):
            epoch = again(r, epoch)
        fire(p, "FeedhandlerRestartLoop", "okx: its process was started again 3 times")
        assert "FeedhandlerDown" not in p.firing()
        end(feed_process)
        fire(p, "FeedhandlerDown", f"{target} does not answer")


def soon(p: Prometheus, expression: str) -> list[dict[str, Any]]:
    """The rows that it has, after a while if need be."""
    return until(partial(p.soon, partial(p.query, expression)), expression)


def fire(p: Prometheus, alert: str, summary: str) -> None:
    fired = until(partial(p.soon, lambda: p.firing().get(alert)), alert)
    assert fired["annotations"]["summary"].startswith(summary)
