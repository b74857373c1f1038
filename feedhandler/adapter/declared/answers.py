"""What a control frame says, read by the samples that a venue declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedhandler.adapter import names, refusals, request_ids
from feedhandler.adapter.declared import words
from feedhandler.adapter.declared.topics import Topics, subject
from feedhandler.adapter.declared.words import Answer, Words
from feedhandler.adapter.venue import Control, ControlKind, Stated
from shm import Status

_ABOUT_KEYS = (ControlKind.ACK, ControlKind.UNSUBSCRIBED, ControlKind.REJECTED, ControlKind.ERROR)
Asked = Mapping[int, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Of one venue. `depth`: the levels a side that readers want, which tells windows apart."""

    venue: str
    topics: Topics
    words: Words
    statuses: Mapping[str, Status]
    listed: Callable[[Mapping[str, Any]], Stated | None]  #: what a row of the list says
    each: bool  #: each key of a request is answered by itself
    depth: int

    def controls(self, frame: bytes, value: Any, asked: Asked) -> list[Control]:
        """Raises ValueError for a frame that no sample fits."""
        read = self.answering(value)
        if read is None:
            raise ValueError(f"{self.venue}: neither data nor an answer: {frame[:80]!r}")
        return self._said(*read, frame, asked)

    def answering(self, value: Any) -> tuple[Answer, Mapping[str, Any]] | None:
        """By which answer it is read, and what stands in its holes; None: by none."""
        for answer in self.words.answers:
            found = words.read(answer.sample, value)
            if found is not None and _meant(answer, found):
                return answer, found
        return None

    def _said(
        self, answer: Answer, found: Mapping[str, Any], frame: bytes, asked: Asked
    ) -> list[Control]:
        number, ended = request_ids.split_id(found.get("id"))
        number = max(number, 0)
        text = _text(answer, found) or frame[:80].decode(errors="replace")
        match answer.kind:
            case ControlKind.ASKED:
                return [Control(ControlKind.ASKED, reply=words.reply(answer.reply, found))]
            case ControlKind.STATED:
                stated = tuple(self._stated(found))
                if not stated and "rows" not in found:
                    raise ValueError(f"{self.venue}: a status of nothing: {frame[:80]!r}")
                return [Control(ControlKind.STATED, stated=stated)]
            case ControlKind.ANSWER:
                wrong, whose = _text(answer, found), str(found.get("symbol") or "")
                number = _socket(found) or 0
                return [Control(ControlKind.ANSWER, text=wrong, request_id=number, symbol=whose)]
            case kind if kind not in _ABOUT_KEYS:
                return [Control(kind, text=text, request_id=number)]
        wanted = () if ended else tuple(asked.get(number, ()))
        named = tuple(self._named(answer, found, wanted))
        if answer.kind is ControlKind.REJECTED and "symbol" in found and "id" not in found:
            number = self._waiting(str(found["symbol"]), asked)
            wanted = tuple(asked.get(number, ()))
            named = tuple(self._named(answer, found, wanted)) or named
        if answer.kind is ControlKind.REJECTED and {"keys", "symbols"} & found.keys():
            # It says the request back, of which one key may be wrong.
            number = number or _request(named, asked)
            wanted, named = named or wanted, ()
        if answer.kind in (ControlKind.REJECTED, ControlKind.ERROR):
            return self._refused(answer, named, wanted, text, 0 if ended else number, found)
        channel = _channel(found)
        if ended or answer.kind is ControlKind.UNSUBSCRIBED:
            left = named or tuple(asked.get(number, ()))
            return [Control(ControlKind.UNSUBSCRIBED, left, request_id=number, channel=channel)]
        listed = answer.whole or "failed" in found
        keys = named if listed else named or wanted
        taken = [Control(ControlKind.ACK, keys, request_id=number, channel=channel)]
        missing = tuple(key for key in wanted if key not in keys) if answer.whole else ()
        missing = missing or tuple(_texts(found.get("failed")))
        if missing:
            why = _text(answer, found) or "not among the keys that the venue accepted"
            taken.append(Control(ControlKind.REJECTED, missing, why, request_id=number))
        if keys or not listed:
            return taken
        return taken[1:] or [Control(ControlKind.NOTHING, request_id=number)]

    def _refused(
        self,
        answer: Answer,
        named: tuple[str, ...],
        asked: tuple[str, ...],
        text: str,
        number: int,
        found: Mapping[str, Any],
    ) -> list[Control]:
        """Keys that the venue names are refused alone, the others of the request asked for again,
        where it does not answer each."""
        passing = self.words.passing
        passes = answer.passes or str(found.get("code", "")) in passing
        passes = passes or any(word in text for word in passing if not word.isdigit())
        if answer.kind is ControlKind.ERROR:
            return [Control(ControlKind.ERROR, named, text, request_id=number)]
        if not named and not asked:
            return [Control(ControlKind.ERROR, (), text, request_id=number)]
        if passes or not named:
            return refusals.refused(named or asked, text, number, passes=passes, about=self._about)
        about = [one for key in named for one in refusals.refused((key,), text, number)]
        others = answer.spoils or not self.each
        rest = tuple(key for key in asked if key not in named) if others else ()
        return (
            [*about, Control(ControlKind.AGAIN, rest, text, request_id=number)] if rest else about
        )

    def _waiting(self, symbol: str, asked: Asked) -> int:
        """The first request that asks for something of a symbol; 0: there is none."""
        return next(
            (number for number in sorted(asked) if symbol in map(self._about, asked[number])), 0
        )

    def _about(self, key: str) -> str:
        found = self.topics.read(key)
        return subject(found[2]) if found else ""

    # ---- of which keys it speaks

    def _named(
        self, answer: Answer, found: Mapping[str, Any], asked: Sequence[str]
    ) -> Iterator[str]:
        rows = found.get("rows")
        if isinstance(rows, list):
            for row in rows:
                yield from self._named(answer, {**found, "rows": None, **row}, asked)
            return
        yield from _texts(found.get("key"))
        yield from _texts(found.get("keys"))
        family = found.get("family")
        symbols = [*_texts(found.get("symbol")), *_texts(found.get("symbols"))]
        word = answer.word or str(found.get("channel") or "")
        by_channel = found.get("by_channel")
        for one, those in by_channel.items() if isinstance(by_channel, dict) else [(word, symbols)]:
            for symbol in _texts(those):
                its = family if isinstance(family, str) else symbol
                yield from self._keys(one, symbol, its, found.get("depth"), asked)

    def _keys(
        self, word: str, symbol: str, family: str, depth: Any, asked: Sequence[str]
    ) -> Iterator[str]:
        """Ours of what the venue calls by a word, a symbol, and what this has in common with
        others."""
        topic = self.topics.by_word.get(word)
        if topic is not None:
            levels = depth if isinstance(depth, int) and depth else topic.depth(self.depth)
            yield topic.filled(symbol=symbol, family=family, index_name=symbol, depth=levels)
        elif not word:
            yield from (key for key in asked if self._about(key) == symbol)

    def _stated(self, found: Mapping[str, Any]) -> Iterator[Stated]:
        rows = found.get("rows")
        for row in rows if isinstance(rows, list) else [{}]:
            if isinstance(whole := row.get("row"), dict):
                if (stated := self.listed(whole)) is not None:
                    yield stated
                continue
            one = {**found, **row}
            symbol, word = one.get("symbol"), one.get("status")
            if isinstance(symbol, str) and isinstance(word, str):
                yield Stated(symbol, names.status(self.statuses, word), word)


