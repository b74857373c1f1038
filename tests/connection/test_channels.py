"""Keys that a venue names by numbers: they are bound, left by them, and forgotten in time."""

from __future__ import annotations

import json
from typing import cast

from feedhandler.connection.channels import Channels
from feedhandler.connection.subscriptions import Subscriptions
from feedhandler.engine._engine import Connection as Native
from tests.adapter.declared_venues import Taught

BOOK, TRADES = "book.100.tBTCUSD", "trades.tBTCUSD"


class Bound:
    """What the engine would know."""

    def __init__(self) -> None:
        self.channels: dict[int, tuple[int, str]] = {}

    def bind(self, channel: int, instrument: int, word: str) -> None:
        self.channels[channel] = instrument, word

    def unbind(self, channel: int) -> None:
        self.channels.pop(channel, None)


def test_numbers_are_bound_by_instrument_and_word() -> None:
    venue, bound = Taught(), Bound()
    subscriptions = Subscriptions(venue, (BOOK, TRADES, "trades.tNOBODY"), now=0.0)
    instruments = {BOOK: 3, TRADES: 3}
    channels = Channels(venue, cast(Native, bound), subscriptions, instruments.get)
    for number, key in ((71, BOOK), (72, TRADES)):
        assert subscriptions.next_message(1.0)
        channels.taught([key], number)
        subscriptions.acknowledged([key], 1.0)
    channels.taught(["trades.tNOBODY"], 73)
    assert bound.channels == {71: (3, "book"), 72: (3, "trades")}

    subscriptions.remove([BOOK])
    message = subscriptions.next_message(2.0)
    assert message is not None
    assert json.loads(message.text) == {"event": "unsubscribe", "chanId": 71}
    (answer,) = venue.control(b'{"event":"unsubscribed","status":"OK","chanId":71}', {})
    channels.left(answer.channel)
    assert bound.channels == {72: (3, "trades")}

    subscriptions.new_session(3.0)  # the numbers of the one before say nothing
    assert subscriptions.next_message(4.0)
    subscriptions.remove([TRADES, "trades.tNOBODY"])
    assert subscriptions.next_message(5.0) is None


def test_what_is_given_up_before_it_has_a_number_is_left_as_soon_as_it_has() -> None:
    venue, bound = Taught(), Bound()
    subscriptions = Subscriptions(venue, (BOOK,), now=0.0)
    channels = Channels(venue, cast(Native, bound), subscriptions, {BOOK: 3}.get)
    assert subscriptions.next_message(1.0)
    subscriptions.remove([BOOK])
    assert subscriptions.next_message(1.5) is None
    channels.taught([BOOK], 71)
    message = subscriptions.next_message(2.0)
    assert message is not None
    assert json.loads(message.text) == {"event": "unsubscribe", "chanId": 71}
