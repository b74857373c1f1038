from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import aiohttp
import orjson
import pytest

from feedhandler.sim.runner import SimEndpoint, SimOptions, SimProcess, serve
from tests.sim.harness import SIX, START_MS


def test_serve_runs_until_cancelled() -> None:
    async def main() -> None:
        ready: asyncio.Future[list[SimEndpoint]] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve(list(SIX), SimOptions(), ready=ready.set_result))
        endpoints = await asyncio.wait_for(ready, 45)
        assert [e.venue for e in endpoints] == list(SIX)
        async with aiohttp.ClientSession() as session:
            for endpoint in endpoints:
                async with session.ws_connect(endpoint.ws_url) as socket:
                    assert not socket.closed
                async with session.get(endpoint.control_url + "/stats") as answer:
                    assert (await answer.json())["venue"] == endpoint.venue
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_processes_listen_and_end_with_the_block() -> None:
    with SimProcess(["okx", "binance"], SimOptions(rate=10, seed=3)) as sims:
        assert set(sims.endpoints) == {"okx", "binance"}
        pids = list(sims.pids.values())

        async def main() -> None:
            async with aiohttp.ClientSession() as session:
                url = sims.endpoints["okx"].rest_url + "/api/v5/public/time"
                async with session.get(url) as answer:
                    assert (await answer.json())["code"] == "0"

        asyncio.run(main())
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(ValueError, match="no simulated venue"):
        SimProcess(["nope"]).start()


def test_a_half_open_connection_may_be_cut_before_its_fault_ends() -> None:
    """On uvloop, whose closed sockets fail otherwise than asyncio's."""
    with SimProcess(["okx"], SimOptions(rate=10)) as sims:
        endpoint = sims.endpoints["okx"]

        async def main() -> None:
            async with aiohttp.ClientSession() as session:
                async with session.ws_connect(endpoint.ws_url) as socket:
                    for kind in ("half_open", "drop"):
                        order = orjson.dumps({"kind": kind})
                        async with session.post(
                            endpoint.control_url + "/fault", data=order
                        ) as told:
                            assert told.status == 200
                    assert (await socket.receive()).type is not aiohttp.WSMsgType.TEXT
                order = orjson.dumps({"kind": "none"})
                async with session.post(endpoint.control_url + "/fault", data=order) as told:
                    assert told.status == 200

        asyncio.run(main())


def test_a_client_may_go_while_bytes_wait_for_it() -> None:
    with SimProcess(["okx"], SimOptions(rate=500)) as sims:
        endpoint = sims.endpoints["okx"]

        async def main() -> None:
            async with aiohttp.ClientSession() as session:

                async def order(**keys: object) -> None:
                    url = endpoint.control_url + "/fault"
                    async with session.post(url, data=orjson.dumps(keys)) as told:
                        assert told.status == 200

                await order(kind="slow", bytes_per_second=500)
                async with session.ws_connect(endpoint.ws_url) as socket:
                    channel = {"channel": "books", "instId": "BTC-USDT"}
                    await socket.send_json({"op": "subscribe", "args": [channel]})
                    await socket.receive()
                    await order(kind="shutdown", close_after=0.2)
                    assert socket._response.connection is not None
                    transport = socket._response.connection.transport
                    assert transport is not None
                    transport.abort()
                async with asyncio.timeout(45):
                    while True:
                        async with session.get(endpoint.control_url + "/stats") as answer:
                            faults = (await answer.json())["faults"]
                        if faults[-1]["ended_ns"]:
                            return

        asyncio.run(main())


def test_two_processes_with_one_seed_hold_the_same_books() -> None:
    async def books(endpoint: SimEndpoint) -> list[object]:
        async with aiohttp.ClientSession() as session:
            async with session.post(endpoint.control_url + "/step?updates=2000") as answer:
                assert answer.status == 200
            found = []
            for symbol in ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC-25DEC26"):
                url = f"{endpoint.control_url}/book?symbol={symbol}"
                async with session.get(url) as answer:
                    found.append(await answer.json())
            return found

    options = SimOptions(paused=True, start_ms=START_MS, seed=5)
    seen = []
    for _ in range(2):
        with SimProcess(["deribit"], options) as sims:
            seen.append(asyncio.run(books(sims.endpoints["deribit"])))
    assert seen[0] == seen[1]


def test_children_die_with_a_killed_parent() -> None:
    program = textwrap.dedent("""
        import os, signal
        from feedhandler.sim.runner import SimProcess
        sims = SimProcess(["binance"]).start()
        print(sims.pids["binance"], flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment, timeout=90
    )
    assert found.returncode == -signal.SIGKILL
    # `run` returns at the end of the pipe, which the child holds too until it is gone itself.
    child = int(found.stdout)
    fd = None
    try:
        fd = os.pidfd_open(child)
    except ProcessLookupError:
        return
    try:
        import select

        assert select.select([fd], [], [], 10)[0]
    finally:
        os.close(fd)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_prints_endpoints_and_ends_cleanly(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "feedhandler.sim", "--venue", "deribit", "--rate", "50"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        (endpoint,) = orjson.loads(child.stdout.readline())["endpoints"]
        assert endpoint["ws_url"].endswith("/ws/api/v2")
        child.send_signal(number)
        assert child.wait(45) == 0
