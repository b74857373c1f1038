"""A reader that asks the guard before each of its orders, and holds it to what it vouched for."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import shm
from feedhandler.view.status import venue_status
from shm import Instrument, Status
from tests.soak.cells import BEHIND_S, STATUS_S, Quotes, shown
from tests.soak.tops import Halts, Tops
from tests.soak.truth import Truth

SILENT_S = 1.0  #: of a writer: what the guard promises
_AGES_NS = (None, None, 50_000_000, 500_000_000, 2_000_000_000)
_DEPTHS = (0, 0, 10)


class _Passed(NamedTuple):
    """The guard has passed for an instrument whose book stood at a sequence."""

    symbol: str
    sequence: int
    at_ns: int
    max_age_ns: int | None


class _Cells(NamedTuple):
    """What is read of an instrument in one breath."""

    quote: shm.RawQuote
    book: shm.RawBook

    def version(self) -> tuple[int, ...]:
        """The same before and after: nothing has changed in between."""
        quote, book = self
        return (
            book.epoch, book.definition, book.venue_sequence, book.ring_sequence, book.state_ns,
            quote.definition, quote.venue_sequence, quote.ring_sequence, quote.state_ns,
        )  # fmt: skip

    def good(self) -> bool:
        """What the guard says of it when it passes."""
        quote, book = self
        return book.live and quote.live and book.status is quote.status is Status.ACTIVE


class Writer:
    """The kernel's word on the process that writes what a feed reads."""

    def __init__(self, feed: shm.Feed) -> None:
        self._feed = feed
        self._epoch = 0
        self._pid = 0
        self._stopped_at: float | None = None

    def look(self) -> str:
        """'runs', 'dead', "silent" (stopped for longer than the guard allows), or "" if it is not
        known which process it is."""
        epoch = self._feed.epoch
        if epoch != self._epoch:
            self._pid = 0
            with suppress(shm.ShmError):
                status = venue_status(self._feed.namespace, self._feed.venue)
                if status["epoch"] == epoch and status["pid"]:
                    self._pid, self._epoch = int(status["pid"]), epoch
            self._stopped_at = None
            return ""
        if not self._pid:
            return ""
        try:
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return "dead"
        letter, threads = fields[0], int(fields[17])
        if letter in "ZX":  # its first thread is; its files are open until the last one is, too
            return "dead" if threads <= 1 else ""
        now = time.monotonic()
        if letter != "T":
            self._stopped_at = None
            return "runs"
        if self._stopped_at is None:
            self._stopped_at = now
        return "silent" if now - self._stopped_at > SILENT_S else "runs"


