"""How a venue names its instruments: as one of them is named, so are the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from feedhandler.adapter.declared import By, Listing
from feedhandler.sim.market.underlyings import INDEX_START
from shm import InstrumentKind

_QUOTES: Final = ("USDT", "USDC", "UST", "USD", "EUR")
FALLBACK: Final = "BTC-USDT"


@dataclass(frozen=True)
class Naming:
    """A symbol with its base and quote left open: `PF_{base}USD`. `quote`: of the one it was read
    of, as the venue writes it. `common`: symbols have a currency's common name where the list has
    another one."""

    form: str
    base: str
    quote: str
    lower: bool
    common: bool

    @property
    def perpetual(self) -> bool:
        """Whether the name says so."""
        return is_perpetual(self.form)

    def symbol(self, base: str, quote: str, more: str = "") -> str:
        """`base`, `quote`: as the venue writes them in its list."""
        if self.lower:
            base, quote, more = base.lower(), quote.lower(), more.lower()
        return self.form.format(base=base, quote=quote) + more


def naming(symbols: Sequence[str], aliases: Mapping[str, str]) -> Naming:
    """By the first symbol in which a base is found. `aliases`: the venue's own name -> ours."""
    own = {ours: theirs for theirs, ours in aliases.items()}
    for symbol in (*symbols, FALLBACK):
        for base, name in _names(own):
            at = symbol.upper().find(name)
            if at >= 0:
                common = name != own.get(base, name)
                return _named(symbol, base, at, len(name), common)
    raise AssertionError(FALLBACK)


def _names(own: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every base by the name that the venue's list has for it, then by its common one."""
    yield from ((base, own.get(base, base)) for base in INDEX_START)
    yield from ((base, base) for base in INDEX_START if base in own)


def _named(symbol: str, base: str, at: int, length: int, common: bool) -> Naming:
    rest = symbol[at + length :]
    found = re.search("|".join(map(re.escape, _QUOTES)), rest.upper())
    quote = found[0] if found else ""
    front, behind = (rest[: found.start()], rest[found.end() :]) if found else (rest, "")
    form = f"{_literal(symbol[:at])}{{base}}{_literal(front)}"
    form += f"{{quote}}{_literal(behind)}" if found else ""
    return Naming(form, base, quote, symbol[at].islower(), common)


def named_like(symbol: str, form: Naming) -> Naming | None:
    """Base and quote of a symbol that is written like another one; None: it is not."""
    front, _, rest = form.form.partition("{base}")
    middle, quoted, behind = rest.partition("{quote}")
    pattern = f"{re.escape(front)}(?P<base>\\w+?){re.escape(middle)}"
    if quoted:
        pattern += f"(?P<quote>{'|'.join(map(re.escape, _QUOTES))}){re.escape(behind)}"
    found = re.fullmatch(pattern, symbol, re.IGNORECASE)
    if found is None:
        return None
    quote = found["quote"].upper() if quoted else ""
    return replace(form, base=found["base"].upper(), quote=quote)


def is_perpetual(symbol: str) -> bool:
    """Whether a name says that it is one."""
    return re.search("perp|swap|pf_", symbol, re.IGNORECASE) is not None


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def quotes(first: str, aliases: Mapping[str, str]) -> Iterator[str]:
    """Currencies that bases are quoted in, as the venue writes them, without end: the usual one
    first."""
    own = {ours: theirs for theirs, ours in aliases.items()}
    yield from dict.fromkeys((first or own.get("USDT", "USDT"), own.get("USDC", "USDC")))
    number = 2
    while True:
        yield f"Q{number}"
        number += 1


def day_suffix(day: date) -> str:
    """Of a dated instrument."""
    return f"_{day:%y%m%d}"


def of_kind(listing: Listing, kind: InstrumentKind, symbol: str) -> str:
    """The symbol with this kind's word in it, where a part of symbols says what they are; without
    any, where the rest is of this kind."""
    by, pattern = listing.kind, listing.parts.get(listing.symbol)
    found = re.fullmatch(pattern, symbol) if pattern else None
    part = by.field.removeprefix("$") if isinstance(by, By) else ""
    if found is None or not isinstance(by, By) or part not in found.groupdict():
        return symbol
    word = next((word for word, meaning in by.words.items() if meaning is kind), None)
    if word is None:
        others = "|".join(map(re.escape, by.words))
        word = re.sub(f"(?:{others})_?", "", found[part] or "", count=1)
    return symbol[: found.start(part)] + word + symbol[found.end(part) :]
