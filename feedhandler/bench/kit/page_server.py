"""The page of a namespace without its supervisor, and viewers of it, each a process of its own.

`python -m feedhandler.bench.kit.page_server serve NAMESPACE` says "ready PORT" once it listens;
`... look PORT QUERY...` says "ready" once the first event of each query has come.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import ClientSession, ClientTimeout

from feedhandler.supervisor.status_http import StatusServer
from feedhandler.view.status import namespace_status


async def serve(namespace: str) -> None:
    """Until it is ended."""
    server = StatusServer("127.0.0.1:0", lambda: namespace_status(namespace))
    await server.start()
    print("ready", server.port, flush=True)
    await asyncio.Event().wait()


async def look(port: str, *queries: str) -> None:
    """As a browser does: takes what comes, and connects again when it was cut off."""
    left = asyncio.Semaphore(0)

    async def one(session: ClientSession, query: str) -> None:
        while True:
            async with session.get(f"http://127.0.0.1:{port}/events?{query}") as answer:
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        left.release()
            await asyncio.sleep(1.0)

    async with (
        ClientSession(timeout=ClientTimeout(total=None), read_bufsize=1 << 20) as session,
        asyncio.TaskGroup() as tasks,
    ):
        for query in queries:
            tasks.create_task(one(session, query))
        for _ in queries:
            await left.acquire()
        print("ready", flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[2]) if sys.argv[1] == "serve" else look(*sys.argv[2:]))
