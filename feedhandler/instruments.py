"""What a venue lists, asked over REST."""

from collections.abc import Sequence

from feedhandler.rest import RestRefused
from feedhandler.socket_requests import Getter
from feedhandler.venues.base import InstrumentSpec, Request, Venue

_MAX_REQUESTS = 200  # pages and families; more is a venue that leads in a circle


async def list_instruments(
    venue: Venue, rest: Getter, patterns: Sequence[str]
) -> list[InstrumentSpec]:
    """Every instrument that the patterns may name, each once.

    Raises :class:`feedhandler.rest.RestError`, and ValueError for an answer that makes no sense.
    """
    waiting: list[Request] = list(venue.instrument_requests(patterns))
    found: dict[str, InstrumentSpec] = {}
    asked = 0
    while waiting:
        request = waiting.pop(0)
        asked += 1
        if asked > _MAX_REQUESTS:
            raise ValueError(f"{venue.name}: the list of instruments has no end")
        try:
            body = await rest.get(request)
        except RestRefused as error:
            more = venue.follow_up(patterns, request, error.body)
            if not more:
                raise
        else:
            more = venue.follow_up(patterns, request, body)
            for spec in venue.parse_instruments(body):
                found.setdefault(spec.symbol, spec)
        waiting.extend(more)
    return list(found.values())
