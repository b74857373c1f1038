"""What a value of the configuration may be, and what a wrong one may have meant."""

import datetime
import grp
import os
import re
import ssl
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from feedhandler.kernel import usable_cpus
from shm.errors import BadName
from shm.object_names import check_name

PROXY_SCHEMES = ("http", "https", "socks4", "socks5")
_SOURCE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WITH_UNIT = re.compile(r"([0-9.]+) *(ms|s|m|h|d)")
_PASSWORD = re.compile(r":[^:/@\s]+@")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def _nothing(_: Any) -> Iterable[Any]:
    return ()


@dataclass(frozen=True, slots=True)
class Allowed:
    """`valid`: whether a value is; `text`: the same in words; `take`: what is kept of it.

    `meant`: values that somebody may have had in mind who wrote a wrong one. `here`: what the text
    leaves open, on this host. `guess`: other ways to write the value are tried, too.
    """

    valid: Callable[[Any], bool]
    text: str
    take: Callable[[Any], Any] = lambda value: value
    meant: Callable[[Any], Iterable[Any]] = _nothing
    here: Callable[[], str] = str
    guess: bool = True

    def judges(self, key: str, value: Any, say: Callable[[str, str], None]) -> bool:
        """Whether a key may have that value; `say` is told why not."""
        if self.valid(value):
            return True
        say(key, self.refusal(value))
        return False

    def refusal(self, value: Any) -> str:
        """Why a value is refused: what is allowed, and what it may have meant."""
        others = (*self.meant(value), *(_rewritten(value) if self.guess else ()))
        hints = (each for each in others if self.valid(each))
        hint = next((f"; did you mean {shown(each)}?" for each in hints), "")
        return f"{shown(value)} is not allowed: {self.text}{self.here()}{hint}"


def shown(value: object) -> str:
    """A value as the file has it, without a password, cut if it is long."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    if isinstance(value, datetime.date | datetime.time):
        text = str(value)
    text = _PASSWORD.sub(":...@", text)
    return text if len(text) <= 80 else text[:77] + "..."


def _rewritten(value: Any) -> Iterator[Any]:
    """Without quotes, without a fraction, as a list of one, out of a list of one."""
    if isinstance(value, str):
        yield value.strip()
        with suppress(tomllib.TOMLDecodeError):
            yield tomllib.loads(f"value = {value}")["value"]
    elif is_number(value) and isinstance(value, float) and value.is_integer():
        yield int(value)
    if isinstance(value, list):
        yield from value[:1] if len(value) == 1 else ()
    else:
        yield [value]


def is_number(value: object) -> bool:
    """An integer or a float; a truth value is neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def integer(low: int, high: int) -> Allowed:
    """An integer within bounds."""

    def valid(value: Any) -> bool:
        return is_number(value) and isinstance(value, int) and low <= value <= high

    return Allowed(valid, f"an integer from {low} to {high}")


def power_of_two(low: int, high: int) -> Allowed:
    """One within bounds."""
    within = integer(low, high)

    def near(value: Any) -> Iterator[int]:
        if is_number(value) and 0 < value <= high:
            yield 1 << (int(value) - 1).bit_length()

    return Allowed(
        lambda value: within.valid(value) and value & (value - 1) == 0,
        f"a power of two from {low} to {high}",
        meant=near,
    )


def seconds(low: float, high: float, *, never: bool = False) -> Allowed:
    """A number of seconds within bounds; with `never` also 0."""

    def valid(value: Any) -> bool:
        return is_number(value) and (low <= value <= high or (never and value == 0))

    def other_unit(value: Any) -> Iterator[float]:
        if isinstance(value, str) and (found := _WITH_UNIT.fullmatch(value.strip())):
            yield round(float(found[1]) * _UNITS_S[found[2]], 6)
        elif is_number(value) and value > high:
            yield value / 1000  # milliseconds

    text = f"seconds from {low:g} to {high:.10g}" + (", or 0 for never" if never else "")
    return Allowed(valid, text, float, other_unit)


def flag() -> Allowed:
    """True or false."""

    def words(value: Any) -> Iterator[bool]:
        word = str(value).lower()
        if word in ("1", "yes", "on", "true", "0", "no", "off", "false"):
            yield word in ("1", "yes", "on", "true")

    return Allowed(lambda value: isinstance(value, bool), "true or false", meant=words)


def one_of(*words: str) -> Allowed:
    """One of a few words."""

    def near(value: Any) -> Iterator[str]:
        yield str(value).strip().lower()
        yield from get_close_matches(str(value).lower(), words, 1)

    return Allowed(lambda value: value in words, " or ".join(f'"{w}"' for w in words), meant=near)


