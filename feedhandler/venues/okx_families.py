"""Which families of options OKX is asked for: it lists options by their family alone."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from feedhandler.adapter.pattern import Pattern, is_glob
from shm import InstrumentKind

_OPTION_NAME = re.compile(r"([^-]+-[^-]+)-[^-]+-[^-]+-[CP]")
_FUTURE_NAME = re.compile(r"[^-]+-[^-]+-[\d*?]+")
_PERPETUAL_NAME = re.compile(r".*-(SWAP|PERP)")

#: what the venue lists
LISTED = (
    InstrumentKind.SPOT,
    InstrumentKind.PERPETUAL,
    InstrumentKind.FUTURE,
    InstrumentKind.OPTION,
)


def kinds_of(pattern: Pattern) -> tuple[InstrumentKind, ...]:
    """What a pattern may name by its shape; options only when it says so."""
    if pattern.kind is not None:
        return (pattern.kind,) if pattern.kind in LISTED else ()
    if _OPTION_NAME.fullmatch(pattern.glob):
        return (InstrumentKind.OPTION,)
    if _PERPETUAL_NAME.fullmatch(pattern.glob):
        return (InstrumentKind.PERPETUAL,)
    if _FUTURE_NAME.fullmatch(pattern.glob):
        return (InstrumentKind.FUTURE,)
    if not is_glob(pattern.glob) and pattern.glob.count("-") == 1:
        return (InstrumentKind.SPOT,)
    return (InstrumentKind.SPOT, InstrumentKind.PERPETUAL, InstrumentKind.FUTURE)


def asked_for(patterns: Sequence[str]) -> list[str]:
    """The option families, or globs of them, that the patterns are about."""
    found = set()
    for pattern in map(Pattern.parse, patterns):
        if InstrumentKind.OPTION in kinds_of(pattern):
            named = _OPTION_NAME.fullmatch(pattern.glob)
            found.add(pattern.underlying or (named[1] if named else "*"))
    return sorted(found)


def of_answer(document: Any) -> list[str] | None:
    """The families that the answer names; None: it is another one."""
    rows = document.get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows:
        return None
    if not all(isinstance(row, list | str) for row in rows):
        return None
    every = (row if isinstance(row, list) else [row] for row in rows)
    return [family for row in every for family in row if isinstance(family, str)]


def wanted(patterns: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Those of the venue's that are asked for. One that is named in full is asked for even if the
    venue does not name it among them."""
    globs = asked_for(patterns)
    found = {family for family in listed if any(fnmatchcase(family, glob) for glob in globs)}
    return sorted(found | {glob for glob in globs if not is_glob(glob)})
