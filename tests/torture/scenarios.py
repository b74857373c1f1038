"""What the victims do. Each says when others may look, waits for their word, and has its points
armed between `arm` and `off` only; what comes after that is how one that was stopped goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import shm
from shm import Kind, Reason, State, _native, control_object, epoch, inspect, segment
from shm import clean as clean_module
from tests.shm.stress_payload import DEPTH, INSTRUMENTS, mix
from tests.shm.stress_reader import Checker, check_cells
from tests.shm.stress_writer import Feeder
from tests.torture.instrumented import Points

VENUE = "v"
SLOTS = 32
GEOMETRY: dict[str, Any] = {
    "instruments": 8, "depth": DEPTH, "ring_slots": SLOTS, "connections": 2
}  # fmt: skip
SPLIT = SLOTS // 4 + 3  # records: more than a message may have


@dataclass
class Context:
    """How a scenario talks to whoever runs it."""

    order: dict[str, Any]
    say: Callable[[dict[str, Any]], None]
    ask: Callable[[dict[str, Any]], dict[str, Any]]  # say, and wait for an answer
    arm: Callable[[], None]
    off: Callable[[], None]

    @property
    def namespace(self) -> str:
        name: str = self.order["namespace"]
        return name


def levels(feeder: Feeder, instrument: int, count: int) -> None:
    """One message of `count` levels, its cells, and the publication of both."""
    first = feeder.writer.next_sequence
    feeder.count[instrument] += 1
    number = feeder.count[instrument]
    records: list[tuple[int, ...]] = [
        (Kind.LEVEL, n & 1, mix(n, 1), mix(n, 2), mix(n, 3) & 0xFFFFFFFF)
        for n in range(first, first + count)
    ]
    feeder.cells(instrument, feeder.send(instrument, records, number), number)
    feeder.writer.publish()
    feeder.writer.wake()


def trade(feeder: Feeder, instrument: int) -> None:
    first = feeder.writer.next_sequence
    feeder.trades += 1
    feeder.send(instrument, [(Kind.TRADE, 0, mix(first, 1), mix(first, 2), 7)], feeder.trades)
    feeder.writer.publish()
    feeder.writer.wake()


def fill(writer: _native.Writer, messages: int) -> Feeder:
    """Instruments, and so many messages about them."""
    feeder = Feeder(writer, 1)
    for row in range(INSTRUMENTS):
        writer.directory_add({"symbol": f"I{row}", "name": f"N{row}"})
    for message in range(messages):
        levels(feeder, message % INSTRUMENTS, 2)
    writer.heartbeat()
    return feeder


def everything(feeder: Feeder) -> None:
    """Every kind of store that a running writer makes."""
    writer = feeder.writer
    levels(feeder, 0, 3)
    levels(feeder, 1, SPLIT)
    trade(feeder, 2)
    writer.heartbeat(last_receive_ns=1)
    writer.connection_store(0, url="wss://x", state=2)
    writer.counter_add(0)
    writer.histogram_add(0, 100)
    writer.set_state(State.LIVE, Reason.NONE, "so it is")
    writer.directory_update(0, {"symbol": "I0", "name": "N0", "tick": 0.5})
    if writer.instruments < writer.capacity:
        row = writer.directory_add({"symbol": f"I{writer.instruments}"})
        assert row >= INSTRUMENTS
    levels(feeder, 0, 1)


def write(context: Context) -> None:
    """A writer that feeds."""
    owner = segment.create(VENUE, namespace=context.namespace, **GEOMETRY)
    feeder = fill(owner.writer, SLOTS)  # the ring goes round once
    context.ask({"epoch": owner.epoch, "pid": os.getpid()})
    context.arm()
    everything(feeder)
    context.off()
    everything(feeder)
    context.ask({"published": owner.writer.next_sequence - 1})
    owner.close()


def start(context: Context) -> None:
    """A writer that takes over from a dead one."""
    context.ask({"pid": os.getpid()})
    context.arm()
    try:
        owner = segment.create(VENUE, namespace=context.namespace, **GEOMETRY)
    except shm.WriterRunning as error:
        context.off()
        context.say({"running": error.pid})
        return
    context.off()
    fill(owner.writer, INSTRUMENTS)
    context.ask({"epoch": owner.epoch, "published": owner.writer.published})
    owner.close()


def renew(context: Context) -> None:
    """A writer that goes over to new memory, which it has filled beside the old."""
    owner = segment.create(VENUE, namespace=context.namespace, **GEOMETRY)
    fill(owner.writer, INSTRUMENTS)
    context.ask({"pid": os.getpid()})
    context.arm()
    successor = owner.successor(**GEOMETRY)
    fill(successor, INSTRUMENTS)
    owner.succeed(successor)
    context.off()
    context.ask({"epoch": owner.epoch, "published": owner.writer.published})
    owner.close()


def stop(context: Context) -> None:
    """A writer that stops in order."""
    owner = segment.create(VENUE, namespace=context.namespace, **GEOMETRY)
    fill(owner.writer, INSTRUMENTS)
    context.ask({"epoch": owner.epoch, "published": owner.writer.published, "pid": os.getpid()})
    context.arm()
    owner.close()
    context.off()
    context.say({"closed": owner.epoch})


def clean(context: Context) -> None:
    """Somebody who removes what a dead writer left."""
    context.ask({"pid": os.getpid()})
    context.arm()
    inspect.clean(context.namespace)
    context.off()
    context.say({"cleaned": True})


def read(context: Context) -> None:
    """A reader that attaches, registers, reads everything once, sleeps, and leaves."""
    context.ask({"pid": os.getpid()})
    context.arm()
    feed = shm.attach(VENUE, namespace=context.namespace, timeout=10)
    events = feed.events(start="oldest", raw=True, name="victim")
    began = events.sequence
    checker = Checker(feed, events, strict=True)
    poll(checker)
    check_cells(feed, feed.instruments(), checker.saw)
    events.wait(0.001)
    events.close()
    events = checker.events = feed.events(start=events.sequence, raw=True, name="victim")
    lost = checker.lost
    poll(checker)
    check_state(feed)
    context.off()
    until = context.ask({"reads": True})["published"]
    while events.sequence <= until:
        poll(checker)
        check_cells(feed, feed.instruments()[:INSTRUMENTS], checker.saw)
    assert checker.lost == lost + events.lost
    assert checker.rows + checker.lost == until + 1 - began, (checker.rows, checker.lost)
    events.close()
    context.say({"rows": checker.rows, "lost": checker.lost})


def check_state(feed: shm.Feed) -> None:
    """State from the cells, and the ring from there on."""
    with feed.events(start="state", raw=True, on_overrun="resync") as events:
        checker = Checker(feed, events, strict=False)
        deadline = time.monotonic() + 10
        while not checker.saw["states"]:  # who is lapped while it joins tries again
            poll(checker)
            assert time.monotonic() < deadline
        poll(checker)


def poll(checker: Checker) -> None:
    try:
        batch = checker.events.poll()
    except shm.Overrun as error:
        checker.overrun(error)
        return
    if batch is not None:
        checker.batch(batch)


def feed(context: Context) -> None:
    """A writer that starts and feeds until it meets its end, or its parent says something."""
    context.ask({"pid": os.getpid()})
    context.arm()
    with segment.create(VENUE, namespace=context.namespace, **GEOMETRY) as owner:
        for row in range(INSTRUMENTS):
            owner.writer.directory_add({"symbol": f"I{row}", "name": f"N{row}"})
        owner.writer.publish()
        Feeder(owner.writer, context.order["seed"], SPLIT).run()
        context.off()


def break_it(points: Points, name: str) -> None:
    """The mutation: a function of the memory's files that does nothing, for all who call it, or a
    word that is left out."""
    if name in BREAKABLE:
        for module in (control_object, epoch, segment, clean_module):
            if hasattr(module, name):
                setattr(module, name, BREAKABLE[name])
    else:
        points.leave_out(name)


BREAKABLE: dict[str, Callable[..., Any]] = {
    "take_lock": lambda _: True,
    "retire": lambda _: None,
    "reserve": lambda *_: None,
}
SCENARIOS: dict[str, Callable[[Context], None]] = {
    "feed": feed,
    "write": write, "start": start, "renew": renew, "stop": stop, "clean": clean, "read": read
}  # fmt: skip
