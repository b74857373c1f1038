"""Scripts of faults: what is refused and how, and scripts that run."""

from __future__ import annotations

import asyncio
import re
import time
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from click.testing import CliRunner

from feedhandler.cli.sim import sim as sim_command
from feedhandler.sim.faults.keys import KEYS
from feedhandler.sim.faults.kinds import KINDS
from feedhandler.sim.runner import (
    ScriptError,
    SimEndpoint,
    SimError,
    SimOptions,
    SimProcess,
    check_script,
    load_script,
    make_server,
)
from tests.kit.rig import ForkedSims
from tests.sim.dialects import DIALECTS, Follower
from tests.sim.harness import DEADLINE, SIX, START_MS, Sim, needs_openssl, venue

DOCUMENT = Path(__file__).parents[2] / "docs" / "simulator.md"
GAP = {"kind": "gap", "symbol": "BTC-USDT"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "no [[fault]] in it"),
        ("fault = 3", "no [[fault]] in it"),
        ("[[fault]", "not TOML"),
        ("[[faults]]\nat = 1", "faults: a script has [[fault]] tables only"),
        ("[[fault]]\nkind = 'drop'", "[[fault]] 1: at, after: one of them"),
        ("[[fault]]\nat = 1\nafter = 1\nkind = 'drop'", "[[fault]] 1: at, after: one of them"),
        ("[[fault]]\nat = 1", "[[fault]] 1: kind: is missing"),
        ("[[fault]]\nat = -1\nkind = 'drop'", "[[fault]] 1: at must not be negative: -1"),
        ("[[fault]]\nat = 'x'\nkind = 'drop'", "[[fault]] 1: at must be a number of seconds"),
        ("[[fault]]\nafter = 0.5\nkind = 'drop'", "[[fault]] 1: after must be an integer"),
        ("[[fault]]\nafter = 1\nevery = 2\nkind = 'drop'", "[[fault]] 1: every: goes with at"),
        ("[[fault]]\nat = 1\ntimes = 2\nkind = 'drop'", "[[fault]] 1: times: goes with every"),
        ("[[fault]]\nat = 1\nkind = 'dorp'", "[[fault]] 1: kind: unknown kind 'dorp'; did you me"),
        (
            "[[fault]]\nat = 1\nkind = 'drop'\n[[fault]]\nat = 1\nkind = 'drop'\nhow = 'x'",
            "[[fault]] 2: how must be one of rst, fin, close: 'x'",
        ),
        (
            "[[fault]]\nat = 1\nvenue = 'okex'\nkind = 'drop'",
            "[[fault]] 1: venue: unknown venue 'okex'; did you mean 'okx'?",
        ),
    ],
)
def test_files_refused_with_file_entry_and_key(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "chaos.toml"
    path.write_text(text)
    with pytest.raises(ScriptError) as caught:
        load_script(path)
    assert str(caught.value).startswith(f"{path}: {wrong}")


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ({"at": 1, "venue": "okx", **GAP, "symbol": "BTC-USDX"}, "[[fault]] 1: symbol: unknown sy"),
        ({"at": 1, **GAP}, "[[fault]] 1: symbol: unknown symbol 'BTC-USDT'"),
        ({"at": 1, "venue": "binance", "kind": "drop"}, "[[fault]] 1: venue: binance is not start"),
        ({"at": 1, "kind": "tls", "certificate": "expired"}, "[[fault]] 1: kind: tls needs a simu"),
        (
            {"at": 1, "venue": "okx", "kind": "silence", "channel": "books:X"},
            "[[fault]] 1: channel: okx has no 'books:X'; they look like books:BTC-USDT",
        ),
    ],
)
def test_scripts_refused_before_anything_starts(entry: dict[str, Any], wrong: str) -> None:
    sims = SimProcess(["okx", "deribit"], SimOptions(script=(entry,)))
    with pytest.raises(ScriptError) as caught:
        sims.start()
    assert str(caught.value).startswith(wrong)
    assert not sims.pids


def test_options_refuse_what_no_venue_could_do() -> None:
    with pytest.raises(ScriptError, match=r"\[\[fault\]\] 1: "):
        SimOptions(script=({"at": 1, "kind": "?"},))


