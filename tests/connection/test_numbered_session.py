"""A venue that numbers what it sends on a connection: a hole ends its session."""

import asyncio
import uuid
from typing import Any

from aiohttp import web

from feedhandler.adapter.engine import make_engine
from feedhandler.connection.connection import Connection
from feedhandler.connection.owner import Settings
from shm import Reason
from shm.segment import create
from tests.engine import seams
from tests.kit.connected import Owner
from tests.kit.facts import PaperVenue
from tests.kit.patience import DEADLINE_S
from tests.network.test_rest import served


class NumberedVenue(PaperVenue):
    decoder = seams.decoder()


def test_a_hole_in_the_numbers_ends_the_session() -> None:
    sessions: list[web.WebSocketResponse] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sessions.append(socket)
        async for message in socket:
            await socket.send_json({"n": 40, "id": message.json()["id"]})
            await socket.send_json({"n": 41, "id": 0})
            if len(sessions) == 1:  # 42 is missing
                await socket.send_json({"n": 43, "id": 0})
        return socket

    async def until(holds: Any, changed: asyncio.Event) -> None:
        while not holds():
            changed.clear()
            await changed.wait()

    async def main() -> None:
        owner = Owner()
        async with served(handler) as url:
            with create("paper", namespace=f"t{uuid.uuid4().hex[:12]}", connections=1) as held:
                native = make_engine(NumberedVenue(), held.writer).connection(0)
                settings = Settings(url.replace("http", "ws"))
                keys = ["book:A"]
                connection = Connection(0, NumberedVenue(), keys, native, owner, settings)
                connection.start()
                try:
                    async with asyncio.timeout(DEADLINE_S):
                        await owner.backoff.wait()
                        said = "message 42 is missing: message 43 came in its place; next try in "
                        assert connection.detail.startswith(said)
                        assert owner.down == [Reason.GAP]
                        await until(lambda: owner.acknowledged == 2 * keys, owner.changed)
                    assert native.hole == (42, 43)
                finally:
                    await connection.stop()

    asyncio.run(main())
