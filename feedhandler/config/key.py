"""What is said of a key of the configuration file, and what the key may be."""

from __future__ import annotations

from dataclasses import dataclass

from feedhandler.config.values import Allowed


@dataclass(frozen=True, slots=True)
class Key:
    """`meaning`: a sentence, without its dot. `allowed`: what it may be.

    `default`: the default in words, where the field's is none that a file could have. `example`: a
    value as the file has it, where there is no such default. `was`: a name
    that it had, or that it may be looked for under.
    """

    meaning: str
    allowed: Allowed
    default: str = ""
    example: str = ""
    was: str = ""
