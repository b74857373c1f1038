"""The feed's host: each venue's memory, read as a strategy reads it, published to all mirrors."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic, monotonic_ns, time_ns
from typing import TYPE_CHECKING, Any

import msgspec

from feedhandler.link import names
from feedhandler.link._link import WIRE
from feedhandler.link.followers import Followers
from feedhandler.link.names import Ask, Clock, Hello
from feedhandler.link.session import LinkError, engine
from feedhandler.link.stream import Stream
from feedhandler.log import Throttle, log
from feedhandler.log_lines import about
from feedhandler.number_text import count
from shm import NoSuchVenue, NotReady, ShmError
from shm._native import DEAD_NS, LAYOUT_HASH, VERSION, Segment
from shm.attach import open_segment, venues
from shm.owners import believed

if TYPE_CHECKING:
    import zenoh

BEAT_S = 0.1
_HISTOGRAMS_S = 1.0
_ATTACH_S = 0.2
_CLAIMED_S = 5.0  #: a venue that another one serves is looked at again
_CLAIMED_SAID_S = 60.0
_VERDICTS = {"stopped": 1, "superseded": 2, "died": 3}
_SILENT = 4
_MOST_STREAMS = 64
_MOST_WAIT = 256  #: questions: whoever may ask may ask without end


@dataclass(frozen=True, slots=True)
class Place:
    """Under which name a namespace is served."""

    session: Any
    name: str
    namespace: str
    limit: int
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_MOST_WAIT))


class VenueServing:
    """One venue: a thread that follows its memory, and answers."""

    def __init__(self, place: Place, venue: str, pool: ThreadPoolExecutor) -> None:
        self.venue = venue
        self.left_out = 0  #: records that no mirror has, since they were sent too late
        self.followers = Followers()
        self._place = place
        self._pool = pool
        self._stop = threading.Event()
        self._changing = threading.Lock()
        self._streams: dict[str, Stream] = {}  # another one whenever it changes
        self._segment: Segment | None = None
        self._quiet = Throttle()
        zenoh = engine()
        key = names.key(place.name, place.namespace, venue, "ask")
        self._queryable = place.session.declare_queryable(
            key, zenoh.handlers.Callback(self._asked), complete=True
        )
        self._token = place.session.liveliness().declare_token(self._key("alive"))
        self._thread = threading.Thread(target=self._run, name=f"serve-{venue}")
        self._thread.start()

    def _key(self, what: str) -> str:
        return names.key(self._place.name, self._place.namespace, self.venue, what)

    def close(self) -> None:
        """Nothing is published any more."""
        self._stop.set()
        self._thread.join()
        self._queryable.undeclare()
        self._token.undeclare()
        with self._changing:
            for stream in self._streams.values():
                stream.close()
            self._streams = {}

    def status(self) -> dict[str, Any]:
        """What went out so far, and to whom."""
        streams = list(self._streams.values())
        return {
            "venue": self.venue,
            "streams": len(streams),
            "batches": sum(each.sent for each in streams),
            "bytes": sum(each.bytes for each in streams),
            "left_out": self.left_out,
            "mirrors": self.followers.now(),
        }

    # ---- following

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self._attach():
                    self._follow()
                else:
                    self._stop.wait(_ATTACH_S)
            except ShmError as error:
                self._say(str(error))
                self._segment = None
                self._stop.wait(1.0)
            except Exception:  # of the engine, say: the others go on
                log.exception("%s: serving it again", self.venue, extra=about(venue=self.venue))
                self._segment = None
                self._stop.wait(1.0)

    def _say(self, text: str) -> None:
        self._quiet.warning(self.venue, f"{self.venue}: {text}", venue=self.venue)

    def _say_lapped(self, records: int) -> None:
        """Mirrors are told of the loss by their readers; why, is to be known here."""
        self.left_out += records
        self._quiet.warning(
            "lapped",
            f"{self.venue}: {count(records)} records were overwritten before they were sent "
            f"({count(self.left_out)} in all), so mirrors have lost them: give this process more "
            "CPU, or the venue a longer ring (ring_slots)",
            venue=self.venue,
        )

    def _attach(self) -> bool:
        """Go over to the memory that is there; whether it is another than before."""
        try:
            segment = open_segment(self._place.namespace, self.venue, believed())
        except (NoSuchVenue, NotReady):
            return False
        before = self._segment
        if before is not None and before.life == segment.life:
            return False
        fresh = before is not None and before.epoch != segment.epoch
        with self._changing:
            self._segment = segment
            for stream in self._streams.values():
                stream.begin(segment, 1 if fresh else None, self._place.limit)
        return True

    def _follow(self) -> None:
        """Until its writer is gone, and then until there is another."""
        segment = self._segment
        assert segment is not None
        beat_at = histograms_at = look_at = 0.0
        gone = ""
        while not self._stop.is_set():
            now = monotonic()
            if gone and now >= look_at:
                look_at = now + _ATTACH_S
                if self._attach():
                    segment = self._segment
                    assert segment is not None
                    gone = ""
            beat = now >= beat_at
            histograms = now >= histograms_at
            if beat:
                beat_at = now + BEAT_S
                gone = gone or segment.gone() or ""
                if histograms:
                    histograms_at = now + _HISTOGRAMS_S
                    self._drop_unheard()
            verdict = _VERDICTS.get(gone, 0)
            if not gone and abs(time_ns() - segment.heartbeat_ns) > DEAD_NS:
                verdict = _SILENT
            for stream in self._streams.values():
                stream.send(beat=beat, verdict=verdict, histograms=beat and histograms)
                if lapped := stream.lapped():
                    self._say_lapped(lapped)
            left_ns = int((beat_at - monotonic()) * 1e9)
            if self._streams and not gone:
                self._as_it_comes(segment, monotonic_ns() + left_ns)
            else:
                self._stop.wait(max(0.0, left_ns / 1e9))

    def _as_it_comes(self, segment: Segment, until_ns: int) -> None:
        """Nothing but what is new, until then, or until there is another stream. Between the
        source's publication and the engine stands what this does, so it does little."""
        streams = self._streams
        each = tuple(streams.values())
        while self._streams is streams:
            left = until_ns - monotonic_ns()
            seen = segment.published
            some = False
            for stream in each:
                some |= stream.send_new()
            if left <= 0:
                return
            if not some:
                segment.wait(seen, left)

    def _drop_unheard(self) -> None:
        with self._changing:
            unheard = {name: each for name, each in self._streams.items() if each.unheard()}
            if not unheard:
                return
            self._streams = {
                name: each for name, each in self._streams.items() if name not in unheard
            }
            for each in unheard.values():
                each.close()

    # ---- answering

    def _asked(self, query: zenoh.Query) -> None:
        came_ns = time_ns()
        try:
            ask = msgspec.json.decode(bytes(query.payload or b""), type=Ask)
        except (msgspec.MsgspecError, RecursionError) as error:
            query.reply_err(f"no question: {error}".encode())
            return
        if ask.do == "clock":
            if ask.follower is not None:
                self.followers.note(ask.follower)
            query.reply(query.key_expr, msgspec.json.encode(Clock(came_ns, time_ns())))
        elif self._stop.is_set():
            return
        elif self._place.waiting.acquire(blocking=False):
            self._pool.submit(self._answer, query, ask)
        else:
            query.reply_err(BUSY)

    def _answer(self, query: zenoh.Query, ask: Ask) -> None:
        try:
            with query:
                for answer in self._answers(ask):
                    query.reply(self._key("ask"), answer)
        except _Refused as refused:
            query.reply_err(str(refused).encode())
        except Exception as error:
            log.exception("%s: an answer failed", self.venue, extra=about(venue=self.venue))
            query.reply_err(f"{type(error).__name__}: {error}".encode())
        finally:
            self._place.waiting.release()

    def _answers(self, ask: Ask) -> Sequence[bytes]:
        with self._changing:
            segment = self._segment
            if segment is None:
                raise _Refused(f"{self.venue} has no memory here yet: its feed does not run")
            if ask.do == "hello":
                return [msgspec.json.encode(self._hello(segment, ask))]
            stream = self._streams.get(ask.stream)
            if ask.do != "repair":
                raise _Refused(f"unknown question {ask.do!r}: hello, repair or clock")
            if stream is None:
                raise _Refused(OTHER_LIFE)
        try:
            found = stream.repair(ask.life, ask.first, ask.since)
        except (ValueError, OverflowError) as error:
            raise _Refused(str(error)) from None
        if found is None:
            raise _Refused(OTHER_LIFE)
        return found

    def _hello(self, segment: Segment, ask: Ask) -> Hello:
        try:
            name = names.stream_name(ask.only, ask.kinds)
            stream = self._streams.get(name)
            if stream is None:
                if len(self._streams) >= _MOST_STREAMS:
                    raise _Refused(f"{len(self._streams)} different filters are asked for already")
                zenoh = engine()
                publisher = self._place.session.declare_publisher(
                    self._key(name),
                    congestion_control=zenoh.CongestionControl.DROP,
                    priority=zenoh.Priority.DATA,
                    express=True,
                )
                stream = Stream(publisher, ask.only, ask.kinds)
                stream.begin(segment, None, self._place.limit)
                self._streams = {**self._streams, name: stream}
        except ValueError as error:
            raise _Refused(str(error)) from None
        stream.wanted()
        carried, there = stream.carried(segment)
        return Hello(
            wire=WIRE,
            contract=VERSION,
            layout=LAYOUT_HASH,
            name=self._place.name,
            namespace=self._place.namespace,
            venue=self.venue,
            host=names.own_name(),
            pid=os.getpid(),
            life=stream.life,
            epoch=segment.epoch,
            instruments=segment.capacity,
            depth=segment.depth,
            ring_slots=segment.slots,
            connections=segment.connection_capacity,
            stream=name,
            carried=carried,
            there=there,
        )


