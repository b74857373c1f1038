"""What the venues' channels promise."""

from __future__ import annotations

from collections import defaultdict

from feedhandler import venues

SAME = {("cryptocom", "funding")}
"""Two channels of one kind: of funding Crypto.com says what it is, and what it will be."""


def test_what_a_channel_promises_no_other_one_keeps_for_it() -> None:
    """That something came is noted by the kind of its frame: two channels of one kind, and the one
    that speaks hides that the other is dumb."""
    found = set()
    for name in venues.names():
        promises = defaultdict(list)
        for promise in venues.load(name).promises.values():
            promises[promise.column].append(promise)
        for column, those in promises.items():
            if len(those) > 1 and any(one.first_s or one.moves for one in those):
                found.add((name, column))
    assert found == SAME
