"""Each topic that a venue declares has frames in its simulator: none is acknowledged and silent."""

from __future__ import annotations

import pytest

from feedhandler import venues
from feedhandler.adapter.declared import DeclaredVenue, Topics
from feedhandler.shape import Frame
from feedhandler.sim.venues.declared.channels import Channels
from tests.sim.declared_venues import VENUES

#: another word for what comes on a topic of its own; of a type, which no frame's channel says
SILENT = {"optionOpenInterest", "liquidation-orders:SWAP", "liquidation-orders:FUTURES"}


@pytest.mark.parametrize("name", venues.names())
def test_something_comes_on_every_topic(name: str) -> None:
    declared = venues.load(name)
    assert isinstance(declared, DeclaredVenue)
    topics = Topics(name, declared.topics)
    channels, kinds = Channels(declared, topics), {frame.kind for frame in declared.frames}
    told = (those for channel, those in topics.by_channel.items() if channel != "status")
    silent = {
        topic.name
        for those in told
        for topic in those
        if not channels.frames(topics.by_word[topic.name], *kinds)
    }
    assert silent <= SILENT


def test_a_frame_that_says_how_many_levels_says_it_where_none_are_sold() -> None:
    topics = Topics("it", {"book": "book.$symbol"})
    declared = VENUES["made-chained"]()
    vars(declared)["frames"] = (
        Frame(
            "snapshot",
            '{"topic":"book.$symbol","depth":$window,"b":$bids,"a":$asks,"u":$final}',
            level='["$price","$size"]',
        ),
    )
    channel = Channels(declared, topics).read("book.BTC-USDT")
    assert channel is not None
    assert channel.levels == declared.depth
    assert channel.said["window"] == str(declared.depth)
