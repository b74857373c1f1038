"""Normalised names and the small conversions that every venue's list of instruments needs."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from shm import OptionType

NS_PER_MS = 1_000_000


def decimal(value: object, default: Decimal = Decimal(0)) -> Decimal:
    """A finite decimal of a JSON string or number; `default` for what is empty or absent.

    Raises ValueError. Floats go through their shortest text, which is what the venue wrote.
    """
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"not a number: {value!r}")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"not a number: {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"not a number: {value!r}")
    return number


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
