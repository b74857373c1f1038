"""A look at a connection's keys costs as much as there is to do, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feedhandler.adapter.venue import Limits
from feedhandler.connection.subscription_key import Key, KeyState
from feedhandler.connection.subscriptions import ACK_TIMEOUT_S, Subscriptions
from tests.kit.facts import PaperVenue

MANY = 10_000


class Looks(dict[str, Key]):
    """Counts the keys that are looked at."""

    count = 0

    def __getitem__(self, name: str) -> Key:
        self.count += 1
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.count += 1
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.count += len(self)
        return super().__iter__()

    def items(self) -> Any:
        self.count += len(self)
        return super().items()

    def values(self) -> Any:
        self.count += len(self)
        return super().values()


def acknowledged(now: float) -> tuple[Subscriptions, Looks]:
    """All of many keys, acknowledged."""
    venue = PaperVenue(Limits(keys_per_message=500))
    book = Subscriptions(venue, [f"book:{n}" for n in range(MANY)], now)
    while (message := book.next_message(now)) is not None:
        book.acknowledged(message.keys, now)
    assert book.counts().live == MANY
    looks = book._index.keys = Looks(book._index.keys)
    return book, looks


def look(book: Subscriptions, now: float) -> None:
    """All that is done by the clock."""
    book.next_message(now)
    book.held(now)
    book.counts()
    book.unanswered(now)
    book.expire(now)
    assert not book.unheard
    assert book.affords(1, now)


def test_where_all_is_acknowledged_no_key_is_looked_at() -> None:
    book, looks = acknowledged(0.0)
    for tick in range(100):
        look(book, 2 * ACK_TIMEOUT_S + 0.1 * tick)
    assert looks.count == 0


def test_one_that_is_not_answered_costs_no_look_at_the_others() -> None:
    book, looks = acknowledged(0.0)
    look(book, 20.0)
    assert book.resubscribe("book:7")
    looks.count = 0
    for tick in range(300):
        look(book, 20.0 + 0.1 * tick)
    assert book.state("book:7") is KeyState.ASKED
    assert looks.count < 1000
    assert book.acknowledged(["book:7"], 60.0) == ["book:7"]


def test_keys_keep_their_order_whatever_becomes_of_them() -> None:
    book, _ = acknowledged(0.0)
    keys = book.keys
    book.resubscribe("book:7")
    book.rejected(["book:7"], 1.0)
    book.new_session(2.0)
    assert book.keys == keys
