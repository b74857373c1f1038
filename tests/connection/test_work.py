"""Waiting for work in a process that stands still."""

from __future__ import annotations

import asyncio
import socket
import time

from feedhandler.connection.work import wait_for_work


def test_what_came_while_the_process_stood_still_is_read_first() -> None:
    """It stands still between the look at the sockets and that at the clock."""

    async def main() -> None:
        loop, read = asyncio.get_running_loop(), list[bytes]()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            loop.add_reader(ours, lambda: read.append(ours.recv(10)))

            def stand_still() -> None:
                theirs.send(b"x")
                time.sleep(1.2)

            kick = asyncio.Event()
            loop.call_soon(stand_still)
            loop.call_soon(kick.set)  # before the loop looks at its sockets again
            await wait_for_work(kick, 0.1)
            assert read
            loop.remove_reader(ours)

    asyncio.run(main())
