"""What the configuration says of one venue reaches what it is about."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from feedhandler.config.keys import VenueConfig
from feedhandler.healing.rhythm import RhythmOptions
from feedhandler.io_process.venue_feed import VenueFeed
from feedhandler.network.rest import Rest
from shm import segment
from tests.kit.facts import PaperVenue

CONFIG = VenueConfig(instruments=("A",), ws_url="ws://x", rest_url="http://x", directory_rows=4)


@pytest.mark.parametrize(
    ("floor", "ceiling", "bounds"),
    [(10.0, 600.0, (10.0, 600.0)), (2.0, 3.0, (2.0, 3.0)), (30.0, 20.0, (30.0, 30.0))],
)
def test_bounds_of_rhythms_are_those_of_the_configuration(
    namespace: str, floor: float, ceiling: float, bounds: tuple[float, float]
) -> None:
    async def main() -> None:
        with segment.create("paper", namespace=namespace, instruments=4, connections=64) as held:
            async with Rest("http://x", PaperVenue().limits) as rest:
                config = msgspec.structs.replace(
                    CONFIG, rhythm_floor_s=floor, rhythm_ceiling_s=ceiling
                )
                feed = VenueFeed(PaperVenue(), config, held.writer, rest)
                expected = RhythmOptions(floor_s=bounds[0], ceiling_s=bounds[1])
                assert feed.healing.watch.rhythm.options == expected

    asyncio.run(main())