async def _stats_when(sim: Sim, waiting: int) -> dict[str, Any]:
    """The stats once so few entries wait."""
    async with asyncio.timeout(DEADLINE):
        while True:
            stats = await sim.get("/sim/stats")
            if stats["script"]["waiting"] <= waiting:
                assert isinstance(stats, dict)
                return stats
            await asyncio.sleep(0.01)


def test_entries_fire_at_their_time_and_again() -> None:
    async def main() -> None:
        # Of the venue's own day: what it can list depends on the date.
        symbol = make_server("okx", SimOptions(start_ms=START_MS)).make_universe()[-1].symbol
        script = (
            {"at": 0.05, "every": 0.05, "times": 3, "kind": "upgrade_error", "count": 1},
            {"at": 0, "venue": "deribit", "kind": "drop"},
            {"at": 0.1, "kind": "list", "symbol": symbol},
            {"at": 0.15, "kind": "expire", "symbol": symbol},
            {"at": 0.2, "kind": "gap", "symbol": symbol},
        )
        before_ns = time.time_ns()
        async with venue("okx", script=script) as sim:
            stats = await _stats_when(sim, waiting=0)
            assert stats["faults_ordered"] == {"upgrade_error": 3, "list": 1, "expire": 1}
            began_ns = [f["began_ns"] for f in stats["faults"] if f["kind"] == "upgrade_error"]
            due_ns = [before_ns + 50_000_000 * number for number in (1, 2, 3)]
            assert all(began >= due for began, due in zip(began_ns, due_ns, strict=True))
            # The last of them stands until a handshake comes, however late that is.
            with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
                await sim.session.ws_connect(sim.base + sim.server.ws_path)
            async with sim.socket():
                pass
            sources = {fault["kind"]: fault["source"] for fault in stats["faults"]}
            assert sources["list"] == "script entry 3"
            # The last one came too late for its instrument, and is told of, not lost.
            (error,) = stats["script"]["errors"]
            assert error.startswith("entry 5: symbol: unknown symbol")

    asyncio.run(main())


def test_entries_fire_after_messages() -> None:
    async def main() -> None:
        speak = DIALECTS[1]
        script = ({"after": 50, "venue": "okx", "kind": "drop", "how": "fin"},)
        async with venue("okx", script=script) as sim, sim.socket() as socket:
            book = Follower(speak, sim, socket)
            await book.subscribe()
            assert (await sim.get("/sim/stats"))["script"]["waiting"] == 1
            await sim.step(300)
            assert await socket.closed() == 1006
            stats = await _stats_when(sim, waiting=0)
            assert stats["messages_sent"] >= 50

    asyncio.run(main())


