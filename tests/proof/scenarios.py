"""What the protocol promises, each promise run through every execution of a recipe.

A scenario returns the verdicts it met. Good ones: what a reader may rightly be told. Each of
`WRONG` is a lie or a hang:

    torn     a record or a cell is handed out with a word that belongs to another one
    missing  a published record looks unwritten
    stale    a cell that a joining reader reads lacks records before its place in the ring
    lost     a reader that drains a dead writer's ring misses what was published
    unready  a data object is used before it is filled
    apart    cells that are said to be of one instant never were
    hung     the reader of a writer that died waits for ever
"""

from __future__ import annotations

from collections.abc import Callable

from tests.proof.machine import (
    KilledError,
    Memory,
    Program,
    Request,
    Thread,
    executions,
    remains,
    settled,
)
from tests.proof.recipe import Order, Recipe
from tests.proof.threads import (
    MORE,
    READY,
    WORDS,
    _published,
    _stores,
    cell_store,
    latch_try,
    publish,
    slot_read,
    slot_write,
)

WRONG = {"torn", "missing", "stale", "lost", "unready", "hung", "apart"}


# ---------------------------------------------------------------- the promises -------------------


def _met(memory: Memory, program: Callable[[], Program]) -> set[str]:
    return {run.verdict for run in executions(memory, program)}


def ring(recipe: Recipe, *, records: int = 6, slots: int = 2) -> set[str]:
    """Three laps of a ring; a reader asks for each record. "ok" must be that record, whole."""
    memory = Memory()
    writer = Thread(memory)
    for n in range(1, records + 1):
        slot_write(recipe, writer, n, slots)
        publish(recipe, writer, n)
    met: set[str] = set()
    for n in range(1, records + 1):

        def read(n: int = n) -> Program:
            out: list[int] = []
            verdict = yield from slot_read(recipe, n, slots, out)
            return "torn" if verdict == "ok" and out != [n] * WORDS else verdict

        met |= _met(memory, read)
    return met


def follow(recipe: Recipe, *, records: int = 4, slots: int = 2) -> set[str]:
    """A reader reads `published`, then the record it names: whole, or lapped, never missing."""
    memory = Memory()
    writer = Thread(memory)
    for n in range(1, records + 1):
        slot_write(recipe, writer, n, slots)
        publish(recipe, writer, n)

    def read() -> Program:
        n = yield _published(recipe)
        if n == 0:
            return "nothing"
        out: list[int] = []
        verdict = yield from slot_read(recipe, n, slots, out)
        if verdict in ("empty", "busy"):
            return "missing"
        return "torn" if verdict == "ok" and out != [n] * WORDS else verdict

    return _met(memory, read)


def latch(recipe: Recipe, *, stores: int = 5) -> set[str]:
    """A cell stored five times, each copy twice or more."""
    memory = Memory()
    writer = Thread(memory)
    for n in range(1, stores + 1):
        cell_store(recipe, writer, n)

    def read() -> Program:
        out: list[int] = []
        verdict = yield from latch_try(recipe, out)
        return "torn" if verdict == "ok" and out != [out[0]] * (1 + WORDS) else verdict

    return _met(memory, read)


def join(recipe: Recipe, *, published_first: bool = False, heed_more: bool = True) -> set[str]:
    """A late reader: `published`, then the cell, then the ring from there.

    Record 1 is a message; 2 and 3 are one message, split and published in parts; 4 is another. The
    cell says up to which record it was folded. It must hold all up to the reader's place.
    """
    slots = 8
    memory = Memory()
    writer = Thread(memory)
    for records in ((1,), (2, 3), (4,)):
        for n in records[:-1]:
            slot_write(recipe, writer, n, slots, MORE)
            publish(recipe, writer, n)
        last = records[-1]
        slot_write(recipe, writer, last, slots)
        if published_first:
            publish(recipe, writer, last)
        cell_store(recipe, writer, last)
        if not published_first:
            publish(recipe, writer, last)

    def read() -> Program:
        at = yield _published(recipe)
        if at:
            record: list[int] = []
            verdict = yield from slot_read(recipe, at, slots, record)
            if verdict != "ok" or (heed_more and record[0] & MORE):
                return "later"
        out: list[int] = []
        verdict = yield from latch_try(recipe, out)
        if verdict == "again":
            return "later"
        reflected = out[1] if verdict == "ok" else 0
        return "joined" if reflected >= at else "stale"

    return _met(memory, read)


def board(recipe: Recipe, *, rounds: int = 2, looked: Order | None = Order.ACQUIRE) -> set[str]:
    """Two cells stored in turn; a reader reads both, then looks at both heads again.

    If neither has moved, the two are together: what the writer had stored at one instant, so that
    the first is of the second's round or one ahead. `looked`: how the heads are looked at again;
    None: they are not.
    """
    memory = Memory()
    writer = Thread(memory)
    for n in range(1, rounds + 1):
        for name in "ab":
            cell_store(recipe, writer, n, name)

    def read(order: str) -> Program:
        found = {}
        for name in order:
            out: list[int] = []
            verdict = yield from latch_try(recipe, out, name)
            if verdict == "again":
                return "again"
            if verdict == "ok" and out != [out[0]] * (1 + WORDS):
                return "torn"
            found[name] = out[0] if out else 0
        for name in order if looked is not None else "":
            if (yield Request(f"{name}cell", looked or Order.RELAXED)) != found[name]:
                return "again"
        return "together" if found["a"] - found["b"] in (0, 1) else "apart"

    return _met(memory, lambda: read("ab")) | _met(memory, lambda: read("ba"))


