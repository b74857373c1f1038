"""Normalised names and the small conversions that every venue's list of instruments needs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from shm import OptionType, Status

NS_PER_MS = 1_000_000
_DIGITS = 30  # before and behind the point: a number of more is no quantity
_MOST_NS = (1 << 63) - 1
_NEVER_MS = 4_102_444_800_000  # the year 2100: what venues write where there is no end


def decimal(value: object, default: Decimal = Decimal(0)) -> Decimal:
    """A finite decimal of a JSON string or number; `default` for what is empty or absent.

    Raises ValueError. Floats go through their shortest text, which is what the venue wrote.
    """
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"not a number: {str(value)[:40]!r}")
    text = str(value)
    try:
        number = Decimal(text) if len(text) <= 2 * _DIGITS else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS:
        raise ValueError(f"not a number: {text[:40]!r}")
    return number


def expiry_ns(value: object) -> int:
    """A time in unix ms, as a JSON text or whole number, in ns. Raises ValueError: none at all, or
    none that the directory can hold."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"not a time: {str(value)[:40]!r}")
    ns = int(value) * NS_PER_MS if len(str(value)) < 20 else 0
    if not 0 < ns <= _MOST_NS:
        raise ValueError(f"not a time: {str(value)[:40]!r}")
    return ns


def end_ns(value: object) -> int:
    """The same where there need be no end: 0 for none, and for one past all planning."""
    if value is None or value == "":
        return 0
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > 40:
        raise ValueError(f"not a time: {str(value)[:40]!r}")
    end = int(value)
    if end < 0:
        raise ValueError(f"not a time: {end}")
    return end * NS_PER_MS if end < _NEVER_MS else 0


def status(words: Mapping[str, Status], word: object) -> Status:
    """What a venue's word for a status means; one that we do not know is never open."""
    return words.get(word, Status.UNKNOWN) if isinstance(word, str) else Status.UNKNOWN


def plain(number: Decimal) -> str:
    """The number without exponent and without trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def date(expiry_ns: int) -> str:
    """The UTC day of an expiry, as normalised names write it: 20261225."""
    return datetime.fromtimestamp(expiry_ns // 1_000_000_000, UTC).strftime("%Y%m%d")


def perpetual(underlying: str) -> str:
    return f"{underlying}-PERP"


def future(underlying: str, expiry_ns: int) -> str:
    return f"{underlying}-{date(expiry_ns)}"


def option(underlying: str, expiry_ns: int, strike: Decimal, kind: OptionType) -> str:
    letter = "C" if kind is OptionType.CALL else "P"
    return f"{underlying}-{date(expiry_ns)}-{plain(strike)}-{letter}"
