"""How instruments are asked for: names, globs, and globs by kind."""

import re
from dataclasses import dataclass
from fnmatch import translate
from typing import Protocol

from feedhandler.suggest import did_you_mean, near
from shm import InstrumentKind

KINDS = {
    "spot": InstrumentKind.SPOT,
    "perpetual": InstrumentKind.PERPETUAL,
    "future": InstrumentKind.FUTURE,
    "option": InstrumentKind.OPTION,
    "combo": InstrumentKind.COMBO,
}


class Named(Protocol):
    """What a pattern looks at: an instrument as its venue lists it, or as memory or files have it.
    `active`: whether orders may be placed, or a set is to have it all the same."""

    @property
    def symbol(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> InstrumentKind: ...
    @property
    def active(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of `instruments` in the configuration, taken apart.

    =======================  =====================================================================
    `BTC-PERPETUAL`          one instrument, by the venue's name or the normalised one
    `BTC-USD-*`              a glob over both names; combos are never meant
    `xyz:XYZ100`             one instrument: what is before its colon is like no kind
    `spot:BTC-*`             the same, among the instruments of one kind
    `option:BTC-USD:2026*`   a kind, a glob over the underlying (the first two parts of the
                             normalised name), and a glob over what follows it
    =======================  =====================================================================
    """

    text: str
    kind: InstrumentKind | None
    underlying: str  #: "" unless the pattern has three parts
    glob: str

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Raises ValueError: empty, white space, more than three parts, or an unknown kind."""
        if not text or any(character.isspace() for character in text):
            raise ValueError("an instrument's name or a pattern, without white space")
        parts = text.split(":")
        if len(parts) == 1 or (len(parts) == 2 and all(parts) and not _like_a_kind(parts[0])):
            return cls(text, None, "", text)
        if len(parts) > 3 or not all(parts):
            raise ValueError("KIND:GLOB or KIND:UNDERLYING:GLOB, none of them empty")
        if parts[0] not in KINDS:
            raise ValueError(f"no such kind: {parts[0]!r}{did_you_mean(parts[0], KINDS)}")
        underlying = parts[1] if len(parts) == 3 else ""
        return cls(text, KINDS[parts[0]], underlying, parts[-1])

    @property
    def exact(self) -> bool:
        """Whether it names one instrument rather than a set."""
        return not self.underlying and not is_glob(self.glob)

    def matches(self, spec: Named) -> bool:
        """Whether it means this instrument; sets skip what does not trade, and combos."""
        if self.kind is None:
            if self.exact:
                return self.glob in (spec.symbol, spec.name)
            if spec.kind is InstrumentKind.COMBO:
                return False
        elif spec.kind is not self.kind:
            return False
        if not self.exact and not spec.active:
            return False
        if not self.underlying:
            return _match(self.glob, spec.symbol) or _match(self.glob, spec.name)
        parts = spec.name.split("-", 2)
        return _match(self.underlying, "-".join(parts[:2])) and _match(
            self.glob, parts[2] if len(parts) == 3 else ""
        )


def _like_a_kind(word: str) -> bool:
    """Whether it is one, or misspelt: else it is of a venue's names that have a colon."""
    return word in KINDS or bool(near(word, KINDS))


def is_glob(text: str) -> bool:
    """Whether the text has a wild card: `*`, `?` or `[`."""
    return any(character in text for character in "*?[")


_compiled: dict[str, re.Pattern[str]] = {}


def _match(glob: str, text: str) -> bool:
    compiled = _compiled.get(glob)
    if compiled is None:
        compiled = _compiled[glob] = re.compile(translate(glob))
    return compiled.match(text) is not None
