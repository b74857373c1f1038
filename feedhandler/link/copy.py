"""One epoch of a source, in this host's memory: what came is in it, in order, or is asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import time_ns

from feedhandler.link._link import BadMessage, Mirrored, head
from feedhandler.link.clock import ClockOffset
from feedhandler.link.names import Hello
from shm import Reason, State
from shm._native import Writer

_STASH_BYTES = 64 << 20
_UNKNOWN = 1 << 62  # an age
_MOST_HOPS = 16  # more has only who goes round in a loop
_VERDICT = {
    3: (State.STALE, Reason.FAILED, "the writer at {source} died"),
    4: (State.STALE, Reason.HEARTBEAT, "the writer at {source} gives no sign of life"),
}
STOPPED = 1


@dataclass(slots=True)
class Tally:
    """Of a mirror's life."""

    repeated: int = 0
    bad: int = 0
    foreign: int = 0  #: of another life than the one that is followed
    dropped: int = 0  #: came too early, and there was no room to keep them
    repaired: int = 0
    lost: int = 0  #: of epochs before this one


class Copy:
    """Batches may come from any thread; `lock` is held while memory is written."""

    def __init__(
        self, writer: Writer, hello: Hello, clock: ClockOffset, silence_ns: int, tally: Tally
    ) -> None:
        self.lock = threading.RLock()
        self.epoch = hello.epoch
        self.life = hello.life
        self.number = 0  #: all batches up to this one are in memory
        self.late_ns = 0  #: the most since `late` was called
        self.over = False
        self.lost_told = 0  #: of `lost`, what the log has said
        self._source = f"{hello.name}/{hello.namespace}"
        self._writer = writer
        self._mirrored = Mirrored(writer, connections=hello.connections)
        self._clock = clock
        self._silence_ns = silence_ns
        self._tally = tally
        self._stash: dict[int, tuple[bytes, int]] = {}
        self._stashed = 0
        self._step_ns = 0  # as of then, by the source's clock, nothing is missing
        self._joined = False
        self._held = False  # a repair was asked for, and what comes meanwhile is kept
        self._doubted = False  # what came in its turn did not fit

    @property
    def next_sequence(self) -> int:
        return self._mirrored.next_sequence

    @property
    def lost(self) -> int:
        return self._mirrored.lost

    @property
    def source(self) -> str:
        """Whose it is, through all links."""
        further = self._mirrored.venue[7]
        return f"{self._source} < {further}" if further else self._source

    def another_life(self, life: int) -> None:
        """The source counts anew; what is in memory stays."""
        with self.lock:
            self.life = life
            self.number = 0
            self._stash.clear()
            self._stashed = 0
            self._joined = self._held = self._doubted = False

    def take(self, data: bytes) -> bool:
        """A batch that was published; False: something before it is missing, or it is another
        life's. Raises :class:`BadMessage`."""
        repair, _, life, epoch, number, first, last, until, _, sent_ns = head(data)
        if repair or not 0 < first <= last + 1 or last != until:
            raise BadMessage("no batch has such a head")
        with self.lock:
            if life != self.life or epoch != self.epoch:
                self._tally.foreign += 1
                return False
            if number <= self.number:
                self._tally.repeated += 1
                return True
            waits = self._held or not self._joined  # for what was asked for
            if waits or number != self.number + 1 or first > self.next_sequence:
                self._keep(number, data, sent_ns)
                return waits
            self._apply(number, data, sent_ns)
            return True

    def _apply(self, number: int, data: bytes, sent_ns: int) -> None:
        try:
            self._mirrored.apply(data)
        except BadMessage:
            self._doubted = True
            raise
        self.number = number
        self._in_step(sent_ns)

    def _keep(self, number: int, data: bytes, sent_ns: int) -> None:
        if number in self._stash:
            self._tally.repeated += 1
        elif self._stashed + len(data) > _STASH_BYTES:
            self._tally.dropped += 1
        else:
            self._stash[number] = data, sent_ns
            self._stashed += len(data)

    def missing(self) -> tuple[int, int, tuple[int, ...]]:
        """What to ask a repair for, which has to come then: the first record, and the batch after
        which cells are wanted; and the numbers of what came early, all of which it has to have."""
        with self.lock:
            self._held = True
            since = self.number
            if self._doubted or since + 1 in self._stash:
                since = 0  # what came in its turn did not fit: something before it is not right
            return self.next_sequence, since, tuple(self._stash)

    def forget(self, early: Sequence[int]) -> int:
        """After that repair. What it had not, the source has never sent: it is not waited for.
        How many these were."""
        forged = 0
        with self.lock:
            for number in early:
                if number in self._stash:
                    self._stashed -= len(self._stash.pop(number)[0])
                    self._tally.foreign += 1
                    forged += 1
        return forged

    def mend(self, messages: Sequence[bytes], *, counts: bool) -> bool:
        """A repair, or the next messages of one; whether it is whole. Raises BadMessage."""
        with self.lock:
            for data in messages:
                repair, last, life, _, number, _, _, _, since, sent_ns = head(data)
                if not repair or life != self.life:
                    raise BadMessage("a repair of another life")
                self._mirrored.apply(data, counts=counts)
                if not last:
                    continue
                self.number = max(self.number, number)
                self._joined, self._held = True, False
                self._doubted = self._doubted and since > 0
                self._drain()
                if not self._stash:
                    self._in_step(sent_ns)
                return True
            return False

    def _drain(self) -> None:
        """What came early, as far as nothing is missing before it."""
        for number in sorted(self._stash):
            if number > self.number + 1:
                break
            data, sent_ns = self._stash[number]
            if number == self.number + 1 and head(data)[5] > self.next_sequence:
                break
            del self._stash[number]
            self._stashed -= len(data)
            if number == self.number + 1:
                self._apply(number, data, sent_ns)

    @property
    def gap(self) -> bool:
        """Batches came, and one before them did not, or did not fit."""
        return self._joined and (bool(self._stash) or self._doubted)

    # ---- trust

    def _in_step(self, sent_ns: int) -> None:
        self._step_ns = sent_ns
        age = self._age_ns()
        if age < _UNKNOWN:
            self.late_ns = max(self.late_ns, age)
        if self._mirrored.called[0]:
            self.judge()

    def _age_ns(self) -> int:
        """How old is what this memory has, as a whole."""
        offset = self._clock.now()
        if offset is None or not self._step_ns:
            return _UNKNOWN
        return time_ns() + offset.offset_ns - self._step_ns

    def judge(self) -> None:
        """Say in memory whether it is to be believed, and else why not."""
        with self.lock:
            verdict = self._mirrored.venue[2]
            age, offset = self._age_ns(), self._clock.now()
            wanted: tuple[int, int, str] = (0, 0, "")
            if age > self._silence_ns or age < -self._silence_ns:
                text = f"not in step with {self._source}"
                if age < _UNKNOWN:
                    text += f" for {age / 1e9:.1f} s"
                wanted = State.STALE, Reason.LINK, text
            elif self._mirrored.venue[3] >= _MOST_HOPS:
                text = f"{self._source} mirrors itself, in a loop: follow the feed's own host"
                wanted = State.STALE, Reason.LINK, text
            elif verdict in _VERDICT:
                its_state, its_reason, text = _VERDICT[verdict]
                wanted = its_state, its_reason, text.format(source=self._source)
            if verdict == STOPPED and not self.over:
                self.over = True
                self._mirrored.call(*wanted[:2], 0, wanted[2])
                self._writer.over()
            now = time_ns() + (offset.offset_ns if offset else 0) + self._mirrored.venue[4]
            if self._mirrored.called != wanted[:2]:
                self._mirrored.call(*wanted[:2], now, wanted[2])

    @property
    def in_step(self) -> bool:
        return not self._mirrored.called[0]

    def beat(self, link: str, heard_ns: int) -> None:
        """What the header says of this mirror, and that its writer is well."""
        with self.lock:
            _, _, _, hops, offset_ns, error_ns, late_ns, _ = self._mirrored.venue
            offset = self._clock.now()
            self._writer.mirrors(
                min(hops, _MOST_HOPS) + 1,
                self.source,
                link,
                clock_offset_ns=offset_ns + (offset.offset_ns if offset else 0),
                clock_error_ns=error_ns + (offset.error_ns if offset else 0),
                late_ns=late_ns + self.late_ns,
                heard_ns=heard_ns,
                lost=self._mirrored.lost,
                repaired=self._tally.repaired,
            )
            self._writer.heartbeat()
