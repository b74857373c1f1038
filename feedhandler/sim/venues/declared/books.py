"""What a venue's frames say of books: whole ones, what has changed, and checksums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from feedhandler.adapter.checksum import Checksum
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.venue import Base
from feedhandler.shape.frame import Frame
from feedhandler.shape.tree import Hole, Literal, Node, Object
from feedhandler.sim.market.book import ASK, BID, Book, Change
from feedhandler.sim.market.live import Live
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.checksum import checksum
from feedhandler.sim.venues.declared.levels import (
    CHANGED,
    GONE,
    NEW,
    Layout,
    Texts,
    act,
    standing,
)
from feedhandler.sim.venues.declared.numbers import ALONE, Counted, Numbers, of_time
from feedhandler.sim.venues.declared.template import Baked, Template, nodes, quoting

Values = Mapping[str, str]
_ACTS: Final = {NEW: ("insert", "new"), CHANGED: ("update", "change", "changed")}


class BookFrame:
    """A frame with levels in it: of a message `parts` are those of its holes that say which."""

    def __init__(self, frame: Frame, beside: Beside) -> None:
        words = {"symbol": ("S",), "side": frame.sides, "time_iso": ("T",), "sent_iso": ("T",)}
        self.template = Template(quoting(beside.tree(frame), words))
        self.layout = Layout(frame, beside)
        self.removes, self.still = frame.removes, frame.still
        self._literals = set(_literals(self.template.tree))
        self.optional = set(_optional(self.template.tree)) & {"bids", "asks"}
        self.single = not self.template.holes & {"bids", "asks", "levels"}
        """Whether it has one level a message."""
        self.apart = not self.single and "levels" not in self.template.holes

    @property
    def acts(self) -> set[str]:
        """What becomes of levels that stand in it, as far as its words say so: insert, update."""
        if self.removes:
            return {GONE}
        return {one for one, words in _ACTS.items() if self._literals & set(words)}

    def parts(
        self, changes: Sequence[Change], texts: Texts, symbol: str, said: Values
    ) -> list[dict[str, str]]:
        """The levels of each message that it takes to say this."""
        if self.apart:
            return [self.sides(changes, texts, symbol, said)]
        if self.single:
            return [self.layout.values(one, texts, symbol, said) for one in changes]
        return [{"levels": self.layout.array(changes, texts, symbol, said)}]

    def sides(
        self, changes: Sequence[Change], texts: Texts, symbol: str, said: Values
    ) -> dict[str, str]:
        """The levels of a message that has its bids and asks apart."""
        array = self.layout.array
        bids = array([one for one in changes if not one[0]], texts, symbol, said)
        asks = array([one for one in changes if one[0]], texts, symbol, said)
        found = {"bids": bids, "asks": asks}
        for name in self.optional:
            if found[name] == "[]":
                del found[name]
        return found


class Books:
    """Every frame of a venue that is about books."""

    def __init__(
        self,
        frames: Sequence[Frame],
        numbers: Numbers | Counted,
        rule: Checksum | None,
        beside: Beside,
        said: Values | None = None,
    ) -> None:
        """`said`: what stands in all of them, where they are of one key."""
        by_kind: dict[str, list[BookFrame]] = {}
        for frame in frames:
            if frame.kind in ("book", "snapshot", "full", "answer"):
                by_kind.setdefault(frame.kind, []).append(BookFrame(frame, beside))
        # What goes, first: else a book would be crossed between two messages.
        deltas = sorted(by_kind.get("book", []), key=lambda frame: not frame.removes)
        apart = set().union(*(one.acts for one in deltas)) == {NEW, CHANGED, GONE}
        self.deltas = deltas if apart else deltas[:1]  # else they are of other days and channels
        self._whole = {kind: found[0] for kind, found in by_kind.items() if kind != "book"}
        if still := [frame for frame in self.deltas if frame.still]:
            self._whole["snapshot"] = still[0]
        checks = [frame for frame in frames if frame.kind == "checksum"]
        self._check = Template(checks[0].sample) if checks else None
        self._numbers, self._rule = numbers, rule
        self.single = any(frame.single for frame in self.deltas)
        simple = len(self.deltas) == 1 and self.deltas[0].apart and self._check is None
        self._one = self.deltas[0] if simple else None
        """Where each update is one message."""
        self._summed = "checksum" in self.names
        self._baked: Baked | None = None
        self._said: tuple[str, ...] = ()
        if self._one is not None:
            self._baked = self._one.template.baked(said)
            names = self._one.template.holes | self._one.layout.names
            self._times = of_time(names)
            self._said = () if "first" in names else tuple(names & ALONE)

    @property
    def names(self) -> set[str]:
        """The holes of all of them."""
        frames = [*self.deltas, *self._whole.values()]
        own = self._check.holes if self._check is not None else ()
        return set(own).union(*(one.template.holes | one.layout.names for one in frames))

    def has(self, kind: str) -> bool:
        """Whether there are frames of whole books of this kind."""
        return kind in self._whole

    def changed(
        self,
        live: Live,
        texts: Texts,
        changes: Sequence[Change],
        span: tuple[int, int],
        said: Values,
        wrong: int = 0,
    ) -> list[str]:
        """The messages of an update. `span`: the numbers before and of it; `said`: what else stands
        in them, with the times; `wrong`: bits of the checksum that are so."""
        symbol = live.instrument.symbol
        if self._baked is not None and self._one is not None:
            values = (
                self._numbers.only(*span, self._said) if self._said else self._numbers.values(*span)
            )
            if self._summed:
                values |= self._sum(live, live.book, wrong)
            for name in self._times:
                values.setdefault(name, said[name])
            values |= self._one.sides(changes, texts, symbol, values)
            text, get = self._baked
            return [text % get(values)]
        sums = self._sum(live, live.book, wrong) if self._summed else {}
        said = {**said, **sums, "_": str(span[1])}  # levels with a number have the message's
        groups = [
            (frame, parts)
            for frame, done in self._grouped(changes)
            for parts in frame.parts(done, texts, symbol, said)
        ]
        found = []
        for at, (frame, parts) in enumerate(groups):
            numbers = self._numbers.values(*span, at, len(groups))
            found.append(frame.template.filled({**said, **numbers, **parts}))
        if self._check is not None:
            found.append(self._check.filled({**said, "symbol": symbol}))
        return found

    def _grouped(self, changes: Sequence[Change]) -> list[tuple[BookFrame, Sequence[Change]]]:
        if len(self.deltas) == 1:
            return [(self.deltas[0], changes)]
        found: dict[int, list[Change]] = {}
        for change in changes:
            done = act(change)
            place = next(at for at, one in enumerate(self.deltas) if done in one.acts)
            found.setdefault(place, []).append(change)
        return [(self.deltas[at], some) for at, some in sorted(found.items())]

    def whole(
        self,
        kind: str,
        live: Live,
        texts: Texts,
        book: Book,
        said: Values,
        levels: int = 0,
        more: Sequence[Change] = (),
    ) -> list[str]:
        """A full book in frames of a kind; `levels`: at most so many a side, 0 all; `more`: that do
        not belong there."""
        frame = self._whole[kind]
        symbol = live.instrument.symbol
        rows = [
            *more,
            *(
                one
                for side in (BID, ASK)
                for one in standing(side, book.levels(side, levels or None))
            ),
        ]
        said = {**said, "_": str(book.sequence)}
        values = {**said, **self._numbers.whole(book.sequence), **self._sum(live, book)}
        if frame.still:
            values["previous"] = values["final"]
        return [
            frame.template.filled({**values, **parts})
            for parts in frame.parts(rows, texts, symbol, values)
        ]

    def _sum(self, live: Live, book: Book, wrong: int = 0) -> dict[str, str]:
        if self._rule is None:
            return {"checksum": "0"}  # where it was given up
        return {"checksum": str(checksum(self._rule, live.instrument, book) ^ wrong)}


def _optional(tree: Node) -> Iterable[str]:
    """The holes that are the whole value of a key that need not be there."""
    for node in nodes(tree):
        if isinstance(node, Object):
            for key in node.keys:
                if key.optional and isinstance(key.node, Hole):
                    yield key.node.name


def _literals(tree: Node) -> Iterable[str]:
    """The strings that are written out."""
    for node in nodes(tree):
        if isinstance(node, Literal) and isinstance(node.value, str):
            yield node.value


def numbers_of(venue: DeclaredVenue, *, leaps: bool) -> Numbers:
    """How a venue's book messages are numbered, by its rule and by what they have room for."""
    kind = "full" if venue.base is Base.EVERY else "book"
    frames = [BookFrame(frame, Beside()) for frame in venue.frames if frame.kind == kind]
    there = {name for frame in frames for name in frame.template.holes}
    single = any(frame.single for frame in frames)
    return Numbers(venue.rule, there, single=single, leaps=leaps)
