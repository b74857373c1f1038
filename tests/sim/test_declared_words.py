"""What declared venues say on a connection: acknowledgements, refusals, heartbeats, tokens."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import aiohttp
import orjson
import pytest

from feedhandler.adapter.declared import Topic, Topics, Words, words
from feedhandler.adapter.venue import ControlKind, Speaker
from feedhandler.sim.venues.binance_streams import StreamsServer
from feedhandler.sim.venues.declared.words import Talk
from tests.sim.declared_reader import OURS, Reader, listed, reading, run, served
from tests.sim.declared_unnumbered import Counted
from tests.sim.declared_venues import VENUES
from tests.sim.harness import Sim

every = pytest.mark.parametrize("name", [*VENUES, *OURS])
REFUSED = (ControlKind.REJECTED, ControlKind.ERROR, ControlKind.SPOILED)


async def keys_of(sim: Sim, reader: Reader, count: int = 2) -> list[str]:
    """Of trades: nothing but what is said comes with them."""
    specs = {one.symbol: one for one in await listed(sim, reader.venue)}
    symbols = list(sim.server.market.instruments)[:count]
    keys = [key for one in symbols for key in reader.venue.keys(specs[one], ["trades"])]
    trades = (key for key in keys if reader.venue.key_symbols(key)[0] == "trades")
    return list(dict.fromkeys(trades))  # one may be of several instruments


async def until(reader: Reader, kinds: tuple[ControlKind, ...], keys: list[str]) -> None:
    """Read until this was said of all the keys."""
    waiting = set(keys)
    while waiting:
        await reader.take()
        for kind, named in reader.controls:
            waiting -= set(named) if kind in kinds else set()


async def nothing_comes(sim: Sim, reader: Reader, updates: int = 200) -> None:
    """The market moves, and the next message is the answer to a question."""
    await sim.step(updates)
    beat = reader.venue.heartbeat
    if beat.speaker in (Speaker.CLIENT_JSON, Speaker.CLIENT_TEXT):
        await reader.send(words.reply(beat.ping, {}))
        said: list[ControlKind] = []
        while ControlKind.PONG not in said:  # the venue's own question may come before
            controls = reader.venue.control((await reader.text()).encode(), {})
            said += [control.kind for control in controls]
            assert set(said) <= {ControlKind.PONG, ControlKind.ASKED}, said
            assert controls
    else:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.text(), 0.2)


def lists_what_is_left(reader: Reader) -> bool:
    """In place of an answer to who has left."""
    answers = reader.venue.words.answers
    acks = [one for one in answers if one.kind is ControlKind.ACK]
    ended = any(one.kind is ControlKind.UNSUBSCRIBED for one in answers)
    return not ended and not any("$id" in one.sample for one in acks)


@every
def test_a_subscription_is_acknowledged_and_ended(name: str) -> None:
    async def main() -> None:
        async with served(name) as sim, reading(sim, "trades") as reader:
            keys = await keys_of(sim, reader)
            await reader.subscribe(keys)
            await until(reader, (ControlKind.ACK,), keys)
            await sim.step(200)
            while not any(said.trades or said.kind == "unread" for said in reader.said):
                await reader.take()
            await reader.quiet()
            reader.controls.clear()
            await reader.leave(keys)
            if lists_what_is_left(reader):
                while (ControlKind.ACK, ()) not in reader.controls:
                    await reader.take()
            else:
                await until(reader, (ControlKind.UNSUBSCRIBED,), keys)
            await nothing_comes(sim, reader)
            assert not any(client.channels for client in sim.server.clients)

    run(main())


@every
def test_an_unknown_instrument_is_refused_and_the_others_are_not(name: str) -> None:
    async def main() -> None:
        async with served(name) as sim, reading(sim, "trades") as reader:
            good, *_ = await keys_of(sim, reader, 1)
            symbol = reader.venue.key_symbols(good)[1]
            written = symbol if symbol in good else symbol.lower()
            bad = good.replace(written, written.replace("BTC", "ZZZ").replace("btc", "zzz"))
            bad = bad.replace("XBT", "ZZZ")
            await reader.subscribe([bad])
            if isinstance(sim.server, StreamsServer):  # it acknowledges all that has a name
                await until(reader, (ControlKind.ACK,), [bad])
            while not any(kind in REFUSED or bad in keys for kind, keys in reader.controls):
                await reader.take()
            await reader.subscribe([good])
            await until(reader, (ControlKind.ACK,), [good])
            (client,) = sim.server.clients
            assert client.channels == {good}

    run(main())


@every
def test_faults_of_requests(name: str) -> None:
    """Refused once, unacknowledged once, late once, deaf once; then all is well."""

    async def main() -> None:
        async with served(name) as sim, reading(sim, "trades") as reader:
            key, *_ = await keys_of(sim, reader, 1)
            symbol = reader.venue.key_symbols(key)[1]
            one = symbol in sim.server.market.instruments
            about = {"symbol": symbol} if one else {"channel": key}
            await sim.fault("error_reply", **about, count=1, message="slow down", code=429)
            await reader.subscribe([key])
            while not any(kind in REFUSED for kind, _ in reader.controls):
                await reader.take()
            number = await sim.fault("lost_ack", **about, count=1, subscribed=False)
            await reader.subscribe([key])
            assert (await sim.ended(number))["hits"] == 1
            number = await sim.fault("late_ack", channel=key, count=1, ms=50)
            await reader.subscribe([key])
            assert (await sim.ended(number))["hits"] == 1
            await until(reader, (ControlKind.ACK,), [key])
            await reader.leave([key])
            number = await sim.fault("dumb", **about, count=1)
            await reader.subscribe([key])
            assert (await sim.ended(number))["hits"] == 1
            await sim.step(200)
            (client,) = sim.server.clients
            assert client.channels == {key}
            assert not sim.server.wants(key)

    run(main())


def test_a_request_is_refused_whole_in_words_that_name_none() -> None:
    async def main() -> None:
        async with served("made-ranged") as sim, reading(sim) as reader:
            keys = await keys_of(sim, reader)
            number = await sim.fault("spoiled", channel=keys[1], count=1, message="odd")
            await reader.subscribe(keys)
            while not reader.controls:
                await reader.take()
            assert reader.controls[0][0] in REFUSED
            assert (await sim.told(number))["hits"] == 1
            await reader.subscribe(keys)
            await until(reader, (ControlKind.ACK,), keys)

    run(main())


def test_a_connection_needs_a_token_of_its_own() -> None:
    async def main() -> None:
        async with served("made-ranged") as sim:
            url = sim.base.replace("http", "ws", 1) + sim.server.ws_path
            token = await _token(sim)
            for query, status in (("", 401), ("?token=made-up", 401), (f"?token={token}", 0)):
                assert await _refused(sim, url + query) == status
            assert await _refused(sim, f"{url}?token={token}") == 401  # it was for one connection

    run(main())


async def _token(sim: Sim) -> str:
    async with sim.session.post(sim.base + "/api/token") as answer:
        return str(orjson.loads(await answer.read())["data"]["token"])


async def _refused(sim: Sim, url: str) -> int:
    try:
        async with sim.session.ws_connect(url) as raw:
            assert orjson.loads(await raw.receive_str())["type"] == "welcome"
            return 0
    except aiohttp.WSServerHandshakeError as error:
        return error.status


def test_the_server_asks_and_cuts_who_does_not_answer() -> None:
    async def main() -> None:
        async with served("made-asked", heartbeat_scale=0.01) as sim, reading(sim) as reader:
            for _ in range(4):
                question: dict[str, Any] = orjson.loads(await reader.text())
                (control,) = reader.venue.control(orjson.dumps(question), {})
                assert control.kind is ControlKind.ASKED
                await reader.send(control.reply)
            while True:
                message = await asyncio.wait_for(reader.raw.receive(), 45)
                if message.type is not aiohttp.WSMsgType.BINARY:
                    break
            assert reader.raw.close_code == 1008

    run(main())


def test_a_silent_client_is_cut() -> None:
    async def main() -> None:
        async with served("made-windowed", heartbeat_scale=0.01) as sim, reading(sim) as reader:
            for _ in range(3):
                await asyncio.sleep(0.05)
                await reader.send('{"op":"ping","with":[]}')
                assert orjson.loads(await reader.text()) == {"op": "pong"}
            message = await asyncio.wait_for(reader.raw.receive(), 45)
            assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE)

    run(main())


def test_a_request_is_read_by_the_template_of_its_own_channel() -> None:
    """Templates that print alike, and have keys for one channel where others have symbols."""
    said = '{"event":"subscribe","channel":"$channel","payload":%s}'

    class Alike(Counted):
        name = "alike"
        topics: ClassVar = {
            "book": Topic("ob.$symbol", word="obu", subscribe=said % "$keys"),
            "trades": Topic("trades:$symbol", word="trades"),
        }
        words = Words(said % "$symbols", '{"event":"leave","payload":$keys}')

    venue = Alike()
    talk = Talk(venue, Topics(venue.name, venue.topics))
    for keys in (["ob.A", "ob.B"], ["trades:A", "trades:B"]):
        wish = talk.read(venue.subscribe(keys, 1))
        assert wish is not None
        assert wish.keys == keys
