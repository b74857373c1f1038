"""Which keys of a connection may share a message, as groups.

Above 0: keys of a request that was refused, which share with nobody else.
"""

from collections.abc import Iterable
from itertools import islice

from feedhandler.adapter.venue import Venue
from feedhandler.connection.subscription_key import ALONE, ASIDE, TOGETHER


class Sharing:
    """Of one connection."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._words = {"": TOGETHER}  # what keys have in common -> their group
        self._refused = 0

    def usual(self, key: str) -> int:
        """Its group while it was never refused. What a server may not know beside its market data,
        where statuses come from, is asked for after that and apart from it."""
        if self._venue.key_symbols(key)[0] == "status":
            return ASIDE
        word = self._venue.together(key)
        return ALONE if word is None else self._words.setdefault(word, ALONE - len(self._words))

    def fresh(self) -> int:
        """A group of its own."""
        self._refused += 1
        return self._refused

    def first(self, keys: Iterable[str], most: int) -> list[str]:
        """The first of these, and those that may share its message."""
        rest = iter(keys)
        first = next(rest, None)
        if first is None:
            return []
        word = self._venue.together(first)
        like = (key for key in rest if word is not None and self._venue.together(key) == word)
        return [first, *islice(like, max(0, most - 1))]
