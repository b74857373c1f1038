"""A level of a book as a venue's sample of it has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from feedhandler.shape.frame import Frame
from feedhandler.shape.tree import holes, parsed
from feedhandler.sim.market.book import BID, Change
from feedhandler.sim.market.instrument import Instrument, TextCache, fixed, plain
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.template import Template, quoting

NEW, CHANGED, GONE = "insert", "update", "delete"
_SAID: Final = frozenset({"_", "symbol"})
_PLAINS: Final = tuple(_SAID | {"price", "size", own} for own in ("orders", "verb"))
_MARK: Final = "\ue001%s\ue001"  # of no meaning to anybody


class Texts(NamedTuple):
    """Number text of one instrument, remembered."""

    prices: TextCache
    sizes: TextCache


def texts(instrument: Instrument, *, padded: bool) -> Texts:
    """`padded`: with all the decimals that tick and lot have, as venues write whose checksum is of
    the text; else without trailing zeros."""
    if not padded:
        return Texts(instrument.prices(plain), instrument.sizes(plain))
    price, size = instrument.price_mantissa(1)[1], instrument.lot_mantissa[1]
    return Texts(instrument.prices(fixed(price)), instrument.sizes(fixed(size)))


def level_id(side: int, grid: int) -> str:
    """The venue's number for a price of a side: nothing of the price is to be seen in it."""
    return str((2 * grid + side) * 7919 % 8_589_934_583 + 10**9)


def act(change: Change) -> str:
    """What became of the level."""
    return GONE if not change.new else CHANGED if change.old else NEW


class Layout:
    """Levels in the form of `Frame.level`, or of a frame that is itself about a single level."""

    def __init__(self, frame: Frame, beside: Beside) -> None:
        self._sides = frame.sides
        self._verbs = {
            NEW: frame.changes[0],
            CHANGED: frame.changes[-1],
            GONE: frame.deletes[0],
        }
        self._template = None
        if frame.level:
            words = {"side": frame.sides, "verb": list(self._verbs.values()), "symbol": ("S",)}
            self._template = Template(quoting(beside.level(frame), words))
            names = self._template.holes
        else:
            names = frozenset(hole.name for hole in holes(parsed(frame.sample)))
        self.names, self._signed, self._keyed = names, "amount" in names, "id" in names
        self._text, self._swapped, self._ordered, self._told = "", False, False, False
        self._said: tuple[str, ...] = ()
        plain = {"price", "size"} <= names and any(names <= its for its in _PLAINS)
        if self._template is not None and plain:
            self._said = tuple(names & _SAID)
            self._text = self._written(names)

    def values(
        self, change: Change, texts: Texts, symbol: str, said: Mapping[str, str]
    ) -> dict[str, str]:
        """What stands in the holes of a level; `said`: what else there is to say."""
        side, grid, _, new = change
        done = act(change)
        price, size = texts.prices[grid], texts.sizes[new]
        found = {name: said[name] for name in self.names & said.keys()}
        found |= {"side": self._sides[side], "verb": self._verbs[done], "symbol": symbol}
        if self._keyed:
            found["id"] = level_id(side, grid)
        if not self._keyed or done == NEW:
            found["price"] = price
        if not self._keyed or done != GONE:
            found["size"] = size
        if self._signed:
            amount = texts.sizes[new] if new else "1"
            found["amount"] = amount if side == BID else f"-{amount}"
            found["count"] = str(min(9, 1 + new % 5)) if new else "0"
        if "orders" in self.names:
            found["orders"] = str(1 + new % 7 if new else 0)
        return found

    def _written(self, names: frozenset[str]) -> str:
        """A level that has little beside price and size: with places for these, in this order, and
        the names of what is the same of all levels. "": what becomes of it is not in front."""
        assert self._template is not None
        marks = {name: _MARK % name for name in names}
        text = self._template.filled(marks).replace("%", "%%")
        places = [text.index(marks[name]) for name in ("verb", "price", "size") if name in marks]
        if "verb" in marks and places != sorted(places):
            return ""
        self._swapped = text.index(marks["size"]) < text.index(marks["price"])
        for name in ("orders", "verb"):
            text = text.replace(marks[name], "%s") if name in marks else text
        self._ordered, self._told = "orders" in marks, "verb" in marks
        return text.replace(marks["price"], "%s").replace(marks["size"], "%s")

    def array(
        self, changes: Sequence[Change], texts: Texts, symbol: str, said: Mapping[str, str]
    ) -> str:
        """A list of levels."""
        if not self._text:
            assert self._template is not None
            filled = self._template.filled
            rows = [filled(self.values(one, texts, symbol, said)) for one in changes]
            return f"[{','.join(rows)}]"
        if not changes:
            return "[]"
        text, (prices, sizes) = self._text, texts
        for name in self._said:
            text = text.replace(_MARK % name, symbol if name == "symbol" else said.get(name, "0"))
        if self._ordered:  # so many in a level follows from its size: books agree
            rows = [
                text % (prices[grid], sizes[new], 1 + new % 7 if new else 0)
                for _, grid, _, new in changes
            ]
        elif self._told:
            added, changed, gone = (self._verbs[name] for name in (NEW, CHANGED, GONE))
            rows = [
                text % (gone if not new else changed if old else added, prices[grid], sizes[new])
                for _, grid, old, new in changes
            ]
        elif self._swapped:
            rows = [text % (sizes[new], prices[grid]) for _, grid, _, new in changes]
        else:
            rows = [text % (prices[grid], sizes[new]) for _, grid, _, new in changes]
        return f"[{','.join(rows)}]"


def standing(side: int, levels: Sequence[tuple[int, int]]) -> list[Change]:
    """Levels of a whole book, each of them new."""
    return [Change(side, grid, 0, lots) for grid, lots in levels]