def _parts(value: Any) -> SplitResult | None:
    """A text without blanks as a URL with a host; None: it is none."""
    if not isinstance(value, str) or any(character.isspace() for character in value):
        return None
    try:
        parts = urlsplit(value)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def url(*schemes: str, take: Callable[[str], str] = str) -> Allowed:
    """A URL with a host, of one of these schemes: the plain one, then the secure one."""

    def valid(value: Any) -> bool:
        parts = _parts(value)
        return parts is not None and parts.scheme in schemes

    def other_scheme(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            scheme, separator, rest = value.rpartition("://")
            plain = separator and scheme in ("http", "ws")
            yield f"{schemes[0] if plain else schemes[-1]}://{rest}"

    article = "an" if schemes[0].startswith("h") else "a"
    text = f"{article} {' or '.join(f'{scheme}://' for scheme in schemes)} URL"
    return Allowed(valid, text, take, other_scheme)


def proxy() -> Allowed:
    """A proxy's URL; the port is to be named, since each scheme has many."""

    def valid(value: Any) -> bool:
        parts = _parts(value)
        if parts is None or parts.port is None or parts.scheme not in PROXY_SCHEMES:
            return False
        return parts.path in ("", "/") and not parts.query and not parts.fragment

    def socks(value: Any) -> Iterator[str]:
        yield re.sub(r"^socks\w*://", "socks5://", str(value))

    schemes = ", ".join(PROXY_SCHEMES)
    text = f"scheme://[user:password@]host:port, scheme one of {schemes}"
    return Allowed(valid, text, meant=socks)


def ca_file() -> Allowed:
    """A file with certificates, now."""

    def valid(value: Any) -> bool:
        if not isinstance(value, str) or not value:
            return False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=value)
        except (OSError, ValueError):  # SSLError is an OSError
            return False
        return context.cert_store_stats()["x509"] > 0

    return Allowed(valid, "a file that we can read, of certificates in PEM")


def file() -> Allowed:
    """One that we can read, now; what is in it, who reads it says."""

    def valid(value: Any) -> bool:
        return isinstance(value, str) and Path(value).is_file() and os.access(value, os.R_OK)

    return Allowed(valid, "a file that we can read")


def source_name() -> Allowed:
    """What a feed is called by those who mirror it."""
    return Allowed(
        lambda value: isinstance(value, str) and bool(_SOURCE.fullmatch(value)),
        "letters, digits, '.', '_' and '-', at most 64 of them",
    )


def directory() -> Allowed:
    """One that can be there; whether it can be written to, who writes says."""

    def valid(value: Any) -> bool:
        return (
            isinstance(value, str)
            and bool(value.strip())
            and "\0" not in value
            and not Path(value).is_file()
        )

    return Allowed(valid, "the path of a directory")


def cpu() -> Allowed:
    """One of this host that we may use, which can change."""
    return Allowed(
        lambda value: integer(0, 1 << 20).valid(value) and value in usable_cpus(),
        "a CPU of this host that we may use",
        here=lambda: f": {', '.join(map(str, sorted(usable_cpus())))}",
    )


def time_of_day(text: str) -> int:
    """Seconds since midnight of `HH:MM`. Raises ValueError."""
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", text)
    if found is None:
        raise ValueError(f"not a time of day as HH:MM: {text!r}")
    return int(found[1]) * 3600 + int(found[2]) * 60


def utc() -> Allowed:
    """A time of day."""

    def valid(value: Any) -> bool:
        try:
            time_of_day(value)
        except (TypeError, ValueError):
            return False
        return True

    def other_forms(value: Any) -> Iterator[str]:
        yield str(value)[:5]  # 03:00:00, a time of TOML
        yield f"0{value}"
        yield f"{value:02}:00" if isinstance(value, int) else ""

    return Allowed(valid, 'a time of day, UTC, as "HH:MM"', meant=other_forms)


def namespace() -> Allowed:
    """As `shm` allows."""

    def valid(value: Any) -> bool:
        try:
            check_name("namespace", value)
        except BadName:
            return False
        return True

    return Allowed(
        valid,
        "1 to 48 letters, digits, '-' or '_'",
        meant=lambda value: [re.sub(r"[^A-Za-z0-9_-]+", "-", str(value))],
    )


def address() -> Allowed:
    """Where to listen."""

    def valid(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        host, _, port = value.rpartition(":")
        return value == "" or (bool(host) and _is_port(port))

    def here(value: Any) -> Iterator[str]:
        if value is False:
            yield ""
        elif isinstance(value, str | int):
            port = str(value).removeprefix(":")
            yield f"127.0.0.1:{port}"
            yield f"{value}:8787" if ":" not in str(value) else "?"

    return Allowed(valid, '"host:port", or "" for none', meant=here)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= 65535


def group() -> Allowed:
    """A Unix group; what is kept is its number, -1 for ""."""

    def valid(value: Any) -> bool:
        try:
            _group(value)
        except (KeyError, ValueError, TypeError):
            return False
        return True

    def near(value: Any) -> list[str]:
        return get_close_matches(str(value), [each.gr_name for each in grp.getgrall()], n=1)

    return Allowed(valid, 'a group of this host, by its name or number, or ""', _group, near)


def _group(value: Any) -> int:
    if value == "":
        return -1
    if isinstance(value, str):
        return grp.getgrnam(value).gr_gid
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise ValueError(value)
    return value


def strings(text: str, known: Iterable[str] = ()) -> Allowed:
    """A list of one or more texts. `known`: only of these one text alone may have meant a list."""

    def valid(value: Any) -> bool:
        return (
            isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
        )

    def parts(value: Any) -> Iterator[list[str]]:
        found = [part.strip() for part in value.split(",")] if isinstance(value, str) else []
        if not known or set(found) <= set(known):
            yield found

    return Allowed(valid, text, lambda value: tuple(dict.fromkeys(value)), parts, guess=False)
