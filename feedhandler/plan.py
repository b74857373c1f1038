"""Which key goes on which connection, under the venue's limits. Pure and deterministic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feedhandler.venues.base import InstrumentSpec, Venue


class PlanError(ValueError):
    """The keys do not fit into the venue's limits; the text says which, and what would."""


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """One connection to be: its endpoint's name and the keys it carries, in subscription order."""

    endpoint: str
    keys: tuple[str, ...]


def instrument_keys(
    venue: Venue, instruments: Iterable[InstrumentSpec], channels: Sequence[str]
) -> list[list[str]]:
    """The keys of each instrument; a key that several share (a family's) stays with the first."""
    seen: set[str] = set()
    groups = []
    for instrument in instruments:
        group = [key for key in venue.keys(instrument, channels) if key not in seen]
        group = list(dict.fromkeys(group))
        seen.update(group)
        groups.append(group)
    return groups


def plan(
    venue: Venue, instruments: Iterable[InstrumentSpec], channels: Sequence[str]
) -> list[ConnectionPlan]:
    """Pack the keys onto as few connections as the limits allow, in the instruments' order.

    All keys that one instrument has on an endpoint are on one connection, so that its channels
    fail and heal together and are watched side by side. Raises :class:`PlanError`.
    """
    room = venue.limits.keys_per_connection
    open_now: dict[str, list[str]] = {}
    full: list[ConnectionPlan] = []
    order: list[str] = []
    for group in instrument_keys(venue, instruments, channels):
        by_endpoint: dict[str, list[str]] = {}
        for key in group:
            by_endpoint.setdefault(venue.endpoint(key), []).append(key)
        for endpoint, keys in by_endpoint.items():
            if room and len(keys) > room:
                raise PlanError(
                    f"{venue.name}: one instrument has {len(keys)} keys ({keys[0]}, ...), a "
                    f"connection takes {room}: ask for fewer channels"
                )
            if endpoint not in open_now:
                open_now[endpoint] = []
                order.append(endpoint)
            if room and len(open_now[endpoint]) + len(keys) > room:
                full.append(ConnectionPlan(endpoint, tuple(open_now[endpoint])))
                open_now[endpoint] = []
            open_now[endpoint].extend(keys)
    full.extend(ConnectionPlan(name, tuple(open_now[name])) for name in order if open_now[name])
    allowed = venue.limits.connections
    if allowed and len(full) > allowed:
        raise PlanError(
            f"{venue.name}: {sum(len(one.keys) for one in full)} keys need {len(full)} connections "
            f"of {room} keys, the venue allows {allowed}: ask for fewer instruments or channels"
        )
    return full


def place(keys: Sequence[str], carried: Sequence[int], room: int) -> int | None:
    """Which of the connections, by the number of keys each carries, has room for these keys too.

    None: none has. `room` 0: no limit.
    """
    for index, count in enumerate(carried):
        if not room or count + len(keys) <= room:
            return index
    return None
