"""What is checked before anything starts: that the venues know the configured instruments."""

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from feedhandler import kernel, venues
from feedhandler.adapter import listing, selection
from feedhandler.adapter.pattern import Pattern
from feedhandler.config.keys import Config, VenueConfig
from feedhandler.instruments.handed_list import Answers, Keeping
from feedhandler.instruments.listing import list_instruments
from feedhandler.network.rest import Rest, RestError
from feedhandler.network.route import Route
from feedhandler.planning.every_venue import too_many
from feedhandler.planning.packing import PlanError, pack

TIMEOUT_S = 8.0


class Warned(NamedTuple):
    """What is not as it should be with a venue."""

    venue: str
    text: str


@dataclass(slots=True)
class Findings:
    """`problems`: nothing may start; `warnings`: it starts, and heals when the venue does; `lists`:
    what the venues answered, for who starts now."""

    problems: list[str] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    lists: dict[str, Answers] = field(default_factory=dict, compare=False)

    def warn(self, venue: str, text: str) -> None:
        """It starts all the same."""
        self.warnings.append(Warned(venue, text))


async def check(config: Config) -> Findings:
    """Ask every venue at once, within TIMEOUT_S."""
    findings = Findings()
    if config.group >= 0 and not kernel.may_give_to(config.group):
        findings.problems.append(
            f"{config.places.of('group')}: this user is no member of group {config.group}, and may "
            "not give it anything: add the user to it (usermod -aG), or name another"
        )
    await asyncio.gather(*(_check(name, one, findings) for name, one in config.venues.items()))
    return findings


async def _check(name: str, config: VenueConfig, findings: Findings) -> None:
    try:
        await _ask(name, config, findings)
    except Exception as error:  # what a venue sends is no reason not to start
        text = f"{type(error).__name__}: {error}"
        findings.warn(name, f"{name}: instruments cannot be checked: {text}")


async def _ask(name: str, config: VenueConfig, findings: Findings) -> None:
    venue = venues.load(name)
    patterns = selection.patterns(config.instruments)
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            Rest(
                config.rest_url,
                venue.limits,
                timeout_s=TIMEOUT_S,
                route=Route.of(config),
                headers=venue.rest_headers,
            ) as rest,
        ):
            keeping = Keeping(rest)
            specs = await list_instruments(venue, keeping, patterns)
            none = not specs and not await list_instruments(venue, rest, venue.default_instruments)
    except (RestError, ValueError, TimeoutError) as error:
        cause = str(error) or f"no answer within {TIMEOUT_S:g} s"
        findings.warn(name, f"{name}: instruments cannot be checked: {cause}")
        return
    if none:  # an answer of a venue in trouble
        findings.warn(name, f"{name}: instruments cannot be checked: the venue lists none")
        return
    findings.lists[name] = keeping.answers
    chosen, unknown = selection.choose(config.instruments, specs)
    for one in unknown:
        if any(_may_mean(one.pattern, name) for name in specs.broken):
            rows = f"rows of the list cannot be read: {listing.named(specs.broken)}"
            findings.warn(name, f"{config.places.of('instruments', one.pattern)}: {one}; {rows}")
        else:
            findings.problems.append(f"{config.places.of('instruments', one.pattern)}: {one}")
    if problem := too_many(config, len(chosen)):
        findings.problems.append(problem)
    try:
        pack(venue, chosen, config.channels, config.redundancy)
    except PlanError as error:
        findings.problems.append(f"{config.places.of(error.key)}: {error}")


def _may_mean(text: str, broken: str) -> bool:
    """Whether a pattern may be about a row that cannot be read. `broken`: its name, if any."""
    pattern = Pattern.parse(text)
    if listing.nameless([broken]) or pattern.underlying:  # or named by parts that it lacks
        return True
    return fnmatchcase(broken.replace("-", ""), pattern.glob.replace("-", ""))
