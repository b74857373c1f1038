"""So many processes start at a time, and one that does not get on holds nobody up."""

from __future__ import annotations

import asyncio

from feedhandler.supervisor.starts import Starts


def test_turns_are_so_many_and_go_to_who_waits() -> None:
    async def main() -> list[tuple[str, int]]:
        starts, never = Starts(2), asyncio.Event()
        running, seen = 0, []

        async def one(name: str) -> None:
            nonlocal running
            assert await starts.turn(never)
            running += 1
            seen.append((name, running))
            await asyncio.sleep(0)
            running -= 1
            starts.done()

        async with asyncio.timeout(45), asyncio.TaskGroup() as group:
            for name in "abcdefg":
                group.create_task(one(name))
        return seen

    seen = asyncio.run(main())
    assert sorted(name for name, _ in seen) == list("abcdefg")
    assert max(running for _, running in seen) == 2


def test_who_gives_up_takes_no_turn() -> None:
    async def main() -> None:
        starts, stopped = Starts(1), asyncio.Event()
        assert await starts.turn(asyncio.Event())
        waiting = asyncio.create_task(starts.turn(stopped))
        await asyncio.sleep(0)
        stopped.set()
        async with asyncio.timeout(45):
            assert not await waiting
            starts.done()
            assert await starts.turn(asyncio.Event())

    asyncio.run(main())
