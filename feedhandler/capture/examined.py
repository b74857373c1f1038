"""What a venue's declarations make of recorded frames: what was read by what, and what is left.

The engine reads the frames as it reads live ones; why it does not is said by the shapes themselves
(`shape/nearest.py`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedhandler.adapter.declared import words
from feedhandler.adapter.declared.venue import DeclaredVenue
from feedhandler.adapter.venue import Base, ListedInstrument, Venue
from feedhandler.capture.dated import misdated
from feedhandler.capture.doubts import First, Takers, doubts, suspect
from feedhandler.capture.frames_file import CaptureError, Frame, parse_frame, read_lines
from feedhandler.capture.replay import ReplayResult, replay
from feedhandler.engine import _engine
from feedhandler.one_line import one_line
from feedhandler.shape import tree
from feedhandler.shape.frame import TICKERS
from feedhandler.shape.meaning import Meaning, meaning
from feedhandler.shape.nearest import Likeness, Stop, likeness

_QUOTED = 400
_DIGITS = re.compile(r"[0-9]+")
_LOOKED_INTO = 500  # of frames that are left, each level is looked at in so many
_KINDS = {
    "book": ("snapshot", "book", "full", "answer"),
    "trades": ("trade", "liquidation"),
    "ticker": (*TICKERS, "quote"),
    "quote": ("quote",),
}
_COLUMNS = {
    "book": _engine.CHANNEL_BOOK,
    "trades": _engine.CHANNEL_TRADES,
    "ticker": _engine.CHANNEL_TICKER,
    "quote": _engine.CHANNEL_QUOTE,
}


@dataclass(slots=True)
class Declared:
    """A shape of `kind`, or an answer, and how many frames were read by it; `slow`: not by a
    skeleton that was known."""

    kind: str
    sample: str
    answer: bool = False
    frames: int = 0
    slow: int = 0


@dataclass(slots=True)
class LeftOver:
    """Frames that came to nothing for one reason. `what`: malformed | left over | unknown; `near`:
    the shape that is most like them, "" if none is; `stop`: where they are no more; `error`: the
    engine's words."""

    what: str
    quoted: str
    near: str = ""
    sample: str = ""
    stop: str = ""
    error: str = ""
    frames: int = 0


@dataclass(slots=True)
class Channel:
    """`missing`: what did not come, in words; "": nothing."""

    name: str
    frames: int
    instruments: int
    missing: str = ""


@dataclass(slots=True)
class Examined:
    """`busiest`: the instrument of which most came; `listed`: None where no list is there."""

    result: ReplayResult
    shapes: list[Declared] = field(default_factory=list)
    left: list[LeftOver] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    busiest: str = ""
    listed: list[ListedInstrument] | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def unread(self) -> list[Declared]:
        """What is declared, and nothing was read by."""
        return [one for one in self.shapes if not one.frames]

    @property
    def found(self) -> bool:
        """Whether something has to be looked at."""
        wrong = any(one.what != "unknown" for one in self.left)
        return wrong or bool(self.problems) or bool(self.result.broken)


def examine(path: Path, venue: Venue, lists: Mapping[str, bytes] | None = None) -> Examined:
    """Play a capture into memory that nobody sees.

    `lists`: answers to the request for the list of instruments, by where they are. Raises
    CaptureError, and what `replay` does.
    """
    watch = _Watch(venue)

    def over(_: ReplayResult) -> None:
        assert watch.engine is not None
        activity, load = watch.engine.activity(), watch.engine.load()
        watch.heard = {name: int((activity[:, at] > 0).sum()) for name, at in _COLUMNS.items()}
        watch.left_over = watch.gathered()
        if len(load):
            watch.busiest = watch.engine.symbols()[int(load.argmax())]

    result = replay(
        path,
        venue=venue.name,
        namespace=f"check-{os.getpid()}",
        seen=watch.seen,
        hold=lambda result: over(result) if watch.engine is not None else None,
    )
    if not result.lines:
        raise CaptureError(path, 0, "no frame is in it")
    told = Examined(result, watch.every, watch.left_over, busiest=watch.busiest)
    for where, body in {**dict(_recorded(path, venue)), **(lists or {})}.items():
        _listing(where, body, venue, told)
    if told.listed is not None:
        told.listed.sort(key=lambda one: one.symbol not in result.books)  # what came first
    answers = [one for one in watch.every if one.kind == "answer" and not one.answer]
    if answers:
        answers[0].frames = result.snapshots
    told.channels = list(_channels(venue, watch, told))
    changes = sum(one.frames for one in watch.every if one.kind == "book" and not one.answer)
    odd = [*doubts([*watch.firsts.values()], changes, result, told.listed), watch.takers.doubt]
    told.problems += [*watch.misdated.values(), *map(one_line, filter(None, odd)), *result.problems]
    return told


