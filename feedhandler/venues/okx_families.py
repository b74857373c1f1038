"""Which families of options OKX is asked for: it lists options by their family alone."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from feedhandler.adapter.pattern import Pattern, is_glob
from shm import InstrumentKind

_OPTION = re.compile(r"([^-]+-[^-]+)-[^-]+-[^-]+-[CP]")
_SHAPES = (  # of names and globs, and what each is one of
    (_OPTION, InstrumentKind.OPTION),
    (re.compile(r".*-(SWAP|PERP)"), InstrumentKind.PERPETUAL),
    (re.compile(r"[^-]+-[^-]+-[\d*?]+"), InstrumentKind.FUTURE),
    (re.compile(r"[^-*?[]+-[^-*?[]+"), InstrumentKind.SPOT),
)
_ANY = (InstrumentKind.SPOT, InstrumentKind.PERPETUAL, InstrumentKind.FUTURE)


def kinds_of(pattern: Pattern) -> tuple[InstrumentKind, ...]:
    """What a pattern may name by its shape; options only when it says so."""
    if pattern.kind is not None:
        return () if pattern.kind is InstrumentKind.COMBO else (pattern.kind,)
    return next(((kind,) for shape, kind in _SHAPES if shape.fullmatch(pattern.glob)), _ANY)


def asked_for(patterns: Sequence[str]) -> list[str]:
    """The option families, or globs of them, that the patterns are about."""
    found = set()
    for pattern in map(Pattern.parse, patterns):
        if InstrumentKind.OPTION in kinds_of(pattern):
            named = _OPTION.fullmatch(pattern.glob)
            found.add(pattern.underlying or (named[1] if named else "*"))
    return sorted(found)


def named_in(document: Any) -> list[str]:
    """The families that the answer to that question names; none: it is another answer."""
    rows = document.get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list | str) for row in rows):
        return []
    every = (row if isinstance(row, list) else [row] for row in rows)
    return [family for row in every for family in row if isinstance(family, str)]


def wanted(patterns: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Those of the venue's that are asked for. One that is named in full is asked for even if the
    venue does not name it among them."""
    globs = asked_for(patterns)
    found = {family for family in listed if any(fnmatchcase(family, glob) for glob in globs)}
    return sorted(found | {glob for glob in globs if not is_glob(glob)})
