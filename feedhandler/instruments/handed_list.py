"""A venue's list of instruments as the supervisor had it a moment ago, handed to the IO process.

Both ask the same, one after the other, and where a venue's budget is small the second one waits for
it. What is handed over stands in a file without a name, as the venue sent it. Each answer counts
once, and not for long.
"""

import os
from collections.abc import Mapping
from time import time_ns

import msgspec

from feedhandler.adapter.request import Request
from feedhandler.network.rest import Getter

FRESH_S = 15.0
MOST_BYTES = 64 << 20


class Answers(msgspec.Struct):
    """Bodies, by their requests, and when the first of them was asked for (unix ns)."""

    asked_ns: int = 0
    bodies: dict[str, bytes] = {}

    def __bool__(self) -> bool:
        return bool(self.bodies)


def _name(request: Request) -> str:
    params = (f"{key}={value}" for key, value in request.params.items())
    return "&".join([request.method, request.path, *params, request.body])


class Keeping:
    """A getter that keeps what it got."""

    def __init__(self, rest: Getter) -> None:
        self._rest = rest
        self.answers = Answers()

    async def get(self, request: Request) -> bytes:
        """See :class:`feedhandler.network.rest.Getter`."""
        self.answers.asked_ns = self.answers.asked_ns or time_ns()
        body = await self._rest.get(request)
        self.answers.bodies[_name(request)] = body
        return body


class Handed:
    """A getter that asks for nothing that it was handed."""

    def __init__(self, rest: Getter, answers: Answers) -> None:
        self._rest = rest
        self._answers = answers

    async def get(self, request: Request) -> bytes:
        """See :class:`feedhandler.network.rest.Getter`."""
        body = self._answers.bodies.pop(_name(request), None)
        if body is not None and time_ns() - self._answers.asked_ns < FRESH_S * 1e9:
            return body
        self._answers.bodies.clear()  # a list is of one time
        return await self._rest.get(request)


def write(answers: Answers) -> int:
    """A descriptor to read them from, the caller's to close; -1: there are none, or too many."""
    data = msgspec.msgpack.encode(answers) if answers else b""
    if not 0 < len(data) <= MOST_BYTES:
        return -1
    fd = os.memfd_create("feedhandler-list")
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def read(fd: int) -> Answers:
    """What was written, once; nothing where there is no descriptor, or nothing of sense in it."""
    if fd < 0:
        return Answers()
    try:
        with os.fdopen(fd, "rb") as file:
            return msgspec.msgpack.decode(file.read(), type=Answers)
    except (OSError, msgspec.DecodeError):
        return Answers()


Lists = Mapping[str, Answers]  #: by venue
