"""Reading a venue's list of instruments: one broken entry costs that instrument and no other."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from feedhandler.venues.base import InstrumentSpec

log = logging.getLogger(__name__)


def document(venue: str, body: bytes, what: str = "list of instruments") -> Mapping[str, Any]:
    """The body as a JSON object. Raises ValueError that quotes its beginning."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        start = bytes(body[:80])
        raise ValueError(f"{venue}: the {what} is not JSON: {error}: {start!r}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{venue}: the {what} is not an object: {bytes(body[:80])!r}")
    return value


def parse_each(
    venue: str,
    entries: Iterable[Any],
    key: str,
    parse: Callable[[Mapping[str, Any]], InstrumentSpec | None],
) -> list[InstrumentSpec]:
    """What `parse` makes of each entry; None leaves it out.

    An entry that `parse` fails on is left out too, and logged by the name under `key`. Raises
    ValueError when entries are there and none of them can be read.
    """
    specs: list[InstrumentSpec] = []
    broken: list[str] = []
    count = 0
    for count, entry in enumerate(entries, 1):  # noqa: B007
        try:
            spec = parse(entry)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            name = entry.get(key) if isinstance(entry, dict) else entry
            cause = f"no {error}" if isinstance(error, KeyError) else str(error)
            broken.append(f"{str(name)[:64]} ({cause[:120]})")
        else:
            if spec is not None:
                specs.append(spec)
    if broken and len(broken) == count:
        raise ValueError(
            f"{venue}: none of {count} instruments can be read; the first: {broken[0]}"
        )
    for text in broken:
        log.warning("%s: instrument left out: %s", venue, text)
    return specs
