"""Between the supervisor and its IO processes: JSON lines over a socket that is the child's stdin.

The first line is the order to start with; every later one is a question, with an answer of one
line. Questions are {"id", "do", ...}; an answer repeats the id, and has "error" when it is refused.
"""

import asyncio
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

_LINE_BYTES = 64 << 20
_PEEK_BYTES = 1 << 16

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class ChannelClosed(ConnectionError):  # noqa: N818
    """The other end is gone."""


class Channel:
    """The supervisor's end: one question at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()
        self._asked = 0

    @classmethod
    async def open(cls, ours: socket.socket, order: bytes) -> "Channel":
        """Send the order; `ours` is the channel's to close from now on."""
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_LINE_BYTES)
        writer.write(order + b"\n")
        return cls(reader, writer)

    async def ask(self, question: Mapping[str, Any], within_s: float) -> dict[str, Any]:
        """Raises :class:`ChannelClosed`, TimeoutError."""
        async with self._turn, asyncio.timeout(within_s):
            self._asked += 1
            try:
                self._writer.write(orjson.dumps({**question, "id": self._asked}) + b"\n")
                await self._writer.drain()
                while line := await self._reader.readline():
                    answer: dict[str, Any] = orjson.loads(line)
                    if answer.pop("id", None) == self._asked:  # else one that we gave up on
                        return answer
            except (OSError, ValueError) as error:
                raise ChannelClosed(f"the IO process does not answer: {error}") from None
        raise ChannelClosed("the IO process ended meanwhile")

    def close(self) -> None:
        """Say no more."""
        self._writer.close()


def read_order(fd: int = 0) -> tuple[bytes, socket.socket | None]:
    """The order of an IO process, and the channel if its stdin is one; a pipe is read to its end.

    Raises EOFError if there is none.
    """
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        with os.fdopen(os.dup(fd), "rb") as pipe:
            return pipe.read(), None
    channel = socket.socket(fileno=os.dup(fd))
    line = b""
    while not line.endswith(b"\n"):
        seen = channel.recv(_PEEK_BYTES, socket.MSG_PEEK)
        if not seen:
            channel.close()
            raise EOFError("no order came")
        end = seen.find(b"\n") + 1 or len(seen)  # what comes after it stays for `serve`
        line += channel.recv(end)
    return line, channel


async def serve(channel: socket.socket, answer: Answer) -> None:
    """The IO process's end, until the supervisor closes it. What `answer` raises is told."""
    channel.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=channel, limit=_LINE_BYTES)
    try:
        while line := await reader.readline():
            question = orjson.loads(line)
            try:
                reply = await answer(question)
            except Exception as error:  # no question may end the feed
                reply = {"error": f"{type(error).__name__}: {error}"}
            writer.write(orjson.dumps({**reply, "id": question.get("id")}) + b"\n")
            with suppress(ConnectionError):
                await writer.drain()
    except (OSError, ValueError):
        pass  # the supervisor is gone: that is seen elsewhere
    finally:
        writer.close()
