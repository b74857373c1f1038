"""What a new list of instruments says by what it lacks: that something is over, or that it is no
list to go by.

An instrument is over by its own date, by the venue's word, or when the venue lists it no more and
its streams have fallen silent, both. A list that lacks too much closes nothing: venues that are in
trouble answer with few instruments, or none, and HTTP 200, while the streams go on. Pure logic;
times are unix ns.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from feedhandler.instruments.universe import CarriedInstrument

SHARE = 0.5  #: of what was listed before, and of what is carried: with less it is no list
TIMES = 2  #: lists in a row that lack an instrument
DOUBTS = 5  #: short lists in a row that are one after all: the venue has become small


@dataclass(slots=True)
class Delistings:
    """Of one feed. `problem`: why the last list was not gone by, if it was not."""

    problem: str = ""
    doubts: int = 0
    _rows: int = 0
    _rules: tuple[str, ...] = ()
    _since: dict[int, int] = field(
        default_factory=dict
    )  # the first list without it after it last spoke

    def believed(
        self, rules: Sequence[str], there: Collection[str], carried: Iterable[CarriedInstrument]
    ) -> bool:
        """Whether a list is one. `there`: the symbols in it, readable or not; `rules`: by which it
        was asked for, since other rules have other lists."""
        if tuple(rules) != self._rules:
            self._rules, self._rows = tuple(rules), 0
        symbols = [tracked.spec.symbol for tracked in carried]
        lost = sum(symbol not in there for symbol in symbols)
        self.problem = _doubt(len(there), self._rows, lost, len(symbols))
        if not self.problem:
            self.doubts = 0
        else:
            self.doubts += 1
            if not there or self.doubts < DOUBTS:
                return False
            self.problem = ""
        self._rows = len(there)
        return True

    def over(
        self,
        now: int,
        there: Collection[str],
        carried: Sequence[CarriedInstrument],
        spoke: Callable[[CarriedInstrument], int],
        streams: Callable[[CarriedInstrument], bool],
    ) -> list[CarriedInstrument]:
        """What is over, of what is carried. `spoke`: when its streams last did; `streams`: whether
        they could: the silence of a connection that is down says nothing."""
        found = []
        for tracked in carried:
            if tracked.spec.symbol in there or not streams(tracked):
                tracked.missing = 0
                self._since.pop(tracked.id, None)
                continue
            since = self._since.get(tracked.id)
            if since is None or spoke(tracked) >= since:
                self._since[tracked.id], tracked.missing = now, 1  # from here on, if it is silent
                continue
            tracked.missing += 1
            if tracked.missing >= TIMES:
                found.append(tracked)
                del self._since[tracked.id]
        return found


def _doubt(rows: int, before: int, lost: int, carried: int) -> str:
    if not rows:
        return "the list of instruments is empty"
    if rows < SHARE * before:
        return f"the list of instruments has {rows} rows, and had {before}"
    if lost > SHARE * carried and carried > 1:
        return f"the list of instruments lacks {lost} of the {carried} that are followed"
    return ""
