"""What a mirror asks whoever serves a venue: who it is, what is missing, what time it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import time_ns
from typing import Any

import msgspec

from feedhandler.link import names
from feedhandler.link._link import WIRE
from feedhandler.link.clock import ClockOffset
from feedhandler.link.names import Ask, Clock, Follower, Hello
from feedhandler.link.session import at_once, engine
from shm._native import LAYOUT_HASH, VERSION

_ANSWER_S = 1.0
_REPAIR_S = 20.0
_LOOK_S = 0.05  #: so soon is noticed that nobody waits any more
_LATEST_NS = 1 << 62  #: no clock shows more


class LinkRefused(Exception):  # noqa: N818
    """What came is not for this mirror, and why."""


class Ended(Exception):  # noqa: N818
    """This mirror was told to end while it waited for an answer."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of whom, what, and where to."""

    source: str  #: "*": whoever serves it, as long as that is one
    source_namespace: str
    namespace: str
    only: tuple[str, ...]
    kinds: tuple[str, ...]
    silence_ns: int
    link: str  #: in words


class Asking:
    """About one venue. Any number of threads; all of it raises :class:`Ended` soon after `stop`."""

    def __init__(
        self, session: Any, venue: str, wanted: Wanted, stop: threading.Event | None = None
    ) -> None:
        self._session, self._venue, self._wanted = session, venue, wanted
        self._stop = stop or threading.Event()

    def _answers(self, get: Callable[..., Any], key: str, **more: Any) -> Iterator[Any]:
        """Of a query, as they come; waited for here, since the engine's waiting hears no `stop`."""
        came: SimpleQueue[Any] = SimpleQueue()
        get(key, at_once(came.put, lambda: came.put(None)), **more)
        while not self._stop.is_set():
            try:
                reply = came.get(timeout=_LOOK_S)
            except Empty:
                continue
            if reply is None:
                return
            yield reply
        raise Ended

    def _get(self, name: str, ask: Ask, timeout: float) -> Iterator[Any]:
        zenoh = engine()
        return self._answers(
            self._session.get,
            names.key(name, self._wanted.source_namespace, self._venue, "ask"),
            payload=msgspec.json.encode(ask),
            target=zenoh.QueryTarget.ALL,
            consolidation=zenoh.ConsolidationMode.NONE,
            congestion_control=zenoh.CongestionControl.BLOCK,
            priority=zenoh.Priority.DATA_LOW,
            timeout=timeout,
        )

    def hello(self) -> Hello:
        """Who serves it. Raises :class:`LinkRefused`: nobody, several, or of another version."""
        wanted = self._wanted
        replies = list(self._get(wanted.source, Ask("hello", wanted.only, wanted.kinds), _ANSWER_S))
        errors = [_text(each.err.payload, _ANSWER_S) for each in replies if each.err is not None]
        found = [_hello(each.ok.payload) for each in replies if each.ok is not None]
        if not found and errors:
            raise LinkRefused(errors[0])
        if not found:
            raise LinkRefused(
                f"nobody serves {self._venue} of {wanted.source_namespace} over {wanted.link}, "
                "or none whom this host may ask"
            )
        return single(found)

    def claimed(self) -> list[str]:
        """The names under which it is served now, by whoever is wanted."""
        wanted = self._wanted
        key = names.key(wanted.source, wanted.source_namespace, self._venue, "alive")
        replies = self._answers(self._session.liveliness().get, key, timeout=_ANSWER_S)
        return sorted({str(each.ok.key_expr).split("/")[1] for each in replies if each.ok})

    def clock(self, name: str, clock: ClockOffset, ours: Follower | None = None) -> None:
        """Measure it once more, and say how we are."""
        asked_ns = time_ns()
        for reply in self._get(name, Ask("clock", follower=ours), _ANSWER_S):
            if reply.ok is not None:
                its = msgspec.json.decode(bytes(reply.ok.payload), type=Clock)
                if not 0 <= its.came_ns <= its.left_ns < _LATEST_NS:
                    raise LinkRefused(f"{name} answers with a time that is none: {its}")
                clock.add(asked_ns, its.came_ns, its.left_ns, time_ns())

    def repair(self, hello: Hello, life: int, first: int, since: int) -> Iterator[bytes]:
        """What is missing, message by message. Raises :class:`LinkRefused`."""
        ask = Ask("repair", stream=hello.stream, life=life, first=first, since=since)
        for reply in self._get(hello.name, ask, _REPAIR_S):
            if reply.err is not None:
                raise LinkRefused(_text(reply.err.payload, _REPAIR_S))
            yield bytes(reply.ok.payload)

    def subscribe(self, hello: Hello, came: Callable[[Any], None]) -> Any:
        """Have what is published; until `undeclare`."""
        key = names.key(hello.name, hello.namespace, self._venue, hello.stream)
        return self._session.declare_subscriber(key, at_once(came))


def several(who: list[str]) -> str:
    """That there are, in words."""
    return f"{len(who)} sources claim it: {', '.join(who)}; name one of them: --source NAME"


def single(found: list[Hello]) -> Hello:
    """The one that answered, if it is one and of our version. Raises :class:`LinkRefused`."""
    who = sorted({f"{each.name} ({each.host}, process {each.pid})" for each in found})
    if len(who) > 1:
        raise LinkRefused(several(who))
    hello = found[0]
    if hello.wire != WIRE:
        raise LinkRefused(
            f"{who[0]} speaks version {hello.wire} of the link, this is {WIRE}: the older of the "
            "two has to be updated"
        )
    if tuple(hello.contract) != VERSION or hello.layout != LAYOUT_HASH:
        theirs, ours = (".".join(map(str, each)) for each in (hello.contract, VERSION))
        other = " of another layout" if theirs == ours else ""
        raise LinkRefused(
            f"the memory of {who[0]} is of version {theirs}, this is {ours}{other}: the older of "
            "the two has to be updated"
        )
    return hello


def _text(payload: Any, within_s: float) -> str:
    text = bytes(payload).decode(errors="replace")
    if text == "Timeout":  # the engine's word for that
        return f"who serves it has not answered within {within_s:g} s"
    return text


def _hello(payload: Any) -> Hello:
    try:
        return msgspec.json.decode(bytes(payload), type=Hello)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise LinkRefused(f"an answer that is none: {error}") from None
