"""Faults in the life of a connection, as a client sees them."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import aiohttp
import orjson
import pytest

from feedhandler.sim.config import UNRESOLVABLE_HOST
from tests.sim.dialects import DIALECTS, OKX, Dialect, Follower, broken, every_venue
from tests.sim.harness import DEADLINE, Sim, needs_openssl, venue
from tests.sim.raw import raw


def test_drop_is_a_reset_a_fin_or_a_close_frame() -> None:
    async def main() -> None:
        async with venue("okx") as sim:
            async with raw(sim) as client:
                await sim.fault("drop")
                with pytest.raises(ConnectionResetError):
                    await client.read()
            async with raw(sim) as client:
                await sim.fault("drop", how="fin")
                assert await client.read() == b""
            async with raw(sim) as client:
                await sim.fault("drop", how="close", close_code=4321)
                assert await client.frame() == (True, 8, (4321).to_bytes(2, "big"))

    asyncio.run(main())


def test_drop_of_some_takes_the_oldest() -> None:
    async def main() -> None:
        async with venue("deribit") as sim, raw(sim) as first, raw(sim) as second:
            number = await sim.fault("drop", count=1)
            with pytest.raises(ConnectionResetError):
                await first.read()
            assert (await sim.told(number))["hits"] == 1
            second.send(b"x", opcode=9)
            assert await second.frame() == (True, 10, b"x")

    asyncio.run(main())


@every_venue
def test_half_open_says_nothing_and_answers_nothing_but_stays_open(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = Follower(speak, sim, socket)
            await book.subscribe()
            number = await sim.fault("half_open")
            await sim.step(200)
            await socket.send(speak.question(5))
            await socket.raw.ping(b"there?")
            # A connection made meanwhile is a good one, and its messages come after the others'.
            async with sim.socket(autoping=False) as fresh:
                other = Follower(speak, sim, fresh)
                await other.subscribe()
                await other.moved()
            assert (await sim.told(number))["hits"] == 1
            await sim.fault("none")
            assert (await socket.frame()).type in (
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
            )

    asyncio.run(main())


def test_half_open_can_go_for_new_connections_too() -> None:
    async def main() -> None:
        async with venue("okx") as sim:
            number = await sim.fault("half_open", new=True)
            async with raw(sim) as client:
                client.send(b"ping")
                assert (await sim.told(number))["hits"] == 1
                await sim.fault("none", id=number)
                with pytest.raises(ConnectionResetError):
                    await client.read()

    asyncio.run(main())


@every_venue
def test_silence_of_data_leaves_requests_and_pings_answered(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket(autoping=False) as socket:
            book = Follower(speak, sim, socket)
            await book.subscribe()
            await book.moved()
            last = book.last
            await sim.fault("silence", heartbeats=True)
            await sim.step(100)
            await sim.post("/sim/pause")
            await book.quiet()
            await socket.raw.ping(b"there?")
            assert (await socket.frame()).type is aiohttp.WSMsgType.PONG
            # What was not sent is lost: the next message says so.
            await sim.fault("none")
            assert broken(await book.moved(), last) == 1

    asyncio.run(main())


@every_venue
@pytest.mark.parametrize("key", ["symbol", "channel"])
def test_silence_of_one_subscription_leaves_the_others(speak: Dialect, key: str) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            dead = Follower(speak, sim, socket)
            await dead.subscribe()
            lively = Follower(speak, sim, socket, speak.other)
            await lively.subscribe()
            name = speak.symbol if key == "symbol" else speak.channel(speak.symbol)
            number = await sim.fault("silence", **{key: name})
            await sim.step(200)
            await sim.post("/sim/pause")
            target = (await sim.truth(speak.other))[0]
            while lively.place < target:
                message = await socket.json()
                assert speak.book(message, speak.symbol) is None
                if (event := speak.book(message, speak.other)) is not None:
                    lively.last, lively.place = event.sequence, event.at
            assert (await sim.told(number))["hits"] > 0
            await sim.fault("none")
            assert len(await dead.moved()) > 0

    asyncio.run(main())


@every_venue
def test_pings_stay_unanswered(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket(autoping=False) as socket:
            number = await sim.fault("no_pong")
            await socket.raw.ping(b"there?")
            if speak.own_ping is not None:
                await socket.raw.send_str(speak.own_ping)
            await Follower(speak, sim, socket).quiet()
            assert (await sim.told(number))["hits"] == (2 if speak.own_ping else 1)
            await sim.fault("none")
            await socket.raw.ping(b"there?")
            assert (await socket.frame()).type is aiohttp.WSMsgType.PONG

    asyncio.run(main())


@every_venue
def test_shutdown_is_announced_and_then_happens_to_those_who_were_told(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as old:
            began = time.monotonic()
            await sim.fault("shutdown", close_after=0.2, close_code=1012)
            if speak.shutdown_notice is not None:
                assert speak.shutdown_notice in await old.text()
            async with sim.socket() as new:
                assert await old.closed() == 1012
                assert time.monotonic() - began >= 0.2
                await Follower(speak, sim, new).quiet()

    asyncio.run(main())


def test_lifetime_cuts_at_an_age() -> None:
    async def main() -> None:
        async with venue("binance") as sim:
            number = await sim.fault("lifetime", age=0.2)
            for _ in range(2):
                began = time.monotonic()
                async with sim.socket() as socket:
                    assert await socket.closed() == 1001
                assert time.monotonic() - began >= 0.19
            assert (await sim.told(number))["hits"] == 2

    asyncio.run(main())


def test_refused_connections_and_the_same_port_afterwards() -> None:
    async def main() -> None:
        async with venue("deribit") as sim, sim.socket() as old:
            number = await sim.fault("refuse", seconds=0.2)
            await Follower(DIALECTS[0], sim, old).quiet()
            told = await sim.ended(number)
            assert told["ended_ns"] - told["began_ns"] >= 0.2e9
            async with asyncio.timeout(DEADLINE):
                while True:
                    try:
                        async with sim.socket() as socket:
                            await Follower(DIALECTS[0], sim, socket).quiet()
                        break
                    except aiohttp.ClientConnectorError:
                        await asyncio.sleep(0.005)
            # On demand, the port is as ordered when the order is answered.
            await sim.fault("refuse")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", sim.port)
            await sim.fault("none")
            async with raw(sim):
                pass

    asyncio.run(main())


@pytest.mark.parametrize("name", ["okx", "binance"])
def test_upgrade_is_answered_with_an_error(name: str) -> None:
    """Also where answers over HTTP get headers of their own."""

    async def main() -> None:
        async with venue(name) as sim:
            for status, after in ((429, 7), (403, None), (503, None)):
                more = {} if after is None else {"retry_after": after}
                await sim.fault("upgrade_error", status=status, count=1, **more)
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    async with sim.socket():
                        pass
                assert caught.value.status == status
                assert caught.value.headers is not None
                assert caught.value.headers.get("Retry-After") == (after and str(after))
                async with sim.socket() as socket:
                    assert not socket.raw.closed

    asyncio.run(main())


def test_handshake_comes_in_drips_and_never_ends() -> None:
    async def main() -> None:
        async with venue("binance") as sim:
            number = await sim.fault("slow_handshake", ms=2)
            async with raw(sim, upgraded=False) as client:
                found = b""
                while len(found) < 200:
                    piece = await client.read()
                    assert 0 < len(piece) < 100
                    found += piece
                assert found.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
                assert b"\r\n\r\n" not in found
                assert (await sim.told(number))["hits"] == 1
                await sim.get(OKX.rest_time.replace("v5/public", "v3"))
                await sim.fault("none")
                with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                    await client.reader.readuntil(b"\r\n\r\n")
            async with raw(sim):
                pass

    asyncio.run(main())


async def _tls_error(sim: Sim) -> aiohttp.ClientError:
    trusted = ssl.create_default_context(cafile=sim.server.ca_file)
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        async with sim.session.ws_connect(sim.base + sim.server.ws_path, ssl=trusted):
            pass
    return caught.value


@needs_openssl
def test_tls_with_a_good_certificate_and_with_bad_ones() -> None:
    async def main() -> None:
        async with venue("okx", tls=True) as sim:
            trusted = ssl.create_default_context(cafile=sim.server.ca_file)
            url = sim.base + sim.server.ws_path
            async with sim.session.ws_connect(url, ssl=trusted) as kept:
                for certificate, text in (
                    ("expired", "certificate has expired"),
                    ("wrong_host", "IP address mismatch"),
                    ("untrusted", "unable to get local issuer"),
                    ("refused", "handshake failure"),
                ):
                    await sim.fault("tls", certificate=certificate)
                    assert text in str(await _tls_error(sim)).replace("HANDSHAKE_F", "handshake f")
                    await kept.send_str("ping")
                    assert (await kept.receive()).data == "pong"
                await sim.fault("none")
                async with sim.session.ws_connect(url, ssl=trusted) as socket:
                    await socket.send_str("ping")
                    assert (await socket.receive()).data == "pong"
                await sim.fault("drop")
                assert (await kept.receive()).type in (
                    aiohttp.WSMsgType.CLOSED,
                    aiohttp.WSMsgType.ERROR,
                )
        left.append(Path(sim.server.ca_file))

    left: list[Path] = []
    asyncio.run(main())
    assert not left[0].exists()
    assert not left[0].parent.exists()


def test_freeze_stops_the_whole_server_for_a_time() -> None:
    async def main() -> None:
        async with venue("deribit") as sim:
            told = await sim.ended(await sim.fault("freeze", ms=150))
            assert told["ended_ns"] - told["first_ns"] >= 150e6

    asyncio.run(main())


def test_control_answers_while_the_venue_does_not() -> None:
    async def main() -> None:
        async with venue("binance") as sim:
            await sim.fault("refuse")
            await sim.fault("rest_error", status=403)
            assert (await sim.get("/sim/stats"))["faults_in_force"] == 2
            await sim.fault("none")
            assert (await sim.get("/sim/stats"))["faults_in_force"] == 0
            # The port of the venue serves it too, for clients that know only one.
            async with sim.session.get(sim.base + "/sim/stats") as answer:
                assert orjson.loads(await answer.read())["venue"] == "binance"

    asyncio.run(main())


def test_the_unresolvable_host_does_not_resolve() -> None:
    async def main() -> None:
        with pytest.raises(OSError):  # noqa: PT011
            await asyncio.get_running_loop().getaddrinfo(UNRESOLVABLE_HOST, 443)

    asyncio.run(main())
