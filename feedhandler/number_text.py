"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal


def decimal(value: int, exponent: int) -> str:
    """value * 10^exponent, exact, without exponent or trailing zeros."""
    if exponent >= 0:
        return str(value * 10**exponent)
    digits = str(abs(value)).rjust(1 - exponent, "0")
    whole, fraction = digits[:exponent], digits[exponent:].rstrip("0")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


_MOST_STEPS = 1e8  # in one price: a smaller step is a bound of the format, and nobody's


def stepped(texts: Sequence[str], step: float = 0.0) -> list[str]:
    """Decimal texts with one number of places, so that their points line up: that of the step (a
    tick, a lot; 0: it is not known), or of the text that has most."""
    most = max((len(text.partition(".")[2]) for text in texts), default=0)
    largest = max((abs(float(text)) for text in texts), default=0.0)
    if step > 0 and largest < _MOST_STEPS * step:
        exponent = Decimal(f"{step:.12g}").normalize().as_tuple().exponent
        most = max(most, -int(exponent))
    return [_filled(text, most) for text in texts]


def figures(values: Sequence[float | None], count: int = 3) -> list[str]:
    """Numbers with so many places that the largest has `count` figures; "" for None."""
    largest = max((abs(v) for v in values if v and math.isfinite(v)), default=1.0)
    places = min(9, max(0, count - 1 - math.floor(math.log10(largest))))
    return ["" if value is None else f"{value:.{places}f}" for value in values]


def _filled(text: str, most: int) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(most, '0')}" if most else whole


def aligned(texts: Sequence[str], least: int = 0) -> list[str]:
    """Decimal texts with blanks behind them, so that their points stand below each other. `least`:
    characters from the point on, whatever these have."""
    behind = [len(text) - len(text.partition(".")[0]) for text in texts]
    most = max([least, *behind])
    return [text + " " * (most - its) for text, its in zip(texts, behind, strict=True)]


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


def seconds(value: float) -> str:
    """A length of time that was or will be waited: 0.4 s, 31 s, 18 min, 2 h 10 min."""
    return f"{value:.1f} s" if value < 9.95 else duration(round(value * 1e9))


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
