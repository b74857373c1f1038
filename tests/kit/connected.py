"""One real connection to a server of the test's own, and what it told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.venue import Stated, Venue
from feedhandler.connection.connection import Connection
from feedhandler.connection.owner import Settings
from feedhandler.connection.state import ConnectionState
from feedhandler.engine import _engine
from feedhandler.healing.part_runner import PartRunner
from shm import Reason
from shm.segment import create
from tests.kit.patience import DEADLINE_S


class Owner:
    """Notes what it is told: every state with its reason and detail, and what the venue took."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self.states: list[ConnectionState] = []
        self.down: list[Reason] = []
        self.malformed = 0
        self.changed = asyncio.Event()
        self.backoff = asyncio.Event()

    def on_attention(self) -> None: ...
    def on_malformed(self, connection: Connection) -> None:  # noqa: ARG002
        self.malformed += 1

    def replace(self, connection: Connection, why: str) -> bool:  # noqa: ARG002
        return False

    def on_round_trip(self, connection: Connection, nanoseconds: int) -> None: ...
    def on_stated(self, stated: Iterable[Stated]) -> None: ...
    def on_relisted(self) -> None: ...
    def on_rejected(self, connection: Connection, keys: Sequence[str], text: str) -> None: ...
    def on_unanswered(self, connection: Connection, keys: Sequence[str]) -> None: ...

    async def keep_running(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        await PartRunner().keep_running(part, run)

    def speaks(self, *_: object) -> bool:
        return False

    def on_state(self, connection: Connection) -> None:
        self.states.append(connection.state)
        if connection.state is ConnectionState.BACKOFF:
            self.backoff.set()

    def on_down(self, connection: Connection, reason: Reason) -> None:  # noqa: ARG002
        self.down.append(reason)
        self.changed.set()

    def on_acknowledged(self, connection: Connection, keys: Sequence[str]) -> None:  # noqa: ARG002
        self.acknowledged += keys
        self.changed.set()

    def instrument(self, key: str) -> int | None:  # noqa: ARG002
        return None

    def in_step(self, connection: Connection) -> bool:  # noqa: ARG002
        return True


class Connected:
    """A connection that was started."""

    def __init__(self, connection: Connection, engine: _engine.Engine, owner: Owner) -> None:
        self.connection = connection
        self.engine = engine
        self.owner = owner

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait for it, or say what it was that did not come, and where the connection is."""
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while not condition():
            if asyncio.get_running_loop().time() > end:
                at = self.connection
                raise AssertionError(f"not {what}: {at.state.name} {at.reason.name} {at.detail!r}")
            await asyncio.sleep(0.005)

    async def until_said(self, text: str) -> None:
        """Wait until the detail has this in it."""
        await self.until(lambda: text in self.connection.detail, f"said: {text}")


@asynccontextmanager
async def connected(
    venue: Venue, settings: Settings, keys: Sequence[str] = ("book:A",)
) -> AsyncIterator[Connected]:
    """A connection, started, in shared memory of its own."""
    owner = Owner()
    with create(venue.name, namespace=f"t{uuid.uuid4().hex[:12]}", connections=1) as held:
        engine = make_engine(venue, held.writer, auto_add=True)
        connection = Connection(0, venue, keys, engine.connection(0), owner, settings)
        connection.start()
        try:
            yield Connected(connection, engine, owner)
        finally:
            await connection.stop()
