"""What a venue can prove of its books: how the loss of a message would be noticed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Sign(Enum):
    """By what a loss is noticed."""

    COUNTER = "each message has the next number"
    CHAIN = "each message names the one before"
    RANGE = "each message names the range of numbers that it covers"
    CHECKSUM = "a checksum of the best levels comes with the book"
    CLOCK = "messages have times only: an older one is seen, a missing one is not"
    WHOLE = "each message is the whole book: a missing one does no harm"


class Scope(Enum):
    """What a number counts."""

    BOOK = "the messages of one book"
    CONNECTION = "all messages of a connection"


@dataclass(frozen=True, slots=True)
class Proof:
    """`signs`: by what a loss is noticed; none: not at all. `sized`: whether it is known how many
    messages were lost. `note`: what else is to be known."""

    signs: tuple[Sign, ...] = ()
    sized: bool = False
    scope: Scope = Scope.BOOK
    note: str = ""

    @property
    def proven(self) -> bool:
        """Whether a lost message makes no book wrong without being seen."""
        return bool({*self.signs} - {Sign.CLOCK})


NOTHING = Proof()
