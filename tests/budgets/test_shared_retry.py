"""One connection asks often for a host that is gone; when it is back, all come at once."""

from __future__ import annotations

import asyncio

from feedhandler.budgets.backoff import Backoff
from feedhandler.budgets.shared_retry import PROBE_S, Reach, Retry


def retry(reach: Reach, stopped: asyncio.Event) -> Retry:
    return Retry(Backoff(0.5, 64.0, floor=1.0), reach, stopped)


def test_one_asks_often_and_the_others_come_when_it_got_through() -> None:
    async def main() -> None:
        reach, stopped = Reach(), asyncio.Event()
        first, second, third = (retry(reach, stopped) for _ in range(3))
        delays = [[each.after(0.0, True, 0.0) for each in (first, second, third)] for _ in range(8)]
        assert [row[0] for row in delays] == [0.5, 1, *[PROBE_S] * 6]
        assert [row[1] for row in delays] == [row[2] for row in delays]
        assert delays[-1][1] == 64.0
        waits = [asyncio.create_task(each.wait(3600)) for each in (second, third)]
        await asyncio.sleep(0)
        first.got_through()
        await asyncio.wait_for(asyncio.gather(*waits), 45)
        assert third.after(0.0, True, 0.0) <= PROBE_S  # a new search begins

    asyncio.run(main())


def test_who_found_somebody_or_is_stopped_leaves_the_search_to_others() -> None:
    async def main() -> None:
        reach, stopped = Reach(), asyncio.Event()
        first, second = (retry(reach, stopped) for _ in range(2))
        for _ in range(8):
            first.after(0.0, True, 0.0)
            second.after(0.0, True, 0.0)
        assert first.after(0.0, False, 7.0) == 7.0  # refused, with a Retry-After
        assert second.after(0.0, True, 0.0) == PROBE_S
        second.over()
        assert first.after(0.0, True, 0.0) == PROBE_S
        wait = asyncio.create_task(first.wait(3600))
        await asyncio.sleep(0)
        stopped.set()
        await asyncio.wait_for(wait, 45)

    asyncio.run(main())
