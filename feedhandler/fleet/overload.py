"""What is done about connections that cannot keep up: they are split, or it is said why not.

A bundle is behind when all of its connections are; the first copy of each message counts. More
connections help only where the connection is what stands in the way (`lag.Cause`). A process
that has no core time left, or a venue that is late itself, is named and left alone; so is a bundle
that cannot be split: one instrument, no room within the limits, or a split before that brought no
more bytes than there were.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from time import monotonic_ns
from typing import Any

import numpy as np
import numpy.typing as npt

from feedhandler import number_text
from feedhandler.connection.connection import Connection
from feedhandler.engine import _engine
from feedhandler.fleet.fleet import Bundle, Fleet
from feedhandler.fleet.lag import ECHOED, Cause, KeepingUp, Usual
from feedhandler.fleet.rotation import Rotations
from feedhandler.instruments.universe import Universe
from feedhandler.kernel import CpuTime, Share
from feedhandler.log import Throttle
from shm import Counter, Reason

SAY_S = 60.0  #: how often the log repeats what still holds
AGAIN_S = 3600.0  #: after a split that came to nothing, the next one
_NEVER_S = 10.0  #: behind for so long is said, where nothing is ever split
_SMOOTH_S = 2.5
_GAIN = 1.1  #: a split that brings fewer times the bytes of before did not help


@dataclass(eq=False, slots=True)
class _Watched:
    keeping: KeepingUp
    bytes: int
    seconds: float = 0.0
    rate: float = 0.0  #: bytes a second
    noted: bool = False


@dataclass(eq=False, slots=True)
class _Past:
    """Of a bundle that a split made: its siblings, itself among them, and what there was before."""

    siblings: list[Bundle]
    rate: float


@dataclass(eq=False, slots=True)
class _Verdicts:
    """Why a bundle is not split, and until when it is not tried again."""

    said: dict[Bundle, str] = field(default_factory=dict)
    until: dict[Bundle, float] = field(default_factory=dict)


class Overload:
    """Of one feed. `behind_s`, `after_s`: see `KeepingUp`; `after_s` 0: nothing is ever split.
    `spin`: the loop never sleeps, so that the core's use says nothing."""

    def __init__(
        self,
        fleet: Fleet,
        rotations: Rotations,
        universe: Universe,
        engine: _engine.Engine,
        count: Callable[[Counter], None],
        behind_s: float,
        after_s: float,
        *,
        spin: bool = False,
    ) -> None:
        self.finding = ""  #: what cannot be helped, in words
        self._fleet = fleet
        self._rotations = rotations
        self._universe = universe
        self._engine = engine
        self._count = count
        self._behind_s = behind_s
        self._after_s = after_s
        self._spin = spin
        self._usual = Usual()
        self._cpu = CpuTime()
        self._share = Share()
        self._at = 0.0
        self._watched: dict[Connection, _Watched] = {}
        self._load: npt.NDArray[np.uint64] | None = None  # when the first one fell behind
        self._past: dict[Bundle, _Past] = {}
        self._verdicts = _Verdicts()
        self._quiet = Throttle(SAY_S)

    def connected(self, connection: Connection) -> None:
        """Its socket is new."""
        connection.pings.echo.reset()
        connection.native.take_late_ns()
        connection.native.behind_ns = 0
        keeping = KeepingUp(self._behind_s, self._after_s or _NEVER_S)
        self._watched[connection] = _Watched(keeping, connection.native.bytes)

    def look(self, now: float) -> None:
        """Measure, and act; a few times a second."""
        seconds, self._at = max(1e-3, now - self._at), now
        share, weight = self._cpu.share(), 1.0 - exp(-seconds / _SMOOTH_S)
        self._share = Share(
            self._share.used + weight * (share.used - self._share.used),
            self._share.waited + weight * (share.waited - self._share.waited),
        )
        connections = [each for each in self._fleet if self._fleet.is_up(each)]
        self._watched = {each: self._watched[each] for each in connections if each in self._watched}
        for connection, watched in self._watched.items():
            self._measure(connection, watched, now, seconds)
        if not any(watched.keeping.suspect for watched in self._watched.values()):
            self._load = None
        elif self._load is None:
            self._load = self._engine.load()
        self._forget()
        for bundle in list(self._fleet.bundles):
            self._judge(bundle, now)
        self.finding = next(iter(self._verdicts.said.values()), "")

    def _measure(
        self, connection: Connection, watched: _Watched, now: float, seconds: float
    ) -> None:
        native, queue = connection.native, connection.socket.queue
        rate = (native.bytes - watched.bytes) / seconds
        watched.bytes = native.bytes
        watched.seconds += seconds  # the first ones count for all
        watched.rate += (rate - watched.rate) * max(
            1.0 - exp(-seconds / _SMOOTH_S), seconds / watched.seconds
        )
        late = native.take_late_ns()
        if late is not None:
            self._usual.add(late, now)
        beyond = None if late is None else self._usual.beyond(late) / 1e9
        unread_s, unread = 0.0, False
        if queue is not None:
            queue.look(monotonic_ns())
            unread_s, unread = queue.oldest_ns / 1e9, queue.bytes > 0
        watched.keeping.add(now, beyond, unread_s, unread=unread)
        if watched.keeping.suspect:
            connection.pings.ask_echo()
        # Old messages alone may be a clock's doing; nobody is waited for on their word.
        confirmed = watched.keeping.late_s if unread else connection.pings.echo_s / ECHOED
        native.behind_ns = int(min(watched.keeping.late_s, confirmed) * 1e9)

    def _forget(self) -> None:
        """Bundles that are no more."""
        there = set(self._fleet.bundles)
        self._past = {each: past for each, past in self._past.items() if each in there}
        self._verdicts.said = {b: said for b, said in self._verdicts.said.items() if b in there}
        self._verdicts.until = {b: until for b, until in self._verdicts.until.items() if b in there}

    # ---- one bundle

    def _judge(self, bundle: Bundle, now: float) -> None:
        up = [each for each in bundle.connections if each in self._watched]
        if not up or bundle.parts or self._rotations.busy & set(up):
            self._verdicts.said.pop(bundle, None)
            return
        causes = [self._cause(each) for each in up]
        if None in causes:
            for each in up:
                self._note(each, Reason.NONE, "")
            self._verdicts.said.pop(bundle, None)
            return
        late = min(self._watched[each].keeping.late_s for each in up)
        text = f"{number_text.seconds(late)} behind"
        if Cause.PROCESS in causes:
            self._stuck(bundle, up, f"{text}: its process does not read in time ({self._share})")
        elif Cause.CONNECTION in causes:
            why_not = self._split(bundle, text, now)
            if why_not:
                self._stuck(bundle, up, f"{text}, and {why_not}")
        else:
            self._verdicts.said.pop(bundle, None)
            older = number_text.seconds(late)
            text = f"what comes is {older} older than usual, and was so when it was sent"
            row = up[0].row
            self._quiet.warning(f"venue {row}", f"{up[0]}: {text}", connection=row)
            for each in up:
                self._note(each, Reason.NONE, text)

    def _cause(self, connection: Connection) -> Cause | None:
        used = 0.0 if self._spin else self._share.used
        return self._watched[connection].keeping.cause(connection.pings.echo_s, used)

    def _note(self, connection: Connection, reason: Reason, text: str) -> None:
        watched = self._watched[connection]
        if text or watched.noted:
            connection.note(reason, text)
        watched.noted = bool(text)

    def _stuck(self, bundle: Bundle, up: list[Connection], text: str) -> None:
        """It cannot be helped: say so."""
        rows = ", ".join(str(each.row) for each in up)
        if bundle not in self._verdicts.said:
            self._count(Counter.BEHIND)
        self._quiet.warning(f"stuck {rows}", f"{up[0]} is {text}", connection=up[0].row)
        self._verdicts.said[bundle] = f"connection {rows}: {text}"
        for each in up:
            self._note(each, Reason.CAPACITY, text)

    # ---- splitting

    def _split(self, bundle: Bundle, why: str, now: float) -> str:
        """Split it. Returns why that is not done, empty if it is."""
        if not self._after_s:
            return "split_after_s is 0: nothing is split"
        if now < self._verdicts.until.get(bundle, 0.0):
            return "splitting it was no help before"
        past = self._past.get(bundle)
        if past is not None:
            rate = sum(self._rate(each) for each in past.siblings)
            if rate < _GAIN * past.rate:
                self._verdicts.until[bundle] = now + AGAIN_S
                return f"splitting it was no help: {past.rate:,.0f} bytes/s then, now {rate:,.0f}"
        parts = halves(bundle.keys, self._group, self._loads())
        if parts is None:
            return "all of it is one instrument"
        rate = self._rate(bundle)

        def told(done: bool) -> None:
            if not done:
                self._verdicts.until[bundle] = now + AGAIN_S
                return
            self._count(Counter.SPLITS)
            for part in bundle.parts:
                self._past[part] = _Past(bundle.parts, rate)

        if not self._rotations.split(bundle, parts, why, now, told):
            most = len(self._fleet) + self._fleet.room
            return f"no more than {most} connections are allowed"
        for connection in bundle.connections:
            if connection in self._watched:
                self._note(connection, Reason.CAPACITY, f"{why}: it is being split")
        self._verdicts.said.pop(bundle, None)
        return ""

    def _rate(self, bundle: Bundle) -> float:
        """Bytes a second, on the best of its connections."""
        there = [self._watched[each].rate for each in bundle.connections if each in self._watched]
        return max(there, default=0.0)

    def _group(self, key: str) -> object:
        tracked = self._universe.of_key(key)
        return None if tracked is None else tracked.id

    def _loads(self) -> dict[object, float]:
        """Bytes of each instrument since the first connection fell behind."""
        load = self._engine.load().astype(np.float64)
        if self._load is not None:
            load[: len(self._load)] -= self._load
        return dict(enumerate(load.tolist()))


