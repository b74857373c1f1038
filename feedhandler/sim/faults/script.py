"""Scripts of faults: a TOML file of ``[[fault]]`` tables, each saying when and what.

::

    [[fault]]
    at = 5.0               # seconds after the venue began to listen
    venue = "deribit"      # without: every venue
    kind = "gap"           # and its keys, as POST /sim/fault takes them
    symbol = "BTC-PERPETUAL"

    [[fault]]
    after = 10_000         # messages that the venue has sent
    kind = "drop"
    every = 30.0           # with `at`: again so many seconds later, `times` in all
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final

from feedhandler.sim.faults.keys import KEYS
from feedhandler.sim.faults.order import FaultError, read_order
from feedhandler.sim.registry import names
from feedhandler.suggest import did_you_mean

_WHEN: Final = ("at", "after", "every", "times", "venue")


class ScriptError(ValueError):
    """A script that makes no sense; the text names the entry, the key and what is allowed."""


@dataclass
class Step:
    """One entry of a script on its way."""

    number: int
    request: Mapping[str, Any]
    at: float | None
    after: int | None
    every: float | None
    times: int | None

    def due(self, elapsed: float, messages: int) -> bool:
        """Whether its time has come."""
        if self.at is not None:
            return elapsed >= self.at
        return self.after is not None and messages >= self.after

    def again(self) -> bool:
        """Move it to its next time; False if there is none."""
        if self.times is not None:
            self.times -= 1
        if self.every is None or self.at is None or self.times == 0:
            return False
        self.at += self.every
        return True


def load_script(path: Path) -> tuple[dict[str, Any], ...]:
    """The entries of a script file, for `SimOptions.script`. Raises ScriptError and OSError.

    Symbols and channels are not looked at: only a venue knows its own.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: not TOML: {error}") from None
    entries = found.pop("fault", None)
    if found:
        raise ScriptError(f"{path}: {next(iter(found))}: a script has [[fault]] tables only")
    if not isinstance(entries, list) or not entries:
        raise ScriptError(f"{path}: no [[fault]] in it")
    try:
        check_entries(entries)
    except ScriptError as error:
        raise ScriptError(f"{path}: {error}") from None
    return tuple(entries)


def check_entries(entries: Sequence[Any]) -> None:
    """Check the shape of all entries. Raises ScriptError."""
    for number, entry in enumerate(entries, 1):
        _step(number, entry)


def steps_of(entries: Iterable[Mapping[str, Any]], venue: str) -> list[Step]:
    """The entries that are for a venue. Raises ScriptError."""
    return [
        _step(number, entry)
        for number, entry in enumerate(entries, 1)
        if entry.get("venue", venue) == venue
    ]


def entry_error(number: int, text: object) -> ScriptError:
    """An error about an entry."""
    return ScriptError(f"[[fault]] {number}: {text}")


def _step(number: int, entry: Any) -> Step:
    if not isinstance(entry, Mapping):
        raise entry_error(number, f"must be a table: {entry!r}")
    named = entry.get("venue")
    if "venue" in entry and named not in names():
        hint = did_you_mean(str(named), names())
        raise entry_error(number, f"venue: unknown venue {named!r}{hint}")
    at, after = _seconds(number, entry, "at"), _whole(number, entry, "after")
    every, times = _seconds(number, entry, "every"), _whole(number, entry, "times")
    if (at is None) == (after is None):
        raise entry_error(number, "at, after: one of them says when")
    if every is not None and (at is None or every <= 0):
        raise entry_error(number, "every: goes with at, and must be above 0")
    if times is not None and (every is None or times < 1):
        raise entry_error(number, "times: goes with every, and must be at least 1")
    request = {key: value for key, value in entry.items() if key not in _WHEN}
    if "kind" not in request:
        raise entry_error(number, "kind: is missing")
    try:
        read_order(request)
    except FaultError as error:
        raise entry_error(number, error) from None
    return Step(number, request, at, after, every, times)


def _seconds(number: int, entry: Mapping[str, Any], key: str) -> float | None:
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise entry_error(number, f"{key} must be a number of seconds: {value!r}")
    if value < 0:
        raise entry_error(number, f"{key} must not be negative: {value!r}")
    return float(value)


def _whole(number: int, entry: Mapping[str, Any], key: str) -> int | None:
    value = entry.get(key)
    if value is not None and not KEYS["updates"].fits(value):
        raise entry_error(number, f"{key} must be {KEYS['updates'].allowed}: {value!r}")
    return None if value is None else int(value)
