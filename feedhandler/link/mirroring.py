"""The other host: what a source publishes is written into memory like the source's own."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any

from feedhandler.link import names
from feedhandler.link._link import BadMessage
from feedhandler.link.asking import Asking, LinkRefused, Wanted, several
from feedhandler.link.clock import ClockOffset
from feedhandler.link.copy import Copy, Tally
from feedhandler.link.names import Follower, Hello
from feedhandler.log import Throttle, log
from feedhandler.log_lines import about
from feedhandler.number_text import plural
from shm import NoRoom, ShmError
from shm.segment import WriterSegment, create

if TYPE_CHECKING:
    import zenoh

BEAT_S = 0.1
_LOOK_S = 0.05
_CLOCK_S = 1.0
_LOOK_ROUND_S = 5.0
_MEND_S = 1.0
_AGAIN_S = 0.5
_UNHEARD_NS = 500_000_000


class VenueMirror:
    """One venue: its memory here, whose only writer this is."""

    def __init__(self, session: Any, venue: str, wanted: Wanted) -> None:
        self.venue = venue
        self.tally = Tally()
        self.why = "nobody has answered yet"
        self.failed: ShmError | None = None  #: memory that cannot be had, ever
        self.copy: Copy | None = None
        self._wanted = wanted
        self._clock = ClockOffset()
        self._hello: Hello | None = None
        self._segment: WriterSegment | None = None
        self._coming: Copy | None = None
        self._subscriber: Any = None
        self._heard_ns = self._asked_ns = 0
        self._again = threading.Event()  # say hello
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._asking = Asking(session, venue, wanted, self._stop)
        self._quiet = Throttle()
        self._changing = threading.Lock()  # of the epoch
        self._threads = [
            threading.Thread(target=self._run, name=f"mirror-{venue}"),
            threading.Thread(target=self._keep_time, name=f"clock-{venue}"),
            threading.Thread(target=self._keep_alive, name=f"beat-{venue}"),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Nothing is waited for any more: `close` follows."""
        self._stop.set()
        self._wake.set()

    def close(self) -> None:
        """Its memory ends in order."""
        self.stop()
        if self._subscriber is not None:
            self._subscriber.undeclare()
        for thread in self._threads:
            thread.join()
        if self._segment is not None:
            if self.copy is not None:
                with self.copy.lock:
                    self._segment.close()
            else:
                self._segment.close()

    def _say(self, kind: str, text: str) -> None:
        text = text.removeprefix(f"{self.venue}: ")  # an error of its memory names it as well
        self.why = text
        self._quiet.warning(kind, f"{self.venue}: {text}", venue=self.venue)

    # ---- joining

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self.copy is None or self._again.is_set() or self._unheard():
                    self._again.clear()
                    self._join()
                elif self.copy.gap:
                    self._repair()
                self._wake.wait(_LOOK_S)
                self._wake.clear()
                continue
            except (LinkRefused, BadMessage) as refused:
                self._say("refused", str(refused))
            except ShmError as error:
                self._say("memory", str(error))
                if self._segment is None and not isinstance(error, NoRoom):
                    self.failed = error  # nor will it be any better
            except Exception as error:
                if self._stop.is_set():
                    return
                log.exception("%s: joining again", self.venue, extra=about(venue=self.venue))
                self.why = str(error)
            self._again.set()
            self._stop.wait(_AGAIN_S)

    def _unheard(self) -> bool:
        """Nothing has come for a while: who served may have begun anew, and waits to be asked."""
        now = time_ns()
        if abs(now - max(self._heard_ns, self._asked_ns)) < _UNHEARD_NS:
            return False
        self._asked_ns = now
        return True

    def _join(self) -> None:
        """Follow whoever serves the venue now, in memory of its epoch."""
        hello = self._asking.hello()
        if self._clock.now() is None or self._is_another_place(hello):
            self._clock.forget()
            self._hello = hello
            self._measure()
        self._hello = hello
        copy = self.copy
        if copy is not None and copy.epoch == hello.epoch:
            if copy.life != hello.life:
                copy.another_life(hello.life)
                self._subscribe(hello)
                self._have(copy, copy.next_sequence, 0, counts=True)
                self._told("goes on")
            elif copy.gap:
                self._repair()
            return
        self._begin(hello)

    def _is_another_place(self, hello: Hello) -> bool:
        before = self._hello
        return before is None or (before.name, before.host) != (hello.name, hello.host)

    def _begin(self, hello: Hello) -> None:
        """Memory of an epoch, filled, and then shown."""
        geometry: dict[str, Any] = {
            "instruments": hello.instruments,
            "depth": hello.depth,
            "ring_slots": hello.ring_slots,
            "connections": hello.connections,
        }
        wanted, segment = self._wanted, self._segment
        if segment is None:
            segment = create(
                self.venue,
                namespace=wanted.namespace,
                mirror=hello.epoch,
                announce=False,
                **geometry,
            )
            writer, first = segment.writer, True
        else:
            writer, first = segment.successor(mirror=hello.epoch, **geometry), False
        copy = Copy(writer, hello, self._clock, wanted.silence_ns, self.tally)
        try:
            self._coming = copy
            self._subscribe(hello)
            # A venue's next epoch is had from its first record on; one that is met late, from now.
            self._have(copy, 0 if first else 1, 0, counts=not first)
            copy.judge()
            copy.beat(wanted.link, self._heard_ns)
        except BaseException:
            self._coming = None
            if first:
                segment.close()
            else:
                segment.abandon(writer)
            raise
        old = self.copy
        if first:
            self._segment = segment
            segment.announce()
        else:
            assert old is not None
            with old.lock, self._changing:
                self.tally.lost += old.lost
                segment.succeed(writer)
        self.copy, self._coming = copy, None
        self._told("mirrored")

    def _told(self, what: str) -> None:
        hello = self._hello
        assert hello is not None
        self.why = ""
        text = "%s: %s, epoch %d of %s/%s (%s, process %d)"
        log.info(
            text,
            self.venue,
            what,
            hello.epoch,
            hello.name,
            hello.namespace,
            hello.host,
            hello.pid,
            extra=about(venue=self.venue),
        )
        if hello.carried == 0 and hello.there:
            self._say("filter", f"the filter takes none of the {hello.there} instruments there")

    # ---- what comes

    def _subscribe(self, hello: Hello) -> None:
        if self._subscriber is not None:
            self._subscriber.undeclare()
        self._subscriber = self._asking.subscribe(hello, self._came)

    def _came(self, sample: zenoh.Sample) -> None:
        """In a thread of the engine."""
        self._heard_ns = time_ns()
        data = bytes(sample.payload)
        try:
            for copy in (self._coming, self.copy):
                if copy is not None and copy.take(data):
                    return
        except BadMessage as error:
            self.tally.bad += 1
            self._say("bad", f"a batch was refused: {error}")
            self._again.set()
        except ShmError as error:
            self._say("memory", str(error))
        if self._coming is None:
            copy = self.copy
            if copy is not None and not copy.gap:
                self._again.set()
            self._wake.set()

    def _have(self, copy: Copy, first: int, since: int, *, counts: bool) -> None:
        """What is missing, by a repair."""
        hello = self._hello
        assert hello is not None
        for data in self._asking.repair(hello, copy.life, first, since):
            self._heard_ns = time_ns()
            if copy.mend([data], counts=counts):
                return
        raise LinkRefused(f"{hello.name} did not answer in full what was missing")

    def _repair(self) -> None:
        copy = self.copy
        assert copy is not None
        first, since, early = copy.missing()
        self._have(copy, first, since, counts=True)
        self.tally.repaired += 1
        if forged := copy.forget(early):
            text = "that its source has never sent: does somebody else publish under its key?"
            self._say("forged", f"{plural(forged, 'batch', 'batches')} refused {text}")

    # ---- clocks, and the sign of life

    def _measure(self) -> None:
        if self._hello is not None:
            self._asking.clock(self._hello.name, self._clock, self._ourselves())

    def _ourselves(self) -> Follower | None:
        copy, tally = self.copy, self.tally
        if copy is None:
            return None
        return Follower(
            names.own_name(),
            self._wanted.namespace,
            os.getpid(),
            max(0, copy.late_ns),
            tally.lost + copy.lost,
            tally.repaired,
        )

    def _keep_time(self) -> None:
        look_at = 0.0
        while not self._stop.wait(_CLOCK_S):
            try:
                self._measure()
                if monotonic() >= look_at:
                    look_at = monotonic() + _LOOK_ROUND_S
                    self._look_round()
            except Exception as error:
                if not self._stop.is_set():
                    self._say("clock", f"its clock cannot be asked: {error}")

    def _look_round(self) -> None:
        """Who was met first is followed; that there are others is said."""
        hello = self._hello
        if hello is not None and len(who := self._asking.claimed()) > 1:
            self._say("claims", f"{several(who)}; {hello.name} is followed")

    def _tell_lost(self, copy: Copy) -> None:
        """Also of what the server itself had to leave out, for which nobody asks."""
        told, lost = copy.lost_told, copy.lost
        if lost > told:
            copy.lost_told = lost
            gone = lost - told
            self._say("lost", f"{gone} records could not be had; cells are as they are there")

    def _keep_alive(self) -> None:
        mend_at = late_at = 0.0
        while not self._stop.wait(BEAT_S / 2):
            copy, segment = self.copy, self._segment
            if copy is None or segment is None:
                continue
            try:
                copy.judge()
                copy.beat(self._wanted.link, self._heard_ns)
                self._tell_lost(copy)
                now = monotonic()
                if now >= late_at:
                    late_at, copy.late_ns = now + 1.0, 0
                if now >= mend_at:
                    mend_at = now + _MEND_S
                    with self._changing:
                        mended = segment.mend()
                    for what in mended:
                        self._say("mended", what)
            except ShmError as error:
                self._say("memory", str(error))
            except Exception as error:  # else nobody would give a sign of life any more
                self._say("alive", f"what it is cannot be said: {type(error).__name__}: {error}")


class Mirroring:
    """Some venues of one source."""

    def __init__(self, session: Any, venues: Sequence[str], wanted: Wanted) -> None:
        self.venues = {venue: VenueMirror(session, venue, wanted) for venue in venues}

    def close(self) -> None:
        for venue in self.venues.values():
            venue.stop()
        for venue in self.venues.values():
            venue.close()
