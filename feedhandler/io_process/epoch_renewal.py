"""Make before break for the memory itself: a new epoch is whole before the old one is left.

Rows of the directory are never taken again (docs/memory.md), so that daily expiries fill it. In
time before that a second feed of the same venue, with connections of its own, fills a new epoch of
which no reader knows. When every book that is LIVE in the old one is LIVE there, it is announced:
readers go over by themselves, as they do when a writer is started again, and the old feed ends.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from feedhandler.config.keys import VenueConfig
from feedhandler.io_process.venue_feed import VenueFeed
from feedhandler.log import log
from feedhandler.network.rest import RestError
from feedhandler.planning.packing import CONNECTION_ROWS
from shm import segment
from shm._native import Writer

LOOK_S = 0.25
SHARE = 0.5  #: of the venue's connections that one feed may have, if there are to be two
PATIENCE_S = 1800.0  #: that the second feed has: its snapshots wait for the host's budget
AGAIN_S = 3600.0  #: after one that came to nothing


class RenewalError(RuntimeError):
    """The memory cannot be renewed now; the text says why."""


class Renewal:
    """A feed, and the one after it. `make`: a feed that writes there, as configured."""

    def __init__(
        self,
        held: segment.WriterSegment,
        config: VenueConfig,
        make: Callable[[Writer, VenueConfig], VenueFeed],
    ) -> None:
        self._held = held
        self._config = config
        self._make = make
        self._clock = asyncio.get_running_loop().time
        self._not_before = 0.0
        self.feed = make(held.writer, config)  #: the one whose memory readers see
        self.feed.quality.begin()
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Run the feed, and the next ones; until cancelled, or what ends a feed."""
        self._running = asyncio.create_task(self.feed.run())
        try:
            while not self._running.done():
                await asyncio.wait({self._running}, timeout=LOOK_S)
                if not self._running.done() and self._due():
                    await self._renewed(self._running)
            self._running.result()
        finally:
            await _ended(self._running)

    def _due(self) -> bool:
        rows = self.feed.roster.rows
        return rows.are_short and rows.worth_renewing and self._clock() >= self._not_before

    async def _renewed(self, running: "asyncio.Task[None]") -> None:
        log.info("renewing the memory: %s", self.feed.roster.rows)
        try:
            await self._renew(running)
        except Exception as error:  # whatever it is, the old memory is good
            self._not_before = self._clock() + AGAIN_S
            self.feed.roster.cure = f"not renewed ({error}): raise directory_rows"
            log.error("the memory cannot be renewed: %s", error)

    async def _renew(self, running: "asyncio.Task[None]") -> None:
        old, held = self.feed, self._held
        limit = old.venue.limits.connections
        if limit and len(old.connections) > SHARE * limit:
            raise RenewalError(f"the venue allows {limit} connections")
        writer = held.successor(
            instruments=self._config.directory_rows,
            depth=self._config.depth,
            ring_slots=self._config.ring_slots,
            connections=CONNECTION_ROWS,
        )
        config = msgspec.structs.replace(self._config, instruments=old.roster.wanted)
        new = self._make(writer, config)
        started = asyncio.create_task(new.run())
        try:
            await self._in_step(new, running, started)
            held.succeed(writer)
        except BaseException:
            await _ended(started)
            await new.leave()
            held.abandon(writer)
            raise
        old.quality.end()
        new.quality.begin()
        self.feed, self._running = new, started
        taken = len(new.universe.by_id)
        log.info("the memory is new: epoch %d, %d rows are taken", writer.epoch, taken)
        await _ended(running)
        await old.leave()

    async def _in_step(
        self, new: VenueFeed, running: "asyncio.Task[None]", started: "asyncio.Task[None]"
    ) -> None:
        """Until it has all that the old one has. Raises RenewalError, and ValueError."""
        end = self._clock() + PATIENCE_S
        while True:
            await asyncio.wait({running, started}, timeout=LOOK_S)
            if started.done():
                raise RenewalError(f"the new feed ended: {started.exception()!r}")
            if running.done():
                raise RenewalError("the feed ended")
            if self._clock() > end:
                raise RenewalError(f"not in step within {PATIENCE_S:.0f} s")
            if new.roster.wanted != self.feed.roster.wanted:  # it was asked for others meanwhile
                with suppress(RestError):
                    await new.roster.change(self.feed.roster.wanted)
            elif not self.feed.live() - new.live():
                return


async def _ended(running: "asyncio.Task[None]") -> None:
    """Cancel it, and wait for its end; how it ended is for who awaits it."""
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
