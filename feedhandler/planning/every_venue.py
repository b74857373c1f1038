"""A whole configuration played through: what would be connected, subscribed and spent."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from feedhandler import number_text, venues
from feedhandler.adapter import selection
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import ListedInstrument, Venue
from feedhandler.budgets import venue_budgets
from feedhandler.budgets.shared_budget import NoBudgets, bans
from feedhandler.config.keys import Config, VenueConfig
from feedhandler.instruments.listing import choose, list_instruments
from feedhandler.network.rest import Rest, RestError
from feedhandler.network.route import Route
from feedhandler.planning.forecast import VenueForecast, forecast
from feedhandler.planning.packing import PlanError
from shm import InstrumentKind

LIST_S = 20.0


@dataclass(slots=True)
class Planned:
    """`problems`: why it could not start; `unreachable`: venues that did not answer, and why;
    `warnings`: budgets that a venue has closed."""

    venues: list[VenueForecast] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class _Counting(Rest):
    """Notes what the requests weigh."""

    def __init__(self, venue: Venue, config: VenueConfig) -> None:
        super().__init__(config.rest_url, venue.limits, route=Route.of(config))
        self.weights: list[int] = []

    async def get(self, request: Request) -> bytes:
        self.weights.append(request.weight)
        return await super().get(request)


async def planned(config: Config, *, offline: bool = False) -> Planned:
    """Ask the venues what they list, and play it through. `offline`: names are taken as they are,
    and nobody is asked; patterns are problems then."""
    found = Planned()
    hosts: set[str] = set()
    for name, one in config.venues.items():
        urls = one.ws_url.values() if isinstance(one.ws_url, dict) else (one.ws_url,)
        hosts |= {venue_budgets.host(url) for url in (one.rest_url, *urls)}
        venue = venues.load(name, one.depth)
        try:
            if offline:
                specs = _named(venue, one)
                weights = [each.weight for each in venue.instrument_requests(one.instruments)]
            else:
                specs, weights = await _listed(venue, one, found)
        except (RestError, TimeoutError) as error:
            cause = str(error) or f"no answer within {LIST_S:g} s"
            found.unreachable.append(f"{name}: instruments cannot be listed: {cause}")
            continue
        except ValueError as error:
            found.problems.append(f"{one.places.of('instruments')}: {error}")
            continue
        if problem := too_many(one, len(specs)):
            found.problems.append(problem)
        try:
            found.venues.append(forecast(venue, one, specs, weights))
        except PlanError as error:
            found.problems.append(f"{one.places.of(error.key)}: {error}")
    try:
        closed = bans()
    except NoBudgets as error:
        found.warnings.append(f"budgets are not shared between processes: {error}")
        closed = {}
    for budget, (seconds, status) in closed.items():
        if budget.partition(" ")[0] in hosts:
            why = f" (HTTP {status})" if status else ""
            found.warnings.append(
                f"{budget}: closed by the venue for {number_text.seconds(seconds)} more{why}"
            )
    return found


def too_many(config: VenueConfig, instruments: int) -> str:
    """Why the directory has no room for so many, with the place and the cure; "" if it has."""
    if instruments <= config.directory_rows:
        return ""
    return (
        f"{config.places.first_of('directory_rows', 'instruments')}: the rules mean "
        f"{number_text.plural(instruments, 'instrument')}, but directory_rows is "
        f"{config.directory_rows}: raise it, or ask for fewer"
    )


async def _listed(
    venue: Venue, config: VenueConfig, found: Planned
) -> tuple[list[ListedInstrument], list[int]]:
    async with asyncio.timeout(LIST_S), _Counting(venue, config) as rest:
        specs = await list_instruments(venue, rest, selection.patterns(config.instruments))
        listed = choose(config.instruments, specs)
        found.problems += [
            f"{config.places.of('instruments', one.pattern)}: {one}" for one in listed.unknown
        ]
        return listed.chosen, rest.weights


def _named(venue: Venue, config: VenueConfig) -> list[ListedInstrument]:
    """Instruments by nothing but their names. Raises ValueError for a pattern."""
    unclear: Sequence[str] = [
        rule
        for rule in config.instruments
        if rule.startswith(selection.NOT) or not Pattern.parse(rule).exact
    ]
    if unclear:
        raise ValueError(
            f"what {', '.join(map(repr, unclear))} means only {venue.name} knows: "
            f"name the instruments, or leave --offline away"
        )
    return [
        ListedInstrument(name, name, InstrumentKind.PERPETUAL, base=name, quote="")
        for name in config.instruments
    ]