def halves(
    keys: Sequence[str], group: Callable[[str], object], load: Mapping[Any, float]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Two parts of the keys, each in its old order; None: they are all of one group.

    `group`: what a key belongs to (its instrument); a group stays together, so that its channels
    fail and heal together. None: to no instrument, such as where statuses come from; that is no
    load, and stays with the first half. `load`: of each group. The heaviest first, each to the
    lighter half: no half is heavier than 7/6 of the best there is (Graham, "Bounds on
    Multiprocessing Timing Anomalies", 1969, for two machines).
    """
    groups: dict[object, list[str]] = {}
    chosen: dict[str, int] = {}
    for key in keys:
        name = group(key)
        if name is None:
            chosen[key] = 0
        else:
            groups.setdefault(name, []).append(key)
    if len(groups) < 2:
        return None
    weights = [0.0, 0.0]
    counts = [0, 0]
    for name in sorted(groups, key=lambda one: (-load.get(one, 0.0), str(one))):
        half = min((0, 1), key=lambda one: (weights[one], counts[one]))
        weights[half] += load.get(name, 0.0)
        counts[half] += len(groups[name])
        chosen |= dict.fromkeys(groups[name], half)
    first, second = (tuple(key for key in keys if chosen[key] == half) for half in (0, 1))
    return first, second