BUSY = f"{_MOST_WAIT} questions wait for an answer already: ask again".encode()
OTHER_LIFE = "that stream is not there any more: say hello again"


class _Refused(Exception):  # noqa: N818
    """Said to who asked."""


class Serving:
    """Venues of a namespace; `only` empty: all that are there, and that come."""

    def __init__(
        self, session: Any, name: str, namespace: str, only: Sequence[str], limit: int
    ) -> None:
        self._place = Place(session, name, namespace, limit)
        self._only = tuple(only)
        self._begun = False
        self._claimed: dict[str, float] = {}  # served by another one: when to look again
        self._quiet = Throttle(_CLAIMED_SAID_S)
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="answer")
        self.venues: dict[str, VenueServing] = {}

    def look(self) -> None:
        """For venues that have come. One that another serves is said, and tried again.

        Raises :class:`LinkError` if that is so of one when it is called first.
        """
        for venue in self._only or venues(self._place.namespace):
            if venue in self.venues or monotonic() < self._claimed.get(venue, 0.0):
                continue
            try:
                self._unclaimed(venue)
            except LinkError as error:
                if not self._begun:
                    raise
                self._claimed[venue] = monotonic() + _CLAIMED_S
                text = f"{error}; it is tried again: {error.cure}"
                self._quiet.warning(venue, text, venue=venue)
                continue
            self._claimed.pop(venue, None)
            self.venues[venue] = VenueServing(self._place, venue, self._pool)
            log.info("%s: served as %s", venue, self._place.name, extra=about(venue=venue))
        self._begun = True

    def _unclaimed(self, venue: str) -> None:
        key = names.key(self._place.name, self._place.namespace, venue, "alive")
        for _ in self._place.session.liveliness().get(key, timeout=1.0):
            raise LinkError(
                f"{venue} of {self._place.namespace} is served as {self._place.name} already, by "
                "another process that this one reaches",
                "end that one, or have this one another name: --name",
            )

    def status(self) -> list[dict[str, Any]]:
        """Of each venue."""
        return [venue.status() for venue in self.venues.values()]

    def close(self) -> None:
        """In order."""
        for venue in self.venues.values():
            venue.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