class _Watch:
    """Beside the engine: by which shape each frame was read."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.engine: _engine.Engine | None = None
        frames = venue.frames if isinstance(venue, DeclaredVenue) else ()
        self.shapes = [(meaning(each), Declared(each.kind, each.sample)) for each in frames]
        self.numbers = [pair for pair in self.shapes if pair[0].frame.kind == "number"]
        answers = venue.words.answers if isinstance(venue, DeclaredVenue) else ()
        self.answers = [
            (each, Declared(each.kind.name, each.sample, answer=True)) for each in answers
        ]
        self.others: dict[str, Declared] = {}  # of what Python alone says what it is
        self.left: dict[tuple[str, ...], LeftOver] = {}
        self.bound: dict[Any, str] = {}  # what the acknowledgements said that numbers stand for
        self.left_over: list[LeftOver] = []
        self.heard: dict[str, int] = {}
        self.busiest = ""
        self.misdated: dict[str, str] = {}  # by sample
        self.firsts: dict[str, First] = {}  # by sample
        self.takers = Takers()

    @property
    def every(self) -> list[Declared]:
        declared = [told for _, told in (*self.shapes, *self.answers)]
        return [*declared, *self.others.values()]

    def seen(self, _: Frame, payload: bytes, bits: int, slow: bool, engine: _engine.Engine) -> None:
        self.engine = engine
        value = words.decoded(payload)
        for told, count in self.numbers:
            if not likeness(told.tree, value).stops:
                count.frames += 1
        if bits & _engine.MALFORMED:
            self._leave("malformed", payload, value, engine.last_error())
        elif bits & _engine.UNKNOWN:
            self._leave("unknown", payload, value, "of a symbol or a channel that is not known")
        else:
            if bits & _engine.CONTROL:
                self._control(payload, value)
            if bits & _engine.DATA:
                count = self._by_shape(value)
                count.frames += 1
                count.slow += slow

    def _by_shape(self, value: Any) -> Declared:
        best, points = None, -1
        for told, count in self.shapes:
            if told.frame.kind in ("number", "answer"):
                continue
            like = likeness(told.tree, value, told.level, quick=True)
            if not like.stops and self._may_be(told, value):
                self._date(told, count, value)
                if self.engine is not None:
                    self.takers.look(told, value, self.engine)
                return count
            if like.points > points and not any(stop.word for stop in like.stops):
                best, points = count, like.points
        return best or self._other("data")

    def _date(self, told: Meaning, count: Declared, value: Any) -> None:
        """Of the first frame of a shape."""
        if count.frames:
            return
        self.firsts[count.sample] = First(told, value)
        if odd := misdated(told, value):
            self.misdated[count.sample] = one_line(f"{told.place}: {odd}")

    def _may_be(self, told: Meaning, value: Any) -> bool:
        """Whether its $channel is bound to the shape's word."""
        if not told.frame.channel:
            return True
        number = (tree.matched(told.tree, value) or {}).get("channel")
        return self.bound.get(number, told.frame.channel) == told.frame.channel

    def _other(self, kind: str) -> Declared:
        """By its decoder, or by a method of the venue."""
        return self.others.setdefault(kind, Declared(kind, "", answer=kind != "data"))

    def _control(self, payload: bytes, value: Any) -> None:
        try:
            controls = self.venue.control(payload, {})
        except ValueError:
            self._leave("left over", payload, value)
            return
        for one in controls:
            if one.channel and one.keys:
                self.bound[one.channel] = self.venue.topic(one.keys[0])
        read = self.venue.answering(payload) if isinstance(self.venue, DeclaredVenue) else None
        for answer, count in self.answers:
            if answer is read:
                count.frames += 1
                return
        self._other(controls[0].kind.name if controls else "NOTHING").frames += 1

    def _leave(self, what: str, payload: bytes, value: Any, error: str = "") -> None:
        kind, sample, stop = self._nearest(value, data=what == "malformed")
        error = one_line(error)
        said = one_line(stop) if stop else error
        one = self.left.get(key := (what, sample, _DIGITS.sub("0", said)))
        if one is None:
            quoted = one_line(payload[:_QUOTED].decode(errors="replace"), _QUOTED)
            one = self.left[key] = LeftOver(what, quoted, kind, sample, said, error)
        one.frames += 1

    def gathered(self) -> list[LeftOver]:
        """What is left for the same reason, whatever the instrument."""
        symbols = self.engine.symbols() if self.engine is not None else []
        found: dict[tuple[str, ...], LeftOver] = {}
        for (what, sample, said), one in self.left.items():
            whose = max((each for each in symbols if each in one.stop), key=len, default=None)
            alike = said if whose is None else one.stop.replace(whose, "$symbol")
            first = found.setdefault((what, sample, _DIGITS.sub("0", alike)), one)
            first.frames += one.frames if first is not one else 0
        return list(found.values())

    def _nearest(self, value: Any, *, data: bool) -> tuple[str, str, Stop | None]:
        """The kind and the sample of what is most like it, and where it is no more."""
        if not isinstance(value, dict | list):
            return "", "", Stop("", "no JSON")
        quick = sum(one.frames for one in self.left.values()) > _LOOKED_INTO
        found: list[tuple[Likeness, str, str]] = []
        told_by: dict[str, Meaning] = {}
        for told, _ in self.shapes:
            if told.frame.kind != "number":
                words_of = {"taker": told.frame.taker, "side": told.frame.sides}
                like = likeness(told.tree, value, told.level, quick=quick, words=words_of)
                found.append((like, told.frame.kind, told.frame.sample))
                told_by[told.frame.sample] = told
        for answer, _ in () if data else self.answers:
            found.append(
                (likeness(tree.parsed(answer.sample), value), answer.kind.name, answer.sample)
            )
        likely = [each for each in found if each[0].alike]
        if not likely:
            return "", "", None
        near, kind, sample = max(likely, key=lambda each: (each[0].points, each[0].alike))
        if near.stop is None and kind == "answer":
            why = (
                'a book that was asked for: a line {"url":...,"data":...}, of the request and of it'
            )
            return kind, sample, Stop("", why)
        if near.stop is None and (its := told_by.get(sample)) is not None:
            why = misdated(its, value) or suspect(its, value)
            return kind, sample, Stop("", why) if why else None
        return kind, sample, near.stop


