"""What the refusal of a request means for each of its keys.

Venues refuse as a whole what has one key that they do not like, and some do not say which.
"""

import re
from collections.abc import Callable, Sequence

from feedhandler.adapter.venue import Control, ControlKind

#: of what was refused for no fault of its own: it may be asked for again soon
_PASSES = re.compile(r"too many requests|too frequent|rate limit|try again|timed? ?out", re.I)
_THERE = re.compile(r"already subscribed|duplicate|\bdup\b", re.I)
_NAME = re.compile(r"[\w@.:/!-]+")


def refused(
    keys: Sequence[str],
    text: str,
    number: int,
    *,
    passes: bool = False,
    about: Callable[[str], str] | None = None,
) -> list[Control]:
    """Of a request (`number`, 0: it is not known which) that was for these keys.

    A key that the text names is refused alone, the rest is asked for again. One that names none of
    several spoils the request. `passes`: the venue's code says that it is not for good; so may the
    text. `about`: the symbol of a key, by which the text may name it, too.
    """
    if passes or not keys or _PASSES.search(text):
        return [Control(ControlKind.ERROR, tuple(keys), text, request_id=number)]
    said = _names(text)
    named = [key for key in keys if key in said or (about and about(key) in said)]
    named = named or list(keys[:1] if len(keys) == 1 else ())
    if not named:
        return [Control(ControlKind.SPOILED, tuple(keys), text, request_id=number)]
    kind = ControlKind.ACK if _THERE.search(text) else ControlKind.REJECTED
    found = [Control(kind, tuple(named), text, request_id=number)]
    rest = tuple(key for key in keys if key not in named)
    return [*found, Control(ControlKind.AGAIN, rest, text, request_id=number)] if rest else found


def _names(text: str) -> set[str]:
    """The words of a text, and what of them stands behind a colon or before a full stop."""
    words = set(_NAME.findall(text))
    words |= {part for word in words for part in (word.partition(":")[2],)}
    return words | {word.rstrip(".:") for word in words}
