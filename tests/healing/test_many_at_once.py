"""What happens to many subscriptions or lists at once is done once for each, and fails for none."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import uvloop

from feedhandler import venues
from feedhandler.healing.subscription_watch import TRIAL_S, SubscriptionWatch, _Trial
from feedhandler.instruments.listing import Lister
from feedhandler.instruments.universe import CHANNEL
from shm import Reason


def test_a_list_that_is_asked_for_twice_at_once_is_asked_for_once() -> None:
    async def asked() -> None:
        lister = Lister(venues.load("okx"), cast(Any, None), ("*",), random.Random(1))
        for _ in range(3):
            lister.ask_within(-1.0, 0.0)  # a time that has passed
        lister.ask_within(500.0, 600.0)
        await asyncio.wait_for(lister._kick.wait(), 45.0)

    uvloop.run(asked())


def test_of_books_that_one_cut_takes_away_each_is_left_alone() -> None:
    cuts: list[str] = []
    connection = SimpleNamespace(row=0)
    rows = {row: SimpleNamespace(id=row, spec=SimpleNamespace(symbol=str(row))) for row in range(3)}
    watch = SubscriptionWatch(
        cast(Any, SimpleNamespace(by_id=rows)),
        cast(Any, None),
        lambda _: cast(Any, connection),
        lambda _: None,
    )

    def cut(reason: Reason, text: str) -> None:
        cuts.append(f"{reason.name} {text}")
        watch.down(cast(Any, connection))

    connection.cut = cut
    nothing = np.zeros((0, 2), np.int64)
    for row in rows:
        watch._keys[row, CHANNEL["book"]] = (cast(Any, connection), [str(row)])
        watch._trials[row] = _Trial(TRIAL_S, False, nothing, nothing)
    watch.poll(TRIAL_S + 1.0)
    assert cuts == ["SUBSCRIPTION 0: nothing came after a resubscription"]
