"""What a venue lists, asked over REST."""

from collections import deque
from collections.abc import Sequence

from feedhandler.rest import RestRefused
from feedhandler.said import said
from feedhandler.socket_requests import Getter
from feedhandler.venues.base import InstrumentSpec, Request, Venue
from feedhandler.venues.listing import Listing

_MAX_REQUESTS = 200  # pages and families; more is a venue that leads nowhere


async def list_instruments(venue: Venue, rest: Getter, patterns: Sequence[str]) -> Listing:
    """Every instrument that the patterns may name, each once.

    Raises :class:`feedhandler.rest.RestError`, and ValueError for an answer that makes no sense:
    whatever else a venue's code makes of what the venue sent is one.
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
            more = venue.follow_up(patterns, request, body)
            listed = venue.parse_instruments(body) if refusal is None else []
        except ValueError as error:
            raise ValueError(said(error)) from None
        except Exception as error:
            text = f"{venue.name}: the list of instruments cannot be read: {error!r}"
            raise ValueError(said(text)) from error
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
