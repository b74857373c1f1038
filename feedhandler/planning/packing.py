"""Which key goes on which connection, under the venue's limits. Pure and deterministic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from feedhandler.adapter.venue import Limits, ListedInstrument, Venue
from feedhandler.number_text import plural

CONNECTION_ROWS = 64  #: of the connection table: no feed has more connections


class PlanError(ValueError):
    """The keys do not fit into the venue's limits; the text says which, and what would. `key`: of
    the configuration, that asks for too much."""

    def __init__(self, text: str, key: str = "instruments") -> None:
        super().__init__(text)
        self.key = key


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """One connection to be: its endpoint's name and the keys it carries, in subscription order."""

    endpoint: str
    keys: tuple[str, ...]


def instrument_keys(
    venue: Venue, instruments: Iterable[ListedInstrument], channels: Sequence[str]
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


def fits(carried: Sequence[str], keys: Sequence[str], limits: Limits) -> bool:
    """Whether a connection that carries some keys has room for these too."""
    room, most = limits.keys_per_connection, limits.bytes_per_connection
    if room and len(carried) + len(keys) > room:
        return False
    return not most or sum(len(key.encode()) for key in (*carried, *keys)) <= most


def pack(
    venue: Venue,
    instruments: Iterable[ListedInstrument],
    channels: Sequence[str],
    redundancy: int = 1,
) -> list[ConnectionPlan]:
    """Pack the keys onto as few connections as the limits allow, in the instruments' order.

    All keys that one instrument has on an endpoint are on one connection, so that its channels
    fail and heal together and are watched side by side. `redundancy`: that there has to be room
    for each connection so many times. Raises :class:`PlanError`.
    """
    packed: dict[str, list[_Packed]] = {}  # by endpoint, in the order of their first keys
    for group in instrument_keys(venue, instruments, channels):
        by_endpoint: dict[str, list[str]] = {}
        for key in group:
            by_endpoint.setdefault(venue.endpoint(key), []).append(key)
        for endpoint, keys in by_endpoint.items():
            _fill(venue, packed.setdefault(endpoint, []), keys)
    full = [
        ConnectionPlan(endpoint, tuple(one.keys))
        for endpoint, connections in packed.items()
        for one in connections
    ]
    allowed = venue.limits.connections
    if allowed and len(full) > allowed:
        most = max(len(one.keys) for one in full)
        raise PlanError(
            f"{venue.name}: {sum(len(one.keys) for one in full)} keys need {len(full)} connections "
            f"of {plural(most, 'key')}, the venue allows {allowed}: "
            "ask for fewer instruments or channels"
        )
    needed, room = len(full) * redundancy, min(allowed or CONNECTION_ROWS, CONNECTION_ROWS)
    if redundancy > 1 and needed > room:
        raise PlanError(
            f"{venue.name}: redundancy = {redundancy} needs {needed} connections, there may be "
            f"{room}: ask for fewer instruments, or lower it",
            "redundancy",
        )
    return full


@dataclass(slots=True)
class _Packed:
    keys: list[str] = field(default_factory=list)
    bytes: int = 0


def _fill(venue: Venue, connections: list[_Packed], keys: Sequence[str]) -> None:
    """Onto the endpoint's last connection, or a new one."""
    room, most = venue.limits.keys_per_connection, venue.limits.bytes_per_connection
    size = sum(len(key.encode()) for key in keys)
    if not fits((), keys, venue.limits):
        raise PlanError(
            f"{venue.name}: one instrument has {plural(len(keys), 'key')} of {size} bytes "
            f"({keys[0]}, ...), "
            f"a connection takes {plural(room, 'key') if room else 'any number of keys'}"
            + (f" of {most} bytes" if most else "")
            + ": ask for fewer channels",
            "channels",
        )
    last = connections[-1] if connections else None
    if (
        last is None
        or (room and len(last.keys) + len(keys) > room)
        or (most and last.bytes + size > most)
    ):
        connections.append(last := _Packed())
    last.keys.extend(keys)
    last.bytes += size


def fitting(keys: Sequence[str], carried: Sequence[Sequence[str]], venue: Venue) -> int | None:
    """Which of the connections, by the keys that each carries, has room for these keys too."""
    return next((n for n, own in enumerate(carried) if fits(own, keys, venue.limits)), None)
