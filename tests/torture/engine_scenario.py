"""An engine that reads a venue's frames from its socket, as the only writer that users run does."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, cast

from feedhandler import venues
from feedhandler.engine import _engine
from feedhandler.sim.server.frames import PONG as PONG_CODE
from feedhandler.sim.server.frames import encode
from shm import State, segment
from tests.torture.venue_frames import PONG, SYMBOLS, VENUES, Stream
from tests.torture.venue_model import PRICE, SIZE

if TYPE_CHECKING:
    from tests.torture.scenarios import Context

SLOTS = 256
GEOMETRY: dict[str, Any] = {
    "instruments": 4, "depth": 5, "ring_slots": SLOTS, "connections": 2
}  # fmt: skip
READS = 24
BASES = {"binance-usdm": _engine.BASE_REQUEST, "okx": _engine.BASE_STREAM}


class Listener:
    """Hears of pongs, and of what the engine wants of Python: nothing that the frames have not."""

    def __init__(self, engine: _engine.Engine) -> None:
        self.engine = engine

    def on_special(self, bits: int, payload: bytes) -> None:
        assert bits & _engine.ATTENTION, payload
        self.engine.attention()  # until then all that is read is shown at once

    def on_frame(self, kind: int, fin: bool, _payload: bytes) -> None:
        assert (kind, fin) == (PONG_CODE, True)

    def on_failed(self, error: Exception) -> None:
        raise error

    def on_refused(self, why: str | None) -> None:
        raise AssertionError(why)


def feed_frames(context: Context) -> None:
    """A venue's books from nothing, then all the reads, then until it is told to stop."""
    venue = context.order["scenario"]
    assert venue in VENUES
    stream = Stream(venue, context.order["seed"])
    owner = segment.create(venue, namespace=context.namespace, **GEOMETRY)
    decoder = venues.load(venue).decoder
    base = BASES[venue]
    engine = _engine.Engine(owner.writer, decoder, rule=_engine.RULE_PREVIOUS, base=base)
    connection = engine.connection(0)
    for symbol, (first, answer) in zip(SYMBOLS, stream.bases(), strict=True):
        row = engine.add_instrument(symbol, price_exponent=PRICE, size_exponent=SIZE)
        connection.feed(first)
        if answer:
            engine.snapshot(row, answer)
        assert engine.state(row)[0] == State.LIVE
    engine.attention()
    reads = stream.reads(READS)
    receiver = connection.receiver(Listener(engine), cast("asyncio.Protocol", None), 1 << 20)
    base_sequence = owner.writer.published
    read(receiver, reads[0])
    context.ask({"pid": os.getpid(), "epoch": owner.epoch, "base": base_sequence})
    context.arm()
    for frames in reads[1:]:
        read(receiver, frames)
    context.off()
    context.ask({"published": owner.writer.published})
    owner.close()


def read(receiver: _engine.Receiver, frames: list[bytes]) -> None:
    """As a transport does."""
    data = b"".join(encode(b"", PONG_CODE) if one == PONG else encode(one) for one in frames)
    while data:
        buffer = memoryview(receiver.get_buffer(-1))
        count = min(len(buffer), len(data))
        buffer[:count] = data[:count]
        receiver.buffer_updated(count)
        data = data[count:]
