"""Subscription keys as templates: `market.$symbol.mbp.$depth`, filled and read back.

Holes of a template: `$symbol`; `$family`, of what several instruments have together, `$expiry`,
YYMMDD, of those of them that end on one day; `$index_name`, of the index that several follow;
`$depth`, a window that the venue sells.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from feedhandler.adapter import names
from feedhandler.adapter.venue import ListedInstrument
from feedhandler.shape import ShapeError
from shm import InstrumentKind

_HOLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_INSIDE = dict.fromkeys(("symbol", "family", "index_name"), ".+")
_INSIDE |= {"depth": "[0-9]+", "expiry": "[0-9]{6}"}
_REMEMBERED = 65_536  # keys, so that each is read once
_ENDS = " ._:/@-"  # of a word, what a template has between it and a hole
_SMALL = {large: large + 32 for large in range(ord("A"), ord("Z") + 1)}
_LARGE = {small: large for large, small in _SMALL.items()}


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the venue's channels.

    `word`: what the venue calls it in its messages, and `promises` goes by; "": the template before
    its first hole. `answered`: what it calls it in its answers, where that is another word.
    `depths`: the windows that are sold, ascending. `subscribe`, `unsubscribe`: its own templates,
    where they are not those of `Words`. `kinds`: of which instruments it tells; none named: of all.
    `endpoint`: which address serves it. `lower`: symbols stand in its keys in small letters; only
    ASCII changes case, since some symbols are words of other scripts.
    """

    key: str
    word: str = ""
    answered: str = ""
    depths: tuple[int, ...] = ()
    subscribe: str = ""
    unsubscribe: str = ""
    endpoint: str = "public"
    kinds: tuple[InstrumentKind, ...] = ()
    lower: bool = False

    @property
    def name(self) -> str:
        """The venue's word for it."""
        return self.word or _HOLE.split(self.key, maxsplit=1)[0].rstrip(_ENDS)

    def depth(self, wanted: int) -> int:
        """The least window that has so many levels a side; else the deepest; 0: there is none."""
        return next((each for each in self.depths if each >= wanted), (0, *self.depths)[-1])

    def filled(self, **values: object) -> str:
        """The key. Raises KeyError for a hole without a value."""

        def value(hole: re.Match[str]) -> str:
            text = str(values[hole[1] or hole[2]])
            return text.translate(_SMALL) if self.lower else text

        return _HOLE.sub(value, self.key)

    def of(self, instrument: ListedInstrument, wanted: int) -> str:
        """The key of an instrument; "" if it has none."""
        if self.kinds and instrument.kind not in self.kinds:
            return ""
        if "family" in self.holes and not instrument.family:
            return ""
        if "index_name" in self.holes and not instrument.index_name:
            return ""
        if "expiry" in self.holes and not instrument.expiry_ns:
            return ""
        return self.filled(
            symbol=instrument.symbol,
            family=instrument.family,
            index_name=instrument.index_name,
            depth=self.depth(wanted),
            expiry=names.date(instrument.expiry_ns)[2:],
        )

    @property
    def holes(self) -> list[str]:
        return [hole[1] or hole[2] for hole in _HOLE.finditer(self.key)]

    def read(self, key: str) -> Mapping[str, str] | None:
        """What stands in the holes of a key; None: it is not of this template."""
        found = _pattern(self.key).fullmatch(key)
        if found is None:
            return None
        inside = found.groupdict()
        return (
            {name: text.translate(_LARGE) for name, text in inside.items()}
            if self.lower
            else inside
        )


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    at, text = 0, ""
    for hole in _HOLE.finditer(template):
        name = hole[1] or hole[2]
        text += f"{re.escape(template[at : hole.start()])}(?P<{name}>{_INSIDE[name]})"
        at = hole.end()
    return re.compile(text + re.escape(template[at:]))


#: as a venue declares them: by the channel of the configuration, or `status`, one or several
Declared = Mapping[str, "str | Topic | Sequence[str | Topic]"]


class Topics:
    """All topics of a venue. Raises ShapeError for templates that mean nothing, or the same."""

    def __init__(self, place: str, declared: Declared) -> None:
        self.by_channel: dict[str, tuple[Topic, ...]] = {}
        for channel, those in declared.items():
            listed = (those,) if isinstance(those, str | Topic) else tuple(those)
            self.by_channel[channel] = tuple(
                Topic(one) if isinstance(one, str) else one for one in listed
            )
        #: each once, with the first channel that it is of; the most written out one first
        self.every: list[tuple[Topic, str]] = []
        words: dict[str, Topic] = {}
        for channel, topic in self._pairs():
            self._check(place, channel, topic)
            if words.setdefault(topic.name, topic) != topic:
                text = f"the word {topic.name!r} is of two topics; give one another `word`"
                raise ShapeError(f"{place}: topics: {channel}: {topic.key!r}: {text}")
            if topic.answered:
                words.setdefault(topic.answered, topic)
            if all(topic != known for known, _ in self.every):
                self.every.append((topic, channel))
        self.every.sort(key=lambda pair: -len(_HOLE.sub("", pair[0].key)))
        self.by_word = words
        self._read: dict[str, tuple[Topic, str, Mapping[str, str]] | None] = {}

    def _pairs(self) -> Iterator[tuple[str, Topic]]:
        for channel, topics in self.by_channel.items():
            for topic in topics:
                yield channel, topic

    def _check(self, place: str, channel: str, topic: Topic) -> None:
        where = f"{place}: topics: {channel}: {topic.key!r}"
        holes = topic.holes
        if unknown := [name for name in holes if name not in _INSIDE]:
            raise ShapeError(f"{where}: no hole ${unknown[0]}; there are {', '.join(_INSIDE)}")
        if len(set(holes)) < len(holes):
            raise ShapeError(f"{where}: a hole comes twice")
        grouped = {"symbol", "family", "index_name"} & set(holes) or topic.kinds
        if not grouped and channel != "status":
            raise ShapeError(f"{where}: no $symbol, nor `kinds`")
        if not topic.name:
            raise ShapeError(f"{where}: nothing is written before its hole: give it a `word`")
        if "depth" in holes and not topic.depths:
            raise ShapeError(f"{where}: $depth, and no `depths`")
        if list(topic.depths) != sorted(set(topic.depths)) or any(n <= 0 for n in topic.depths):
            raise ShapeError(f"{where}: depths {topic.depths} do not ascend")

    def read(self, key: str) -> tuple[Topic, str, Mapping[str, str]] | None:
        """(topic, channel, what stands in its holes) of a key; None: it is none of ours."""
        try:
            return self._read[key]
        except KeyError:
            if len(self._read) > _REMEMBERED:
                self._read.clear()
        found = next(
            (
                (topic, channel, holes)
                for topic, channel in self.every
                if (holes := topic.read(key)) is not None
            ),
            None,
        )
        self._read[key] = found
        return found

    def keys(self, instrument: ListedInstrument, channels: Sequence[str], depth: int) -> list[str]:
        """Those of an instrument, each once."""
        wanted = (*channels, "status") if "status" in self.by_channel else channels
        topics = (topic for channel in wanted for topic in self.by_channel.get(channel, ()))
        return [
            key for key in dict.fromkeys(topic.of(instrument, depth) for topic in topics) if key
        ]


def subject(holes: Mapping[str, Any]) -> str:
    """The symbol of a key, else the family or the index it is of."""
    return str(holes.get("symbol") or holes.get("family") or holes.get("index_name") or "")
