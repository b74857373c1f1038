"""A venue's checksum, as programs in C are told it. (`natives` may import no native module.)"""

from __future__ import annotations

from feedhandler.adapter.checksum import Checksum
from feedhandler.adapter.engine import checksum_rule


def checksum_numbers(declared: Checksum | None) -> tuple[int, ...]:
    """A `checksum_rule` as programs in C are told it: its six fields; zeros: there is none."""
    rule = checksum_rule(declared)
    if rule is None:
        return (0,) * 6
    levels, order, number, separator, *signed = rule
    return levels, order, number, ord(separator or "\0"), *map(int, signed)
