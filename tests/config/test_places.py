"""What is found to be wrong with a value after the file was read names its file and line, too."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from feedhandler.adapter.venue import Limits, ListedInstrument
from feedhandler.config.document import ConfigError
from feedhandler.config.keys import Config
from feedhandler.config.load import load
from feedhandler.config.places import TABLE, Places
from feedhandler.doctor import cores, memory
from feedhandler.doctor.facts import Facts
from feedhandler.io_process import instrument_orders, scheduling
from feedhandler.network.route import Route
from feedhandler.planning.every_venue import planned, too_many
from feedhandler.planning.packing import PlanError, pack
from feedhandler.supervisor import preflight
from feedhandler.supervisor.reload import difference, in_words
from shm import InstrumentKind
from tests.cli.support import run
from tests.kit.facts import PaperVenue, spec
from tests.kit.paper_house import House, play

TEXT = """\
status_address = ""
group = {group}
[venues.okx]
instruments = [
    "BTC-USDT",
    "option:BTC-USD:*",
]
directory_rows = 3
realtime = 1
lock_memory = true
redundancy = 2
[venues.deribit]
[record]
to = "somewhere"
[serve]
listen = ["127.0.0.1:7447"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "feed.toml"
    path.write_text(TEXT.format(group=os.getegid()))
    return path


@pytest.fixture
def config(path: Path) -> Config:
    return load(path)


def test_values_have_their_places(path: Path, config: Config) -> None:
    okx, deribit = config.venues["okx"].places, config.venues["deribit"].places
    assert okx.of("instruments", "option:BTC-USD:*") == f"{path}: line 6: venues.okx.instruments"
    assert okx.of("instruments", "ETH-*") == f"{path}: line 4: venues.okx.instruments"
    assert okx.of("directory_rows") == f"{path}: line 8: venues.okx.directory_rows"
    assert okx.of(TABLE) == f"{path}: line 3: venues.okx"
    assert deribit.of("depth") == f"{path}: line 12: venues.deribit.depth"  # of its table
    assert config.places.of("group") == f"{path}: line 2: group"
    assert config.places.of("log") == "log"  # the file has none
    assert config.record is not None
    assert config.record.places.of("to") == f"{path}: line 14: record.to"
    assert config.serve is not None
    where = config.serve.places.first_of("zenoh", "listen", "connect")
    assert where == f"{path}: line 16: serve.listen"


def test_what_no_file_has_is_named_alone(path: Path) -> None:
    assert load(None).venues["okx"].places.of("depth") == "venues.okx.depth"
    both = load(path, venues=["okx", "binance"], symbols=["A"], namespace="n")
    assert both.venues["okx"].places.of("instruments", "A") == "--symbols, venues.okx"
    assert both.venues["binance"].places.of("depth") == "venues.binance.depth"
    assert both.places.of("namespace") == "--namespace"


def test_they_reach_an_io_process(config: Config) -> None:
    there = msgspec.json.decode(msgspec.json.encode(config), type=Config)
    for name, venue in config.venues.items():
        assert there.venues[name].places.of("depth") == venue.places.of("depth")


def test_values_that_have_moved_are_the_same_values(path: Path, config: Config) -> None:
    path.write_text("\n\n" + path.read_text())
    moved = load(path)
    assert moved == config
    assert in_words(difference(config, moved), config, moved) == []
    assert moved.venues["okx"].places.of("realtime") == f"{path}: line 11: venues.okx.realtime"


def test_a_reload_that_cannot_be_done(path: Path, config: Config) -> None:
    path.write_text("namespace = 'other'\n" + path.read_text())
    with pytest.raises(ConfigError, match="line 1: namespace: 'other': it runs as 'feedhandler'"):
        difference(config, load(path))


def test_what_does_not_fit(path: Path, config: Config) -> None:
    okx = config.venues["okx"]
    assert too_many(okx, 3) == ""
    assert too_many(okx, 4) == (
        f"{path}: line 8: venues.okx.directory_rows: the rules mean 4 instruments, but "
        "directory_rows is 3: raise it, or ask for fewer"
    )
    venue = PaperVenue(Limits(connections=3, keys_per_connection=1))
    some = [ListedInstrument(name, name, InstrumentKind.SPOT, "B", "Q") for name in "AB"]
    assert len(pack(venue, some[:1], ["book"], redundancy=2)) == 1
    with pytest.raises(PlanError, match=r"redundancy = 2 needs 4 connections, .* 3: ask") as caught:
        pack(venue, some, ["book"], redundancy=2)
    assert okx.places.of(caught.value.key) == f"{path}: line 11: venues.okx.redundancy"


def test_a_plan_without_a_venue(path: Path, config: Config) -> None:
    found = asyncio.run(planned(config, offline=True))
    assert [one for one in found.problems if one.startswith(f"{path}: line 4: venues.okx.instrum")]
    done = run("plan", str(path), "--offline")
    assert done.returncode == 2
    assert f"{path}: line 4: venues.okx.instruments: what 'option:BTC-USD:*' means" in done.stderr


def test_a_group_that_is_not_ours(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedhandler.kernel.may_give_to", lambda _: False)
    config = msgspec.structs.replace(load(path), venues={})
    (problem,) = asyncio.run(preflight.check(config)).problems
    assert problem.startswith(f"{path}: line 2: group: this user is no member of group")
    assert "usermod -aG" in problem


def test_what_the_host_does_not_allow(
    path: Path, config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.sched_setscheduler", refuse)
    monkeypatch.setattr("feedhandler.io_process.scheduling._lock", lambda: "not allowed")
    scheduling.ask(config.venues["okx"])
    assert [line.partition(": no")[0] for line in caplog.messages] == [
        f"{path}: line 9: venues.okx.realtime",
        f"{path}: line 10: venues.okx.lock_memory: memory is not locked",
    ]
    assert f"{path}: line 9: venues.okx.realtime" in cores.realtime(config, Facts()).found
    assert (
        f"{path}: line 10: venues.okx.lock_memory" in memory.locked(config, Facts(locked=1)).found
    )


def test_authorities_that_are_gone(path: Path, config: Config) -> None:
    okx = msgspec.structs.replace(config.venues["okx"], ca_file=str(path.with_name("gone.pem")))
    with pytest.raises(OSError, match=r"line 3: venues\.okx\.ca_file: .*gone\.pem' cannot be used"):
        Route.of(okx).tls  # noqa: B018


def test_a_rule_that_means_nothing_later_on(
    namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Said by the process with the line at which the file has it by then; one by command has
    none."""

    async def acts(house: House) -> None:
        await house.start(spec("A"))
        places = Places(
            source="f.toml", lines={"instruments": 2}, elements={"instruments": {"Z": 7}}
        )
        question = {"do": "moved", "places": msgspec.to_builtins(places)}
        assert "error" not in await instrument_orders.answer(house.roster, question)
        house.lister.rules = ("A", "Z", "Y")
        house.lister.complain(await house.lister.list(house.lister.rules))

    play(namespace, ["A"], acts)
    assert [line.partition("; did")[0] for line in caplog.messages if "no listed" in line] == [
        "f.toml: line 7: instruments: no listed instrument is called or matches 'Z'",
        "instruments: no listed instrument is called or matches 'Y'",
    ]
