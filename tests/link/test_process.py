"""`[serve]` as its supervisor runs it; a mirror that finds no room; what is refused at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import shm
from feedhandler.config.document import ConfigError
from feedhandler.config.load import load
from feedhandler.link import mirroring as module
from feedhandler.link.asking import Wanted
from feedhandler.link.mirroring import Mirroring
from feedhandler.link.serving import Serving
from feedhandler.link.session import LinkError, open_session
from feedhandler.supervisor.helpers import Helpers
from shm import NoRoom
from shm.segment import create
from tests.link.links import LIVE, Flow, Process, attached, free_port, mirroring, states, until
from tests.recording.market import VENUE, Market


def test_a_table_has_the_feed_served_by_a_process_of_its_own(
    namespace: str, tmp_path: Path
) -> None:
    """It is started, started again when it was killed, and ended in order."""
    port, copy = free_port(), f"{namespace}m"
    path = tmp_path / "feed.toml"
    path.write_text(
        f'namespace = "{namespace}"\n[serve]\nname = "here"\n'
        f'listen = ["tcp/127.0.0.1:{port}"]\n[venues.deribit]\n'
    )
    config = load(path)
    assert config.serve is not None
    serve = msgspec.structs.replace(config.serve, only=(VENUE,))
    config = msgspec.structs.replace(config, serve=serve)

    async def supervised(mirror: shm.Feed, process: Process) -> None:
        helpers = Helpers(lambda *_: None)
        helpers.start(config)
        helper, _ = helpers._running["serve"]
        loop = asyncio.get_running_loop()

        async def seen(condition: Callable[[], bool], what: str) -> None:
            await loop.run_in_executor(None, until, condition, what, process)

        await seen(lambda: helper.pid > 0, "its process")
        await seen(lambda: states(mirror) == LIVE, "LIVE")
        before = helper.pid
        assert before > 0
        os.kill(before, signal.SIGKILL)
        await seen(lambda: helper.pid not in (0, before), "another process")
        await seen(lambda: states(mirror) == LIVE, "LIVE again")
        await helpers.stop()
        assert helper.pid == 0

    with (
        Market(namespace) as market,
        Flow(market, pause_s=0.02),
        mirroring(copy, namespace, port=port) as process,
    ):
        first = open_session([f"tcp/127.0.0.1:{port}"], [], None)
        serving = Serving(first, "here", namespace, (VENUE,), 48 << 10)
        serving.look()
        mirror = attached(copy, process)
        serving.close()
        first.close()
        asyncio.run(supervised(mirror, process))


def test_what_a_table_may_not_say(tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"
    path.write_text('[serve]\nonly = ["okx"]\nname = "a b"\nzenoh = "/none"\n[venues.deribit]\n')
    with pytest.raises(ConfigError) as caught:
        load(path)
    said = str(caught.value)
    assert "serve.only: no venue 'okx' is in this file" in said
    assert "serve.name" in said
    assert "serve.zenoh" in said


def test_no_room_in_memory_is_said_and_tried_again(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, tries = free_port(), []

    def full(*given: Any, **more: Any) -> Any:
        tries.append(given)
        if len(tries) < 3:
            raise NoRoom("/dev/shm is full: 0 bytes are free", 4096, 0)
        return create(*given, **more)

    monkeypatch.setattr(module, "create", full)
    wanted = Wanted("*", namespace, f"{namespace}m", (), (), 1_000_000_000, "there")
    with Market(namespace) as market, Flow(market, pause_s=0.02):
        source = open_session([f"tcp/127.0.0.1:{port}"], [], None)
        serving = Serving(source, "here", namespace, (), 48 << 10)
        serving.look()
        session = open_session([], [f"tcp/127.0.0.1:{port}"], None)
        mirroring = Mirroring(session, [VENUE], wanted)
        its = mirroring.venues[VENUE]
        try:
            until(lambda: "is full" in its.why, "it is said")
            mirror = attached(f"{namespace}m")
            until(lambda: states(mirror) == LIVE, "LIVE")
            assert its.failed is None
            assert len(tries) == 3
        finally:
            mirroring.close()
            serving.close()
            session.close()
            source.close()
        assert not mirror.alive()


def test_an_endpoint_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="nonsense/1"):
        open_session(["nonsense/1"], [], None)
    file = tmp_path / "zenoh.json5"
    file.write_text("{ mode: 7 }")
    with pytest.raises(LinkError, match=r"zenoh\.json5"):
        open_session([], [], file)