def rows(recipe: Recipe) -> set[str]:
    """The directory's count is stored after the row: a row that is counted is there, whole."""
    memory = Memory()
    writer = Thread(memory)
    cell_store(recipe, writer, 1)
    count = next(op for op in recipe["fh_directory_add"] if op.what == "store")
    writer.store("instruments", 1, count.order)
    cell_store(recipe, writer, 2)

    def read() -> Program:
        if not (yield Request("instruments", Order.ACQUIRE)):
            return "nothing"
        out: list[int] = []
        verdict = yield from latch_try(recipe, out)
        return "missing" if verdict == "empty" else verdict

    return _met(memory, read)


#: The signs by which a reader knows that its writer is gone, and the lines that give them.
SIGNS = ("superseded", "epoch", "writer_pid")


def drain(
    recipe: Recipe,
    sign: str,
    *,
    handed_over: bool = True,
    stored: Order = Order.RELEASE,
    loaded: Order = Order.ACQUIRE,
) -> set[str]:
    """A writer is killed at each of its stores; its successor stores a sign; the reader drains.

    `handed_over`: the successor took the lock that the kernel released when the first one died,
    so that all its stores happen before. After the sign the reader must see the dead writer's
    last `published`, and every record up to it, or that it was lapped.
    """
    met: set[str] = set()
    for limit in range(3 * (WORDS + 3) + 1):
        memory = Memory()
        writer = Thread(memory, limit=limit)
        try:
            for n in range(1, 4):
                slot_write(recipe, writer, n, 2)
                publish(recipe, writer, n)
        except KilledError:
            pass
        last = writer.load("published")
        successor = Thread(memory, after=writer if handed_over else None)
        if sign == "superseded":
            _stores(successor, recipe["fh_supersede"], {"&header->superseded": sign}, {"1": 1})
        else:
            successor.store(sign, 1, stored)

        def read(last: int = last) -> Program:
            if not (yield Request(sign, loaded)):
                return "running"
            published = yield _published(recipe)
            if published < last:
                return "lost"
            for n in range(1, published + 1):
                out: list[int] = []
                verdict = yield from slot_read(recipe, n, 2, out)
                if verdict in ("empty", "busy"):
                    return "missing"
                if verdict == "ok" and out != [n] * WORDS:
                    return "torn"
            return "drained"

        met |= _met(memory, read)
    return met


def attach(*, magic: Order = Order.RELEASE, epoch: Order = Order.RELEASE) -> dict[str, set[str]]:
    """A restarted writer fills a new data object, then its magic, then names it.

    A reader that comes by the control object loads the epoch, then the magic; one that comes by
    the object's name (an inspector) only the magic. Then the header must be filled.
    """
    memory = Memory()
    writer = Thread(memory)
    writer.store("regions", READY, Order.RELAXED)
    writer.store("published", 1, Order.RELEASE)
    writer.store("magic", 1, magic)
    writer.store("epoch", 1, epoch)

    def read(by_name: bool) -> Program:
        if not by_name and not (yield Request("epoch", Order.ACQUIRE)):
            return "nothing"
        if not (yield Request("magic", Order.ACQUIRE)):
            return "nothing" if by_name else "unready"
        regions = yield Request("regions", Order.RELAXED)
        published = yield Request("published", Order.ACQUIRE)
        return "attached" if regions == READY and published else "unready"

    return {
        "epoch": _met(memory, lambda: read(by_name=False)),
        "name": _met(memory, lambda: read(by_name=True)),
    }


# ---------------------------------------------------------------- what a dead writer leaves ------


def dead_latch(recipe: Recipe, *, stores: int = 3, as_written: bool = True) -> set[str]:
    """The writer of a cell is killed anywhere: the cell can be read at once, and is whole."""
    writer = Thread(Memory())
    for n in range(1, stores + 1):
        cell_store(recipe, writer, n)
    met: set[str] = set()
    for memory in remains(writer.events, as_written=as_written):
        out: list[int] = []
        verdict = settled(memory, latch_try(recipe, out))
        if verdict == "again":
            verdict = "hung"
        elif verdict == "ok" and out != [out[0]] * (1 + WORDS):
            verdict = "torn"
        met.add(verdict)
    return met


def dead_ring(
    recipe: Recipe, *, records: int = 5, slots: int = 4, as_written: bool = True
) -> set[str]:
    """The writer of a ring is killed anywhere: all that was published is whole, or overwritten.

    A message is at most a quarter of the ring, so the last published record is never overwritten
    by one that was not: whoever comes later can join.
    """
    writer = Thread(Memory())
    for n in range(1, records + 1):
        slot_write(recipe, writer, n, slots)
        publish(recipe, writer, n)
    met: set[str] = set()
    for memory in remains(writer.events, as_written=as_written):
        last = memory.get("published", 0)
        for n in range(1, last + 1):
            out: list[int] = []
            verdict = settled(memory, slot_read(recipe, n, slots, out))
            if verdict in ("empty", "busy"):
                verdict = "missing"
            elif verdict == "ok" and out != [n] * WORDS:
                verdict = "torn"
            elif verdict == "lapped" and n == last:
                verdict = "hung"
            met.add(verdict)
    return met


def check(recipe: Recipe) -> set[str]:
    """All that can go wrong with a recipe in any scenario; empty: it keeps every promise.

    The killed writer's code is taken as written; see `remains`.
    """
    met: set[str] = set()
    for scenario in (ring, follow, latch, board, join, rows, dead_latch, dead_ring):
        met |= scenario(recipe)
    met |= drain(recipe, "superseded")
    return met & WRONG
