"""Raw frames of a venue to a capture, on connections of the recorder's own.

It is a whole feed beside the live one, in shared memory of its own that nobody reads: so a capture
begins with instruments and snapshots, heals its gaps, and never disturbs the live feed.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from feedhandler import venues
from feedhandler.capture import Frame, FrameWriter
from feedhandler.config import Config
from feedhandler.fleet import CONNECTION_ROWS
from feedhandler.rest import Rest
from feedhandler.transport import Route
from feedhandler.venue_feed import VenueFeed
from shm import State
from shm.segment import create

_PROGRESS_S = 0.5
_RING_SLOTS = 1024

Progress = Callable[["Recording"], None]


@dataclass(slots=True)
class Recording:
    """What was recorded so far. `bytes`: before compression; `live`: books in step now."""

    venue: str
    path: Path
    seconds: float = 0.0
    frames: int = 0
    bytes: int = 0
    instruments: int = 0
    live: int = 0


async def record(
    config: Config,
    venue: str,
    out: Path | str,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Recording:
    """Record one venue of the configuration to `out` (.ndjson, .gz or .zst) for `seconds`, or
    until cancelled. Every line is the text as received (`dir` in) or sent (out), with its receive
    time; a cancellation leaves a whole file. `progress` is called twice a second.

    Raises OSError (the file), and what :func:`shm.segment.create` raises.
    """
    its = config.venues[venue]
    facts = venues.load(venue, its.depth)
    its = msgspec.structs.replace(its, depth=1, ring_slots=_RING_SLOTS, audit_s=0.0)
    recording = Recording(venue, Path(out))
    loop = asyncio.get_running_loop()
    began = loop.time()
    with (
        FrameWriter(out, venue=venue) as capture,
        create(
            venue,
            namespace=f"record-{os.getpid()}",
            instruments=its.capacity,
            depth=its.depth,
            ring_slots=its.ring_slots,
            connections=CONNECTION_ROWS,
        ) as held,
    ):

        def rest(url: str, direction: str, body: bytes, t: int) -> None:
            capture.write(Frame(t=t, kind="rest", dir=direction, url=url, conn="rest", data=body))

        def frame(row: int, url: str, direction: str, data: bytes | None, t: int) -> None:
            capture.write(Frame(t=t, dir=direction, url=url, conn=str(row), data=data))

        route = Route.of(its)
        async with Rest(its.rest_url, facts.limits, tap=rest, route=route) as session:
            feed = VenueFeed(facts, its, held.writer, session, tap=frame)
            work = loop.create_task(feed.run())
            try:
                while not work.done():
                    left = None if seconds is None else began + seconds - loop.time()
                    if left is not None and left <= 0:
                        break
                    await asyncio.wait({work}, timeout=min(_PROGRESS_S, left or _PROGRESS_S))
                    _update(recording, feed, capture, loop.time() - began)
                    if progress is not None:
                        progress(recording)
            finally:
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
                _update(recording, feed, capture, loop.time() - began)
                await feed.stop()
        recording.frames, recording.bytes = capture.frames, capture.bytes
    return recording


def _update(recording: Recording, feed: VenueFeed, capture: FrameWriter, seconds: float) -> None:
    books = [tracked for tracked in feed.universe if tracked.book_key is not None]
    recording.seconds = seconds
    recording.frames, recording.bytes = capture.frames, capture.bytes
    recording.instruments = len(feed.universe.by_id)
    recording.live = sum(feed.engine.state(tracked.id)[0] == State.LIVE for tracked in books)