class GuardReader:
    """Asks for all, or for some, with and without an age and a depth; and for nothing."""

    def __init__(self, feed: shm.Feed, truth: Truth, rng: random.Random, halts: Halts) -> None:
        self.truth = truth
        self.seen: Counter[str] = Counter()
        self._feed = feed
        self._rng = rng
        self._halts = halts
        self._tops = Tops(truth, [one.symbol for one in feed.instruments()])
        self._quotes = Quotes(truth, self._tops, self.seen)
        self._writer = Writer(feed)
        self._passed: list[_Passed] = []

    def look(self) -> None:
        time.sleep(self._rng.uniform(0.005, 0.03))
        some = self._feed.instruments()
        wanted = None
        if self._rng.random() < 0.6:
            wanted = self._rng.sample(some, self._rng.randint(0, min(len(some), 2)))
        max_age_ns, depth = self._rng.choice(_AGES_NS), self._rng.choice(_DEPTHS)
        asked = some if wanted is None else wanted
        writer, epoch = self._writer.look(), self._feed.epoch
        before = self._read(asked)
        at_ns = time.time_ns()
        try:
            self._feed.require_live(wanted, max_age_ns, depth)
        except shm.NotLive:
            self.seen["refused NotLive"] += 1
            if not any(cells.good() for cells in before or ()):
                self.seen["refused with nothing good"] += 1
            if wanted and max_age_ns is None and not depth:
                self._in_vain(wanted, before)
            self._count(writer, "refused")
            return
        except shm.WriterLost:
            self.seen["refused WriterLost"] += 1
            self._count(writer, "refused")
            return
        except shm.UnknownInstrument:  # of an epoch that has added none of that name
            self.seen["refused UnknownInstrument"] += 1
            return
        self.seen["passed all" if wanted is None else "passed some"] += 1
        if max_age_ns is not None:
            self.seen["passed with an age"] += 1
        names = [one.symbol for one in asked]
        told = {"all": wanted is None, "asked": names, "epoch": epoch, "at": at_ns}
        if writer in ("dead", "silent") and self._writer.look() == writer:  # not of a new epoch
            self.truth.wrong(f"the guard passed, the writer is {writer}", **told)
        if not asked and (wanted is not None or self._feed.epoch == epoch):
            self.truth.wrong("the guard passed for nothing", **told)
        if before is None:
            return
        after = self._read(asked)
        for one, then in zip(before, after or (), strict=False):
            if one.version() == then.version():
                self._vouched(one, then, at_ns, max_age_ns, depth)
            else:
                self.seen["moved in the same breath"] += 1

    def _read(self, instruments: list[Instrument]) -> list[_Cells] | None:
        try:
            return [
                _Cells(self._feed.quote(one, raw=True), self._feed.book(one, raw=True))
                for one in instruments
            ]
        except (shm.WriterLost, shm.UnknownInstrument):
            return None

    def _count(self, writer: str, what: str) -> None:
        if writer in ("dead", "silent"):
            self.seen[f"{what}, writer {writer}"] += 1

    def _in_vain(self, wanted: list[Instrument], before: list[_Cells] | None) -> None:
        """A guard that refuses what is good would be useless."""
        after = self._read(wanted)
        if before is None or after is None:
            return
        pairs = zip(before, after, strict=True)
        if all(a.version() == b.version() and a.good() and b.good() for a, b in pairs):
            self.truth.wrong("refused in vain", wanted=[one.symbol for one in wanted])

    def _vouched(
        self, one: _Cells, then: _Cells, at_ns: int, max_age_ns: int | None, depth: int
    ) -> None:
        """Nothing has changed around the guard, which has passed: so this is what it meant."""
        symbol = one.book.instrument.symbol
        self.seen["vouched for"] += 1
        told = {"symbol": symbol, "at": at_ns, "state": then.book.state.name}
        if then.book.state is shm.State.CLOSED:
            return  # of all, those that are carried are meant
        if not (one.book.state is one.quote.state is shm.State.LIVE):
            self.truth.wrong("the guard passed a book that is not LIVE", **told)
        if not one.book.status is one.quote.status is Status.ACTIVE:
            self.truth.wrong("the guard passed what is not open", **told)
        heard_ns = max(one.quote.data_ns, one.quote.receive_ns, one.book.receive_ns)
        if max_age_ns is not None and heard_ns < at_ns - max_age_ns:
            self.truth.wrong("the guard passed what is old", by=at_ns - heard_ns, **told)
        for known in (one.book.bids_known, one.book.asks_known):
            if known is not None and known < depth:
                self.truth.wrong("the guard passed a depth", known=known, depth=depth, **told)
        self.truth.add(shown(one.book), {"reader": "guard"} | told)
        self._quotes.add(one.quote, at_ns)
        self._passed.append(_Passed(symbol, one.book.venue_sequence, at_ns, max_age_ns))

    def check(self) -> None:
        self.truth.check()
        self._tops.ask()
        self._halts.read()
        self._quotes.check()
        for symbol, sequence, at_ns, max_age_ns in self._passed:
            self.truth.verdicts.checked += 1
            behind = self._tops.behind_ns(symbol, sequence, at_ns)
            self.seen["worst ms behind"] = max(self.seen["worst ms behind"], behind // 1_000_000)
            told = {"symbol": symbol, "sequence": sequence, "at": at_ns, "age": max_age_ns}
            if behind > BEHIND_S * 1e9:
                self.truth.wrong("the guard passed in a silence", behind_s=behind / 1e9, **told)
            if self._halts.open(symbol, at_ns - int(STATUS_S * 1e9), at_ns) is False:
                self.truth.wrong("the guard passed what the venue has halted", **told)
        self._passed.clear()
