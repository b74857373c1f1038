"""Reading a book that was asked for in plain Python: an opinion independent of the engine's."""

from typing import Any

from feedhandler.adapter.venue import BookAnswer


def answer(venue: str, sequence: Any, bids: Any, asks: Any) -> BookAnswer:
    """Levels as [price, size, ...] of texts or numbers. Raises ValueError that says what lacks."""
    if not isinstance(sequence, int) or isinstance(sequence, bool):
        raise ValueError(f"{venue}: a book without a sequence ({sequence!r})")
    return BookAnswer(sequence, _side(venue, "bids", bids), _side(venue, "asks", asks))


def _side(venue: str, name: str, levels: Any) -> list[tuple[str, str]]:
    if not isinstance(levels, list):
        raise ValueError(f"{venue}: a book without {name}")
    try:
        return [(_text(level[0]), _text(level[1])) for level in levels]
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{venue}: a book whose {name} are not levels: {error}") from None


def _text(value: Any) -> str:
    """As the venue wrote it: a double's shortest text is what it was read from."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    raise TypeError(f"{value!r} is no number")