def _recorded(path: Path, venue: Venue) -> Iterator[tuple[str, bytes]]:
    """The lists of instruments of a capture, which a replay passes over where they are wrong."""
    for number, line in read_lines(path):
        try:
            frame = parse_frame(line, path, number)
        except CaptureError:
            continue  # the replay has named it
        if frame.kind != "rest" or frame.dir != "in" or frame.data is None:
            continue
        if venue.lists_instruments(frame.url or "", frame.req or ""):
            yield f"line {number}", frame.data


def _listing(where: str, body: bytes, venue: Venue, told: Examined) -> None:
    try:
        listed = venue.parse_instruments(body)
    except ValueError as error:
        told.problems.append(one_line(f"{where}: the list of instruments: {error}"))
    else:
        told.listed = [*(told.listed or ()), *listed]


def _channels(venue: Venue, watch: _Watch, told: Examined) -> Iterator[Channel]:
    for name in venue.channels:
        counts = [count for shape, count in watch.shapes if name in _of(shape)]
        frames = sum(count.frames for count in counts)
        heard = watch.heard.get(name, 0)
        if name == "ticker" and not heard and any(count.kind == "quote" for count in counts):
            heard = watch.heard.get("quote", 0)
        missing = "" if counts or not watch.shapes else "no shape brings it"
        if not missing and not heard:
            missing = "nothing came"
        elif not missing and name == "book":
            missing = _of_book(venue, counts, told.result)
        yield Channel(name, frames, heard, missing)


def _of(shape: Meaning) -> Iterator[str]:
    """The channels that a shape brings something of."""
    return (name for name, kinds in _KINDS.items() if shape.frame.kind in kinds)


def _of_book(venue: Venue, counts: Sequence[Declared], result: ReplayResult) -> str:
    """What a book cannot be without."""
    came = {count.kind for count in counts if count.frames}
    if venue.base is Base.STREAM and counts and not result.counters["snapshots"]:
        return "no snapshot: no book can begin"
    if venue.base is Base.REQUEST and not result.snapshots:
        return "no answer with a book: none can begin"
    if venue.base is not Base.EVERY and counts and "book" not in came:
        return "no changes"
    standing = result.states.get("LIVE", 0)
    return "" if standing == len(result.books) else f"{len(result.books) - standing} not LIVE"