def _request(keys: Sequence[str], asked: Asked) -> int:
    """The last request for just these keys; 0: there was none."""
    alike = (number for number, those in asked.items() if sorted(those) == sorted(keys))
    return max(alike, default=0)


def _socket(found: Mapping[str, Any]) -> int | None:
    """The number of the request over the socket that is answered; None: it is none of those."""
    return request_ids.socket_number(_whole(found.get("id")))


def _meant(answer: Answer, found: Mapping[str, Any]) -> bool:
    """Requests over the socket have ids of their own, by which alike answers are told apart; one
    that names whose book it has is like no other, also in a recording of another program's."""
    if "id" not in found or (answer.kind is ControlKind.ANSWER and "symbol" in found):
        return True
    return (answer.kind is ControlKind.ANSWER) == (_socket(found) is not None)


def _text(answer: Answer, found: Mapping[str, Any]) -> str:
    """The venue's words, its code behind them, and what else it says of why."""
    code, detail = found.get("code"), _shown(found.get("detail"))
    said = _shown(found.get("text")) or answer.text
    shown = isinstance(code, str | int) and not isinstance(code, bool) and code != ""
    said = f"{said} ({code})".strip() if shown else said
    return f"{said}: {detail}" if detail else said


def _shown(value: Any) -> str:
    """What stands in a hole, in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(one) or one}" for name, one in value.items())[:200]
    return str(value) if isinstance(value, str | int | list) else ""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))


def _channel(found: Mapping[str, Any]) -> int:
    """The number that is taught, 0: none. Raises ValueError for one that cannot be."""
    if "number" not in found:
        return 0
    number = _whole(found["number"])
    if not 0 < number < 1 << 63:
        raise ValueError(f"{str(found['number'])[:40]!r} numbers no channel")
    return number


_DIGITS = re.compile(r"[0-9]{1,18}")


def _whole(value: Any) -> int:
    """A whole number, also in a string; 0 for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else 0
