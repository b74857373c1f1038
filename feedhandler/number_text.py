"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def decimal(value: int, exponent: int) -> str:
    """value * 10^exponent, exact, without exponent or trailing zeros."""
    if exponent >= 0:
        return str(value * 10**exponent)
    digits = str(abs(value)).rjust(1 - exponent, "0")
    whole, fraction = digits[:exponent], digits[exponent:].rstrip("0")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def places(texts: list[str]) -> list[str]:
    """Decimal texts filled up to the same number of places, so that their points line up."""
    most = max((len(text.partition(".")[2]) for text in texts), default=0)
    return [_filled(text, most) for text in texts]


def _filled(text: str, most: int) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(most, '0')}" if most else whole


def duration(ns: int) -> str:
    """A length of time, in the unit that suits it: 350 ns, 12 us, 4.2 ms, 31 s, 2 h 10 min."""
    if ns < 0:
        return "-" + duration(-ns)
    for unit, size in (("ns", 1), ("us", 1_000), ("ms", 1_000_000)):
        if ns < 1000 * size:
            amount = ns / size
            return f"{amount:.1f} {unit}" if size > 1 and amount < 10 else f"{amount:.0f} {unit}"
    seconds = ns / 1e9
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def count(value: int) -> str:
    """1,234,567"""
    return f"{value:,}"


def plural(number: int, noun: str, many: str = "") -> str:
    """1 venue, 2,000 venues. `many`: where it is not with an s."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def size(value: float) -> str:
    """Bytes: 512 B, 1.5 KiB, 58 MiB."""
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.1f} {unit}" if unit != "B" and value < 10 else f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def rate(value: float) -> str:
    """A number per second: 0, 3.5, 120, 12.3k."""
    if value >= 10_000:
        return f"{value / 1000:.1f}k"
    return f"{value:.0f}" if value >= 10 or value == 0 else f"{value:.1f}"


def clock(ns: int) -> str:
    """A time of day in UTC, to the microsecond."""
    if ns <= 0:
        return "-"
    return f"{datetime.fromtimestamp(ns // 10**9, UTC):%H:%M:%S}.{ns % 10**9 // 1000:06d}"


def moment(ns: int) -> str:
    """A date and time in UTC, to the second."""
    return f"{datetime.fromtimestamp(ns // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC" if ns > 0 else "-"
