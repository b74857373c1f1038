"""What the facts of a host amount to: each verdict from the facts that bring it, and its cure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feedhandler.config.keys import Config
from feedhandler.config.load import load
from feedhandler.doctor import Check, Facts, Verdict, checks
from feedhandler.planning.forecast import shared_bytes

GIB = 1 << 30
GOOD = Facts(
    shm_bytes=8 * GIB, shm_free=8 * GIB, memory_free=16 * GIB, files=1024, locked=1 << 20,
    cpus=(0, 1, 2, 3), isolated=(2, 3), siblings={cpu: (cpu,) for cpu in range(4)},
    governors=dict.fromkeys(range(4), "performance"), clock_source="tsc",
    clock_synchronised=True, clock_error_s=1e-4, realtime=99,
)  # fmt: skip
Configure = Callable[..., Config]
PINNED = {"okx": {"cpu": 2, "spin": True}, "deribit": {"cpu": 3}}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Of a host with four CPUs, whatever this one has."""
    monkeypatch.setattr("feedhandler.config.values.usable_cpus", lambda: frozenset(range(4)))

    def configured(**venues: dict[str, Any]) -> Config:
        lines = []
        for venue, keys in venues.items():
            lines.append(f"[venues.{venue}]")
            lines += [f"{key} = {str(value).lower()}" for key, value in keys.items()]
        path = tmp_path / "feed.toml"
        path.write_text("\n".join(lines))
        return load(path)

    return configured


def of(found: list[Check], name: str) -> list[Check]:
    return [one for one in found if one.name == name]


def test_a_host_that_suits_is_fine_in_every_respect(config: Configure) -> None:
    found = list(checks(config(**PINNED), GOOD))
    assert {one.verdict for one in found} == {Verdict.FINE}
    assert not any(one.cures for one in found)
    assert {"shared memory", "memory", "swap", "open files", "cores", "pinning", "frequency",
            "real time", "clock source", "clock"} == {one.name for one in found}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "name", "verdict", "words"),
    [
        ({"shm_kind": ""}, "shared memory", "problem", "is not there"),
        ({"shm_kind": "ext4"}, "shared memory", "problem", "ext4, and no memory"),
        ({"shm_free": 20 << 20}, "shared memory", "problem", "but /dev/shm has 20 MiB free"),
        ({"shm_free": 40 << 20}, "shared memory", "advice", "no second 18 MiB"),
        ({"memory_free": 100 << 20}, "memory", "problem", "100 MiB of the host"),
        ({"memory_limit_free": 90 << 20}, "memory", "problem", "90 MiB of the control group"),
        ({"swap_bytes": GIB}, "swap", "advice", "1,024 MiB: a page"),
        ({"files": 128}, "open files", "problem", "128 a process, 192 needed"),
        ({"cpus": (0, 1)}, "cores", "advice", "2 for 2 IO processes"),
        ({"load": 3.9}, "cores", "advice", "others use most"),
        ({"isolated": (3,)}, "pinning", "advice", "CPU 2 not isolated"),
        ({"siblings": {2: (2, 3), 3: (2, 3)}}, "pinning", "advice", "threads of one core"),
        ({"governors": {2: "powersave"}}, "frequency", "advice", "CPU 2 by powersave"),
        ({"quota": 3.5, "throttled": 7}, "CPU quota", "advice", "held back 7 times"),
        ({"quota": 1.0}, "CPU quota", "problem", "stand still"),
        ({"clock_source": "acpi_pm", "clock_sources": ("hpet", "tsc")}, "clock source", "advice",
         "acpi_pm"),
        ({"clock_synchronised": False}, "clock", "advice", "nothing keeps it right"),
        ({"clock_error_s": 0.02}, "clock", "advice", "off by 20 ms"),
    ],
)  # fmt: skip
def test_what_is_amiss_is_told_with_its_cure(
    facts: dict[str, Any], name: str, verdict: str, words: str, config: Configure
) -> None:
    found = list(checks(config(**PINNED), replace(GOOD, **facts)))
    (one,) = (one for one in of(found, name) if one.verdict != "fine")
    assert one.verdict == verdict
    assert words in one.found
    assert one.cures
    others = [each for each in found if each.name != name]
    assert {each.verdict for each in others} == {Verdict.FINE}


@pytest.mark.parametrize(
    ("venues", "facts", "name", "verdict", "words"),
    [
        ({"okx": {"spin": True}}, {}, "pinning", "problem", "okx: spin, but no CPU"),
        ({"okx": {"cpu": 2}, "binance": {"cpu": 2}}, {}, "pinning", "advice", "share CPU 2"),
        ({"okx": {"cpu": 2, "spin": True}, "binance": {"cpu": 2}}, {}, "pinning", "problem",
         "okx, binance share CPU 2"),
        ({"okx": {}}, {}, "pinning", "advice", "no IO process is pinned"),
        ({"okx": {}}, {}, "real time", "advice", "okx: may wait while"),
        ({"okx": {"cpu": 2, "realtime": 5}}, {}, "real time", "fine", "before others: okx; at"),
        ({"okx": {"cpu": 2, "realtime": 5}}, {"realtime": 3}, "real time", "problem", "up to 5"),
        ({"okx": {"cpu": 2, "lock_memory": True}}, {}, "swap", "problem", "1 MiB may be locked"),
        ({"okx": {"cpu": 2, "lock_memory": True}}, {"locked": None, "swap_bytes": GIB}, "swap",
         "fine", "but memory is locked"),
    ],
)  # fmt: skip
def test_what_the_configuration_asks_of_the_host(
    venues: dict[str, dict[str, Any]],
    facts: dict[str, Any],
    name: str,
    verdict: str,
    words: str,
    config: Configure,
) -> None:
    found = list(checks(config(**venues), replace(GOOD, **facts)))
    one = of(found, name)[0]
    assert (one.verdict, bool(one.cures)) == (verdict, verdict != "fine")
    assert words in one.found


def test_what_the_feed_has_already_needs_no_room(config: Configure) -> None:
    feed = config(**PINNED)
    held = sum(shared_bytes(one) for one in feed.venues.values())
    (one,) = of(list(checks(feed, replace(GOOD, shm_free=20 << 20), held)), "shared memory")
    assert one.verdict == Verdict.FINE


def test_what_a_host_does_not_tell_is_left_out(config: Configure) -> None:
    silent = replace(GOOD, governors={}, clock_source="", clock_synchronised=None)
    names = {one.name for one in checks(config(**PINNED), silent)}
    assert names.isdisjoint({"frequency", "clock source", "clock", "CPU quota"})
