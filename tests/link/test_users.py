"""What works on a feed works on its mirror: commands, recordings, and another mirror."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

import shm
from feedhandler.supervisor.status_process import beside
from shm import Kind, State
from shm.recording.reader import Recording
from tests.cli.support import run
from tests.kit.patience import DEADLINE_S
from tests.link.links import (
    LIVE,
    STALE,
    Flow,
    Process,
    attached,
    free_port,
    mirroring,
    same,
    serving,
    states,
    until,
)
from tests.recording.market import SYMBOLS, VENUE, Market


def ran(*words: str, code: int = 0) -> str:
    done = run(*words)
    assert done.returncode == code, (words, done.stdout, done.stderr)
    return done.stdout


def got(url: str) -> str | None:
    with suppress(OSError), urlopen(url, timeout=DEADLINE_S) as answer:
        text: str = answer.read().decode()
        return text
    return None


@pytest.fixture
def chain(namespace: str) -> Iterator[tuple[Market, Flow, str, str, list[Process]]]:
    """A feed, its mirror, and the mirror's mirror."""
    near, far = f"{namespace}a", f"{namespace}b"
    ports = free_port(), free_port()
    with (
        Market(namespace, slots=1 << 14) as market,
        Flow(market, pause_s=0.01) as flow,
        serving(namespace, port=ports[0]) as first,
        mirroring(near, namespace, port=ports[0]) as second,
        serving(near, "--name", "between", port=ports[1]) as third,
        mirroring(far, near, port=ports[1]) as fourth,
    ):
        yield market, flow, near, far, [first, second, third, fourth]


def test_a_mirror_is_mirrored_recorded_and_looked_at(
    chain: tuple[Market, Flow, str, str, list[Process]], tmp_path: Path
) -> None:
    market, flow, near, far, processes = chain
    feed = shm.attach(VENUE, namespace=market.namespace)
    between, end = attached(near, processes[1]), attached(far, processes[3])
    until(lambda: states(between) == LIVE, "LIVE", processes[1])
    until(lambda: states(end) == LIVE, "LIVE at the end", processes[3])
    assert end.epoch == feed.epoch
    assert end.segment is not None
    told = end.segment.mirror
    assert told is not None
    assert told["hops"] == 2
    assert told["source"] == f"between/{near} < here/{market.namespace}"

    recorded = tmp_path / "recording"
    ran("record", "--namespace", near, "--to", str(recorded), "--seconds", "1")
    segments = list(Recording(recorded).segments(VENUE))  # several, on a busy machine
    assert {segment.epoch for segment in segments} == {market.epoch}
    checked = 0
    for rows in Recording(recorded).rows(VENUE):
        for kept in rows[rows["base"] == 0]:
            truth = market.truth[market.epoch][int(kept["sequence"])]
            assert (int(kept["price"]), int(kept["size"])) == (truth.price, truth.size)
            checked += 1
    assert checked == sum(segment.last - segment.first + 1 for segment in segments) > 0

    flow.pause()
    until(lambda: same(feed, between) and same(feed, end), "the same", processes[3])
    status: dict[str, Any] = json.loads(ran("status", "--namespace", far, "--json", code=1))
    (venue,) = status["venues"]
    assert venue["mirror"]["hops"] == 2
    (source,) = json.loads(ran("status", "--namespace", market.namespace, "--json", code=1))[
        "venues"
    ]
    told = json.loads(ran("status", "--namespace", market.namespace, "--json", code=1))
    (its,) = told["serving"]
    assert (its["name"], its["pid"]) == ("here", processes[0].process.pid)
    (follower,) = its["venues"][0]["mirrors"]
    assert (follower["namespace"], follower["pid"]) == (near, processes[1].process.pid)
    assert f"serve {its['pid']} as here" in ran("status", "--namespace", market.namespace, code=1)
    assert f"{near}: mirrored by process" in ran("status", "--namespace", near, code=1)
    port = free_port()
    with beside(near, f"127.0.0.1:{port}"):
        metrics = until(lambda: got(f"http://127.0.0.1:{port}/metrics"), "metrics", processes[1])
    assert 'feedhandler_mirror_info{hops="1",link="tcp/127.0.0.1:' in metrics
    assert 'feedhandler_serve_mirrors{name="between",venue="sim"} 1.0' in metrics
    assert 'feedhandler_serve_left_out_records_total{name="between",venue="sim"} 0.0' in metrics
    assert 'feedhandler_mirror_lost_records_total{venue="sim"} 0.0' in metrics
    for name in ("epoch", "published", "instruments", "live", "state", "connections", "frames"):
        assert venue[name] == source[name]
    line = ran("inspect", "stat", VENUE, "--namespace", near)
    assert f"of here/{market.namespace} over tcp/127.0.0.1:" in line
    assert ran("inspect", "verify", VENUE, "--namespace", far)
    book = json.loads(ran("inspect", "book", VENUE, SYMBOLS[0], "--namespace", far, "--json"))
    assert '"state": "LIVE"' in json.dumps(book)

    flow.go()
    processes[0].kill()  # the first link: what is behind the second one is no better
    until(lambda: states(between) == STALE, "STALE", processes[1])
    until(lambda: states(end) == STALE, "STALE at the end", processes[3])


def test_a_filter_leaves_out_what_is_not_wanted(namespace: str) -> None:
    port, copy = free_port(), f"{namespace}m"
    some = ("--only", "option:*", "--only", SYMBOLS[0], "--kinds", "trade", "--kinds", "level")
    with (
        Market(namespace) as market,
        Flow(market, pause_s=0.01) as flow,
        serving(namespace, port=port),
        mirroring(copy, namespace, *some, port=port) as process,
        mirroring(f"{namespace}n", namespace, "--only", "XRP*", port=port) as nothing,
    ):
        mirror = attached(copy, process)
        wanted = (SYMBOLS[0], SYMBOLS[5])
        until(
            lambda: (
                all(mirror.book(symbol).state is State.LIVE for symbol in wanted)
                and mirror.book(SYMBOLS[1]).state is State.CLOSED
            ),
            "what is wanted",
            process,
        )
        begun = market.published
        with mirror.events(raw=True, start="now") as events:
            until(lambda: market.published > begun + 500, "records")
            flow.pause()
            rows = []
            while int(events.sequence) <= market.published:
                batch = events.poll()
                rows += list(batch) if batch is not None else []
        assert events.lost == 0
        truth = market.truth[market.epoch]
        kinds = {Kind.STAT, Kind.QUOTE}
        for row in rows:
            its = truth[int(row["sequence"])]
            if row["kind"] == Kind.ABSENT:
                assert its.instrument not in (0, 5) or its.kind in kinds
            else:
                assert its.instrument in (0, 5, shm.NO_INSTRUMENT)
                assert (int(row["price"]), int(row["size"])) == (its.price, its.size)
        assert {Kind.ABSENT, Kind.LEVEL, Kind.STATE} <= {int(row["kind"]) for row in rows}
        until(lambda: nothing.said("takes none of the 6 instruments"), "it is said", nothing)
