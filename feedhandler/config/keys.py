"""What a value in the configuration may be: for each key that stands alone, a rule.

A key whose values depend on the venue (instruments, channels, endpoints) is checked where the venue
is known, in `feedhandler.config.load`.
"""

import grp
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from feedhandler.config import transport as way
from feedhandler.kernel import usable_cpus

_NAMESPACE = re.compile(r"[A-Za-z0-9_-]{1,48}")  # as `shm` has it


@dataclass(frozen=True, slots=True)
class Rule:
    """`valid`: whether a value is allowed; `allowed`: the same in words; `take`: what is kept."""

    valid: Callable[[Any], bool]
    allowed: str
    take: Callable[[Any], Any] = lambda value: value


def is_number(value: object) -> bool:
    """An integer or a float; a truth value is neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def integer(low: int, high: int) -> Rule:
    """An integer within bounds."""

    def valid(value: Any) -> bool:
        return is_number(value) and isinstance(value, int) and low <= value <= high

    return Rule(valid, f"an integer from {low:g} to {high:g}")


def seconds(low: float, high: float, *, never: bool = False) -> Rule:
    """A number of seconds within bounds; with `never` also 0."""

    def valid(value: Any) -> bool:
        return is_number(value) and (low <= value <= high or (never and value == 0))

    text = f"seconds from {low:g} to {high:g}" + (", or 0 for never" if never else "")
    return Rule(valid, text, float)


def url(*schemes: str, take: Callable[[str], str] = str) -> Rule:
    """A URL with a host, of one of these schemes."""

    def valid(value: Any) -> bool:
        if not isinstance(value, str) or any(character.isspace() for character in value):
            return False
        try:
            parts = urlsplit(value)
            return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            return False

    article = "an" if schemes[0].startswith("h") else "a"
    return Rule(valid, f"{article} {' or '.join(f'{scheme}://' for scheme in schemes)} URL", take)


def _power_of_two(low: int, high: int) -> Rule:
    within = integer(low, high)
    return Rule(
        lambda value: within.valid(value) and value & (value - 1) == 0,
        f"a power of two from {low} to {high}",
    )


def _cpu() -> Rule:
    ours = usable_cpus()
    text = f"a CPU of this host that we may use: {', '.join(map(str, sorted(ours)))}"
    return Rule(lambda cpu: integer(0, 1 << 20).valid(cpu) and cpu in ours, text)


def time_of_day(text: str) -> int:
    """Seconds since midnight of `HH:MM`. Raises ValueError."""
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", text)
    if found is None:
        raise ValueError(f"not a time of day as HH:MM: {text!r}")
    return int(found[1]) * 3600 + int(found[2]) * 60


def _is_time_of_day(value: Any) -> bool:
    try:
        time_of_day(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_namespace(value: object) -> bool:
    return isinstance(value, str) and _NAMESPACE.fullmatch(value) is not None


def _is_address(value: object) -> bool:
    if not isinstance(value, str):
        return False
    host, _, port = value.rpartition(":")
    is_port = port.isascii() and port.isdigit() and int(port) <= 65535
    return value == "" or (bool(host) and is_port)


def _group(value: Any) -> int:
    """The number of a Unix group; "": -1. Raises KeyError, ValueError, TypeError: there is none."""
    if value == "":
        return -1
    if isinstance(value, str):
        return grp.getgrnam(value).gr_gid
    if isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise ValueError(value)
    return int(value)


def _is_group(value: object) -> bool:
    try:
        _group(value)
    except (KeyError, ValueError, TypeError):
        return False
    return True


_FLAG = Rule(lambda value: isinstance(value, bool), "true or false")

NAMESPACE = Rule(_is_namespace, "1 to 48 letters, digits, '-' or '_'")
GROUP = Rule(_is_group, 'a group of this host, by its name or number, or ""', _group)
STATUS = Rule(_is_address, '"host:port", or "" for none')
WS_URL = url("ws", "wss")


def venue_rules() -> dict[str, Rule]:
    """By key of a venue's table. Made anew each time: which CPUs we may use can change."""
    return {
        "depth": integer(1, 1000),
        "ring_slots": _power_of_two(1 << 10, 1 << 26),
        "capacity": integer(1, 100_000),
        "cpu": _cpu(),
        "spin": _FLAG,
        "realtime": integer(0, 99),
        "lock_memory": _FLAG,
        "behind_s": seconds(0.05, 60.0),
        "split_after_s": seconds(0.5, 86_400.0, never=True),
        "silence_s": seconds(1.0, 3600.0),
        "rhythm_floor_s": seconds(1.0, 3600.0),
        "rhythm_ceiling_s": seconds(1.0, 3600.0),
        "refresh_s": seconds(1.0, 3600.0),
        "proxy": Rule(way.is_proxy, way.PROXIES),
        "ca_file": Rule(way.is_ca_file, way.CA_FILES),
        "compression": _FLAG,
        "audit_s": seconds(0.5, 86_400.0, never=True),
        "degraded_after_s": seconds(0.5, 86_400.0, never=True),
        "redundancy": integer(1, 4),
        "rotate_at": Rule(_is_time_of_day, 'a time of day, UTC, as "HH:MM"'),
        "lifetime_s": seconds(5.0, 1e7),
        "rest_url": url("http", "https", take=lambda value: value.rstrip("/")),
    }
