"""What a venue lists, asked over REST."""

import asyncio
from collections import deque
from collections.abc import Sequence

from feedhandler.adapter.listing import Listing
from feedhandler.adapter.venue import InstrumentSpec, Request, Venue
from feedhandler.network.rest import Getter, RestRefused
from feedhandler.one_line import one_line

_MAX_REQUESTS = 200  # pages and families; more is a venue that leads nowhere
_LONG_BYTES = 1 << 16  # more is read beside the event loop: thousands of rows take a while


async def list_instruments(venue: Venue, rest: Getter, patterns: Sequence[str]) -> Listing:
    """Every instrument that the patterns may name, each once.

    Raises :class:`feedhandler.network.rest.RestError`, and ValueError for an answer that makes no
    sense: whatever else a venue's code makes of what the venue sent is one.
    """
    waiting = deque(venue.instrument_requests(patterns))
    asked: list[Request] = []
    found: dict[str, InstrumentSpec] = {}
    broken: dict[str, str] = {}
    while waiting:
        request = waiting.popleft()
        if request in asked:
            raise ValueError(f"{venue.name}: the list of instruments leads in a circle")
        asked.append(request)
        refusal: RestRefused | None = None
        try:
            body = await rest.get(request)
        except RestRefused as error:
            body, refusal = error.body, error
        try:
            more, listed = await _read(venue, patterns, request, body, refusal is None)
        except ValueError as error:
            raise ValueError(one_line(error)) from None
        except Exception as error:
            text = f"{venue.name}: the list of instruments cannot be read: {error!r}"
            raise ValueError(one_line(text)) from error
        if refusal is not None and not more:
            raise refusal
        if len(asked) + len(waiting) + len(more) > _MAX_REQUESTS:
            raise ValueError(f"{venue.name}: the list of instruments has no end")
        for spec in listed:
            found.setdefault(spec.symbol, spec)
        if isinstance(listed, Listing):
            broken.update(listed.broken)
        waiting.extend(more)
    return Listing(found.values(), broken)


async def _read(
    venue: Venue, patterns: Sequence[str], request: Request, body: bytes, is_list: bool
) -> tuple[list[Request], list[InstrumentSpec]]:
    """What an answer calls for, and what it lists."""

    def read() -> tuple[list[Request], list[InstrumentSpec]]:
        more = venue.follow_up(patterns, request, body)
        return more, venue.parse_instruments(body) if is_list else []

    return read() if len(body) < _LONG_BYTES else await asyncio.to_thread(read)
