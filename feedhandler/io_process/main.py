"""The one process of a venue: shared memory, the event loop, and its end.

`python -m feedhandler.io_process.main` reads one JSON object on stdin: {"venue", "namespace",
"config", "keep", "parent"}; where stdin is a socket it goes on as `order_socket`. It ends when
its supervisor does, however that ends. Exit codes: `Exit`.
"""

import asyncio
import ctypes
import gc
import os
import signal
import socket
import sys
from enum import IntEnum

import msgspec
import uvloop

from feedhandler import heap, venues
from feedhandler.adapter.venue import Venue
from feedhandler.config.keys import Config, VenueConfig
from feedhandler.instruments import handed_list
from feedhandler.io_process import instrument_orders, scheduling
from feedhandler.io_process.epoch_renewal import Renewal
from feedhandler.io_process.order_socket import read_order, serve
from feedhandler.io_process.venue_feed import VenueFeed
from feedhandler.log import BURST, Throttle, log, on_loop_error, setup
from feedhandler.network.rest import Rest
from feedhandler.network.route import Route
from feedhandler.planning.packing import CONNECTION_ROWS, PlanError
from shm import Counter, Reason, ShmError, State, WriterRunning, segment
from shm._native import Writer

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_PARENT_S = 1.0
_MEND_S = 1.0


class Exit(IntEnum):
    """Exit codes of an IO process."""

    STOPPED = 0
    FAILED = 1  #: a mistake of ours; the log has it
    CONFIG = 2  #: trying again does not help
    WRITER_RUNNING = 4  #: another process is this venue's writer
    NO_MEMORY = 5  #: /dev/shm is full, or its objects are not ours


class Order(msgspec.Struct, frozen=True):
    """What the supervisor asks of an IO process."""

    venue: str
    namespace: str
    config: VenueConfig
    keep: bool = False
    parent: int = 0
    group: int = -1
    lines: float = BURST  #: of the log, one after the other
    listed: int = -1  #: where the list of instruments stands that was handed over


def main(venue: str, config: Config, *, keep: bool = False, parent: int = 0) -> int:
    """Run one venue of a configuration until SIGTERM or SIGINT. Returns an `Exit`."""
    return run(Order(venue, config.namespace, config.venues[venue], keep, parent, config.group))


def run(order: Order, channel: socket.socket | None = None, venue: Venue | None = None) -> int:
    """Become the process of a venue. `channel`: where its supervisor asks for other instruments.
    `venue`: its facts, instead of the registry's."""
    setup(order.venue, calm=order.lines, venue=order.venue)
    _die_with_parent(order.parent)
    _prepare(order)
    try:
        held = segment.create(
            order.venue,
            namespace=order.namespace,
            instruments=order.config.directory_rows,
            depth=order.config.depth,
            ring_slots=order.config.ring_slots,
            connections=CONNECTION_ROWS,
            group=order.group,
        )
    except WriterRunning as error:
        log.error("%s", error)
        return Exit.WRITER_RUNNING
    except ShmError as error:
        log.error("%s", error)
        return Exit.NO_MEMORY
    code = Exit.FAILED
    venue = venue or venues.load(order.venue, order.config.depth)
    try:
        code = uvloop.run(_run(order, held, channel, venue))
    finally:
        held.close(keep=order.keep)
    return code


def _die_with_parent(parent: int) -> None:
    """SIGTERM when the supervisor's thread ends; and now, if it ended before that was set."""
    if not parent:
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        log.warning("prctl(PR_SET_PDEATHSIG): %s", os.strerror(ctypes.get_errno()))
    if os.getppid() != parent:
        log.error("the supervisor %d is gone", parent)
        sys.exit(Exit.STOPPED)


def _prepare(order: Order) -> None:
    name = f"fh:{order.venue}".encode()[:15]
    ctypes.CDLL(None).prctl(_PR_SET_NAME, ctypes.create_string_buffer(name), 0, 0, 0)
    heap.keep_large_apart()
    scheduling.ask(order.config)


async def _run(
    order: Order, held: segment.WriterSegment, channel: socket.socket | None, venue: Venue
) -> Exit:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(on_loop_error)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if order.config.spin:
        _spin(loop)
    route = Route.of(order.config)
    try:
        route.tls  # noqa: B018 - that it can be made
    except OSError as error:
        log.error("%s", error.strerror)
        return Exit.CONFIG
    counters = {"request": int(Counter.REST_REQUESTS), "error": int(Counter.REST_ERRORS)}
    async with Rest(
        order.config.rest_url,
        venue.limits,
        counted=lambda what: held.writer.counter_add(counters[what]),
        route=route,
        headers=venue.rest_headers,
    ) as rest:
        listed = handed_list.read(order.listed)

        def feed(writer: Writer, config: VenueConfig) -> VenueFeed:
            return VenueFeed(venue, config, writer, rest, listed=listed)

        renewal = Renewal(held, order.config, feed)
        gc.collect()
        gc.freeze()  # nothing made so far is garbage; it need not be looked at again
        work = loop.create_task(renewal.run())
        watcher = loop.create_task(_until_stopped(stop, order.parent))
        tasks = [work, watcher, loop.create_task(_mend(held))]
        if channel is not None:
            tasks.append(
                loop.create_task(
                    serve(
                        channel, lambda asked: instrument_orders.answer(renewal.feed.roster, asked)
                    )
                )
            )
        await asyncio.wait({work, watcher}, return_when=asyncio.FIRST_COMPLETED)
        failure = None if not work.done() or work.cancelled() else work.exception()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if failure is None:
            await renewal.feed.stop()
            return Exit.STOPPED
        await renewal.feed.stop(State.STALE, Reason.FAILED)
    return _report(failure, order.config)


def _report(failure: BaseException, config: VenueConfig) -> Exit:
    """Log what ended the feed; whether trying again may help."""
    causes: list[BaseException] = [failure]
    while isinstance(causes[-1], BaseExceptionGroup):
        causes.append(causes[-1].exceptions[0])
    if isinstance(causes[-1], PlanError):
        log.error("%s: %s", config.places.of(causes[-1].key), causes[-1])
        return Exit.CONFIG
    log.error("failed", exc_info=failure)
    return Exit.FAILED


async def _until_stopped(stop: asyncio.Event, parent: int) -> None:
    """Until a signal, or until the supervisor is gone without one having come."""
    while not stop.is_set():
        try:
            async with asyncio.timeout(_PARENT_S):
                await stop.wait()
        except TimeoutError:
            if parent and os.getppid() != parent:
                log.error("the supervisor %d is gone", parent)
                return


async def _mend(held: segment.WriterSegment) -> None:
    """Once a second, for ever: what others damaged in shared memory is put right, and said."""
    quiet = Throttle()
    while True:
        await asyncio.sleep(_MEND_S)
        try:
            mended = held.mend()
        except (ShmError, OSError) as error:
            quiet.warning("mend", f"shared memory is damaged, and cannot be mended: {error}")
        else:
            for each in mended:
                quiet.warning(each, f"shared memory was damaged, and is mended: {each}")


def _spin(loop: asyncio.AbstractEventLoop) -> None:
    """Never let the loop sleep in the kernel: a callback is always ready."""
    loop.call_soon(_spin, loop)


if __name__ == "__main__":
    line, its_channel = read_order()
    sys.exit(run(msgspec.json.decode(line, type=Order), its_channel))
