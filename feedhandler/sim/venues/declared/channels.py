"""Which frames a venue sends on a key, and what stands in them because of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from feedhandler.adapter.declared import DeclaredVenue, Topic, Topics
from feedhandler.adapter.declared.topics import Declared
from feedhandler.adapter.names import date
from feedhandler.adapter.venue import Base
from feedhandler.shape.frame import TICKERS, Frame
from feedhandler.shape.tree import Literal, Node, Text, holes, matched, parsed
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.venues.declared.beside import Sent
from feedhandler.sim.venues.declared.rows import KINDS
from feedhandler.sim.venues.declared.template import nodes

_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "book": ("book", "snapshot", "full", "checksum"),
    "trades": ("trade", "liquidation"),
    "quote": ("quote",),
    "ticker": tuple(TICKERS),
}
"""Of frames, by the channel that they come on."""


class Channel(NamedTuple):
    """A key that a client may subscribe to. `said`: what frames say because it is this key;
    `subject`: its hole and what is in it: the symbol, or the family that it is about; `expiry`:
    YYMMDD, where it is about those alone that end then."""

    key: str
    topic: Topic
    symbol: str
    subject: tuple[str, str]
    levels: int
    said: dict[str, str]
    expiry: str = ""

    def about(self, instrument: Instrument) -> bool:
        """Whether it tells of this one, whose subject it has."""
        kinds = self.topic.kinds
        if kinds and instrument.kind not in [KINDS.get(kind) for kind in kinds]:
            return False
        return not self.expiry or self.expiry == date(instrument.expiry_ms * 1_000_000)[2:]


class Channels:
    """Of one venue."""

    def __init__(self, venue: DeclaredVenue, topics: Topics, sent: Sequence[Sent] = ()) -> None:
        self._venue, self._topics = venue, topics
        self.sent = {one.its.name: one for one in sent}
        self._frames: dict[str, list[Frame]] = {}
        """By the word of a topic."""
        for channel, those in topics.by_channel.items():
            kinds = [frame for frame in venue.frames if frame.kind in _KINDS.get(channel, ())]
            for frame in kinds:
                if frame.kind == "full" and venue.base is not Base.EVERY:
                    continue  # of channels beside that of the changes
                self._frames.setdefault(_its(frame, those).name, []).append(frame)
        for word, frames in self._frames.items():
            self._frames[word] = _named(word, frames)
        self._frames |= {word: list(one.frames) for word, one in self.sent.items() if one.frames}

    def frames(self, topic: Topic, *kinds: str) -> list[Frame]:
        """Those of a topic that are of these kinds; of several that say the same, as in another
        wrapping, the first. What becomes of a book's levels is written in words."""
        if (sent := self.sent.get(topic.name)) is not None and sent.frames:
            return [frame for frame in sent.frames if frame.kind in kinds]
        found: dict[object, Frame] = {}
        for frame in self._frames.get(topic.name, ()):
            said = frozenset(hole.name for hole in holes(parsed(frame.sample))) - {"_"}
            whole = frame.kind in _KINDS["book"]
            alike = frame.sample if whole else (frame.kind, said, frame.forced)
            if frame.kind in kinds:
                found.setdefault(alike, frame)
        return list(found.values())

    def read(self, key: str) -> Channel | None:
        """What a key means; None: the venue has no such topic."""
        found = self._topics.read(key)
        if found is None:
            return None
        topic, _, inside = found
        depth = inside.get("depth")
        if depth is not None and int(depth) not in topic.depths:
            return None
        levels = int(depth) if depth is not None else topic.depth(self._venue.depth)
        frames = self._frames.get(topic.name, ())
        levels = levels or max((one.window for one in frames), default=0)
        if not levels and any("$window" in one.sample for one in frames):
            levels = self._venue.depth  # it says how many there are, and no more is known
        symbol = inside.get("symbol", "")
        said = {"symbol": symbol, "window": str(levels), "key": key}
        said |= {name: inside[name] for name in ("family", "index_name") if name in inside}
        for frame in frames:
            for text in nodes(parsed(frame.sample)):
                if isinstance(text, Text):
                    said |= matched(text, key) or {}
        expiry = inside.get("expiry", "")
        return Channel(key, topic, symbol, _subject(inside), levels, said, expiry)


def further(declared: Declared, sent: Sequence[Sent]) -> dict[str, tuple[str | Topic, ...]]:
    """The topics of a venue, and those that it sends beside them, by what comes on them."""
    found = {
        channel: (those,) if isinstance(those, str | Topic) else tuple(those)
        for channel, those in declared.items()
    }
    known = {_topic(one).name for those in found.values() for one in those}
    for one in sent:
        if one.its.name not in known:
            kind = one.frames[0].kind
            channel = next(name for name, kinds in _KINDS.items() if kind in kinds)
            found[channel] = (*found.get(channel, ()), one.its)
    return found


def _topic(one: str | Topic) -> Topic:
    return Topic(one) if isinstance(one, str) else one


def keyed(frame: Frame, key: str) -> Frame:
    """As it comes on a key: the text that names its channel is the key."""

    def text(found: re.Match[str]) -> str:
        node = parsed(found[0])
        of_key = isinstance(node, Text) and matched(node, key) is not None
        return json.dumps(key) if of_key else found[0]

    return replace(frame, sample=_TEXT.sub(text, frame.sample))


def on_key(frames: Sequence[Frame], key: str) -> list[Frame]:
    """Those that come on a key. Where some name it in a text, others are of another key."""
    found = [(frame, keyed(frame, key)) for frame in frames]
    named = [its for frame, its in found if its != frame]
    return named or list(frames)


def _subject(inside: Mapping[str, str]) -> tuple[str, str]:
    hole = next((name for name in ("symbol", "family", "index_name") if inside.get(name)), "")
    return hole, inside.get(hole, "")


def _its(frame: Frame, topics: Sequence[Topic]) -> Topic:
    """The topic on which a frame comes: the one whose word it is bound to, or has in it, else the
    first."""
    for topic in topics if frame.channel else ():
        if topic.name == frame.channel:
            return topic
    texts = list(_written(parsed(frame.sample)))
    exact = (topic for topic in topics if topic.name in texts)
    if (found := next(exact, None)) is not None:
        return found
    written = " ".join(texts)
    named = (topic for topic in topics if topic.name in written)
    begun = (
        topic for topic in topics if (front := topic.key.partition("$")[0]) in written and front
    )
    return next(named, None) or next(begun, topics[0])


def _named(word: str, frames: list[Frame]) -> list[Frame]:
    """Without those of other channels, which nobody subscribes to, where one of the kind says this
    one's word: `books50`, and the channel is `books`."""
    exact = [frame for frame in frames if word in _written(parsed(frame.sample))]
    kinds = {frame.kind for frame in exact}
    return [frame for frame in frames if frame in exact or frame.kind not in kinds]


def _written(tree: Node) -> Iterable[str]:
    """What is written out in a sample."""
    for node in nodes(tree):
        if isinstance(node, Literal) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, Text):
            yield "".join(part for part in node.parts if isinstance(part, str))
