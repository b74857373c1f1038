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
from typing import Any

import msgspec

from feedhandler import venues
from feedhandler.capture.frames_file import Frame
from feedhandler.capture.writer import CaptureWriteError, FrameWriter, check_name
from feedhandler.config.keys import Config
from feedhandler.io_process.venue_feed import VenueFeed
from feedhandler.network.rest import Rest
from feedhandler.network.route import Route
from feedhandler.planning.packing import CONNECTION_ROWS
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
    *,
    force: bool = False,
) -> Recording:
    """Record one venue of the configuration to `out` (.ndjson, .gz or .zst) for `seconds`, or
    until cancelled. Every line is the text as received (`dir` in) or sent (out), with its receive
    time; a cancellation leaves a whole file. `progress` is called twice a second.

    Raises ValueError (a name that promises another format), FileExistsError (unless `force`),
    OSError (the file), :class:`CaptureWriteError` (a full disk: what came before is whole), and
    what :func:`shm.segment.create` raises.
    """
    check_name(Path(out))
    its = config.venues[venue]
    facts = venues.load(venue, its.depth)
    its = msgspec.structs.replace(its, depth=1, ring_slots=_RING_SLOTS, audit_s=0.0)
    recording = Recording(venue, Path(out))
    loop = asyncio.get_running_loop()
    began = loop.time()
    with (
        FrameWriter(out, venue=venue, force=force) as capture,
        create(
            venue,
            namespace=f"record-{os.getpid()}",
            instruments=its.directory_rows,
            depth=its.depth,
            ring_slots=its.ring_slots,
            connections=CONNECTION_ROWS,
        ) as held,
    ):
        futures: set[asyncio.Future[Any]]
        full: asyncio.Future[CaptureWriteError] = loop.create_future()

        def take(frame: Frame) -> None:
            """Whoever brings a frame goes on as if it had been written: the recording ends."""
            if full.done():
                return
            try:
                capture.write(frame)
            except CaptureWriteError as error:
                full.set_result(error)

        def rest(url: str, direction: str, body: bytes, t: int, req: str | None) -> None:
            take(Frame(t=t, kind="rest", dir=direction, url=url, conn="rest", data=body, req=req))

        def frame(row: int, url: str, direction: str, data: bytes | None, t: int, enc: str) -> None:
            take(Frame(t=t, dir=direction, url=url, conn=str(row), data=data, enc=enc))

        route, headers = Route.of(its), facts.rest_headers
        async with Rest(
            its.rest_url, facts.limits, tap=rest, route=route, headers=headers
        ) as session:
            feed = VenueFeed(facts, its, held.writer, session, tap=frame)
            work = loop.create_task(feed.run())
            futures = {work, full}
            try:
                while not work.done() and not full.done():
                    left = None if seconds is None else began + seconds - loop.time()
                    if left is not None and left <= 0:
                        break
                    await asyncio.wait(
                        futures,
                        timeout=min(_PROGRESS_S, left or _PROGRESS_S),
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    _update(recording, feed, capture, loop.time() - began)
                    if progress is not None:
                        progress(recording)
            finally:
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
                _update(recording, feed, capture, loop.time() - began)
                await feed.stop()
        if full.done():
            raise full.result()
        recording.frames, recording.bytes = capture.frames, capture.bytes
    return recording


def _update(recording: Recording, feed: VenueFeed, capture: FrameWriter, seconds: float) -> None:
    books = [tracked for tracked in feed.universe if tracked.book_key is not None]
    recording.seconds = seconds
    recording.frames, recording.bytes = capture.frames, capture.bytes
    recording.instruments = len(feed.universe.by_id)
    recording.live = sum(feed.engine.state(tracked.id)[0] == State.LIVE for tracked in books)
