"""What a pattern may name on OKX, by its shape."""

import re
from collections.abc import Sequence

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


def families_of(patterns: Sequence[str]) -> list[str]:
    """The option families, or globs of them, that the patterns are about."""
    found = set()
    for pattern in map(Pattern.parse, patterns):
        if InstrumentKind.OPTION in kinds_of(pattern):
            named = _OPTION_NAME.fullmatch(pattern.glob)
            found.add(pattern.underlying or (named[1] if named else "*"))
    return sorted(found)