async def _until_spent(endpoint: SimEndpoint) -> dict[str, Any]:
    """The stats of a venue once its script is through."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(3 * DEADLINE):
        while True:
            async with session.get(endpoint.control_url + "/stats") as answer:
                stats = orjson.loads(await answer.read())
            if stats["script"]["waiting"] == 0:
                assert isinstance(stats, dict)
                return stats
            await asyncio.sleep(0.02)


async def _listen(endpoint: SimEndpoint) -> None:
    """Connect again and again, as the script cuts and refuses, so that messages are sent."""
    speak = DIALECTS[1]
    ask = orjson.dumps(speak.subscribe(speak.channel(speak.other))).decode()
    async with aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientError):
                async with session.ws_connect(endpoint.ws_url) as socket:
                    await socket.send_str(ask)
                    async for _ in socket:
                        pass
            await asyncio.sleep(0.02)


def _example() -> str:
    (found,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert isinstance(found, str)
    return found


def test_the_documents_example_runs(tmp_path: Path) -> None:
    path = tmp_path / "chaos.toml"
    # Ten times faster than it is written.
    path.write_text(re.sub(r"\b(at|every|seconds|close_after) = ([\d.]+)", _sooner, _example()))
    entries = load_script(path)
    assert len(entries) == len(tomllib.loads(_example())["fault"])
    options = SimOptions(rate=500.0, script=entries)
    check_script(SIX, options)
    with ForkedSims(SIX, options) as sims:
        endpoints = dict(sims.endpoints)

        async def main() -> None:
            listener = asyncio.create_task(_listen(endpoints["okx"]))
            for name, endpoint in endpoints.items():
                mine = [entry for entry in entries if entry.get("venue", name) == name]
                stats = await _until_spent(endpoint)
                assert stats["script"]["errors"] == []
                assert stats["script"]["fired"] == sum(e.get("times", 1) for e in mine)
                assert set(stats["faults_ordered"]) == {entry["kind"] for entry in mine}
            listener.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listener

        asyncio.run(main())


def _sooner(found: re.Match[str]) -> str:
    return f"{found[1]} = {float(found[2]) / 10:g}"


@needs_openssl
def test_a_venue_process_resets_and_speaks_tls() -> None:
    """The process form runs on another event loop than the tests do."""

    async def main(endpoint: SimEndpoint) -> None:
        import ssl

        trusted = ssl.create_default_context(cafile=endpoint.ca_file)
        async with aiohttp.ClientSession() as session:

            async def order(**fault: object) -> None:
                body = orjson.dumps(fault)
                async with session.post(endpoint.control_url + "/fault", data=body) as answer:
                    assert answer.status == 200, await answer.text()

            async with session.ws_connect(endpoint.ws_url, ssl=trusted) as socket:
                await order(kind="half_open")
                await socket.send_str("ping")
                await order(kind="none")
                message = await asyncio.wait_for(socket.receive(), DEADLINE)
                assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
            await order(kind="tls", certificate="expired")
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(endpoint.rest_url + "/api/v5/public/time", ssl=trusted)
            await order(kind="refuse")
            with pytest.raises(aiohttp.ClientConnectorError, match=r"refused|Connect call failed"):
                await session.get(endpoint.rest_url + "/api/v5/public/time", ssl=trusted)
            await order(kind="none")
            async with session.ws_connect(endpoint.ws_url, ssl=trusted) as socket:
                await socket.send_str("ping")
                assert (await asyncio.wait_for(socket.receive(), DEADLINE)).data == "pong"

    with SimProcess(["okx"], SimOptions(tls=True, rate=10.0)) as sims:
        endpoint = sims.endpoints["okx"]
        assert endpoint.ws_url.startswith("wss://")
        asyncio.run(main(endpoint))
    assert not Path(endpoint.ca_file).parent.exists()


def test_without_openssl_tls_is_refused_with_a_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SimError, match="install the package openssl, or do without tls"):
        SimProcess(["okx"], SimOptions(tls=True)).start()


def test_the_command_refuses_a_bad_script_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "chaos.toml"
    path.write_text("[[fault]]\nat = 1\nvenue = 'okx'\nkind = 'gap'\nsymbol = 'BTC-USDX'")
    for arguments, text in (
        (["-v", "okx"], "[[fault]] 1: symbol: unknown symbol 'BTC-USDX'; did you mean"),
        (["-v", "deribit"], "[[fault]] 1: venue: okx is not started, only deribit"),
    ):
        done = CliRunner().invoke(sim_command, [*arguments, "--script", str(path)])
        assert done.exit_code == 2
        assert f"{path}: {text}" in done.output


def test_what_a_venue_cannot_do_is_refused_before_it_starts(tmp_path: Path) -> None:
    path = tmp_path / "chaos.toml"
    path.write_text("[[fault]]\nat = 1\nvenue = 'binance'\nkind = 'no_snapshot'")
    done = CliRunner().invoke(sim_command, ["-v", "binance", "--script", str(path)])
    assert done.exit_code == 2
    assert f"{path}: [[fault]] 1: kind: no_snapshot: its stream has no snapshots" in done.output


def test_the_document_has_every_kind_and_key() -> None:
    text = DOCUMENT.read_text()
    for name, kind in KINDS.items():
        rows = text.partition("| kind | makes no sense where |")[0].splitlines()
        (row,) = [line for line in rows if line.startswith(f"| `{name}` |")]
        for key in (*kind.needs, *kind.takes):
            assert f"`{key}`" in row, (name, key)
    for key in KEYS:
        assert f"| `{key}` |" in text, key
