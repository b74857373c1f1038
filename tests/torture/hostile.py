"""Readers on memory that lies: damaged headers, cells and records, before they attach and after.

    python -m tests.torture.hostile --seconds 60

Each case damages some fields of a whole segment, or its size, and then everything that a reader or
somebody who inspects it can call is called. Nothing but an error of `shm` may come of it, within
seconds, and one about damage must name the field; nothing is read outside the mapping (which has
guard pages around it here). A line of JSON says what was done; the exit status is 1 if anything
else happened. `--break NAME` leaves a check of `shm.attach` out: something must happen.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import shm
from feedhandler.bench.kit import leftovers
from shm import (
    _native,
    attach,
    control_object,
    dev_shm,
    epoch,
    inspect,
    object_names,
    readers_object,
    segment,
    writer_lock,
)
from tests.kit import natives
from tests.kit.tool import tool
from tests.torture.observe import let_it_seem_old
from tests.torture.scenarios import GEOMETRY, SLOTS, VENUE, fill

PRELOADED = "FEEDHANDLER_TEST_GUARD_PAGES"
SLOW_S = 20.0
#: What a ValueError may say: a sequence to start at, a depth that the cells do not have.
FITTING = re.compile("are there|book cells of .* levels a side")
NAMES = ("I0", "I2")
MODES = {
    "header": epoch.DATA_MODE,
    "control": control_object.CONTROL_MODE,
    "readers": readers_object.READERS_MODE,
}


class Case:
    """A whole segment of nobody's, to be damaged and put right again."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        with segment.create(VENUE, namespace=namespace, **GEOMETRY) as owner:
            fill(owner.writer, SLOTS)
            owner.writer.connection_store(0, url="wss://x", state=2)
            self.paths = {
                "header": owner.path,
                "control": object_names.control_name(namespace, VENUE),
                "readers": object_names.readers_name(namespace, VENUE),
            }
            self.whole = {
                where: self._file(path).read_bytes() for where, path in self.paths.items()
            }
        self.restore()
        self._lock = os.open(self._file(self.paths["control"]), os.O_RDWR)
        assert writer_lock.take_lock(self._lock)

    @staticmethod
    def _file(path: str) -> Path:
        return dev_shm.DIRECTORY / path[1:]

    def restore(self) -> None:
        """As a writer left it that is alive and silent; the data object is a new file each time."""
        self._file(self.paths["header"]).unlink(missing_ok=True)
        for where, path in self.paths.items():
            with self._file(path).open("r+b" if self._file(path).exists() else "wb") as file:
                file.write(self.whole[where])
                file.truncate()
            self._file(path).chmod(MODES[where])

    def close(self) -> None:
        os.close(self._lock)
        for path in self.paths.values():
            self._file(path).unlink(missing_ok=True)

    def poke(self, where: str, offset: int, value: bytes) -> None:
        with self._file(self.paths[where]).open("r+b") as file:
            file.seek(offset)
            file.write(value)

    def truncate(self, size: int) -> None:
        os.truncate(self._file(self.paths["header"]), size)


def places() -> list[tuple[str, str, int, int]]:
    """(structure, field, offset, bytes) of every field of the three objects' heads."""
    found = []
    for structure in MODES:
        dtype = _native.DTYPES[structure]
        assert dtype.fields is not None
        for name, (kind, offset, *_) in dtype.fields.items():
            parts = kind.fields or {"": (kind, 0)}
            for part, (inner, inside, *_) in parts.items():
                full = f"{name}.{part}" if part else name
                found.append((structure, full, offset + inside, inner.itemsize))
    return found


def odd_values(size: int, now: bytes) -> list[bytes]:
    """What a field of so many bytes is changed to: zero, huge, a bit off, past the end."""
    if size > 8:
        return [bytes(size), b"\xff" * size, b"\x80" + bytes(size - 1)]
    number = int.from_bytes(now, "little")
    top = 1 << 8 * size
    near = [number + step for step in (1, -1, 64, -64, 128, 4096)]
    far = [number * 2, number // 2, number << 16]
    values = [0, 1, 7, 64, 4096, top - 1, top // 2, 0x7FFFFFFF, *near, *far]
    return [(value % top).to_bytes(size, "little") for value in dict.fromkeys(values)]


def calls(feed: shm.Feed) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Everything that a strategy can ask."""
    yield "instruments", feed.instruments
    yield "state", lambda: feed.state
    yield "alive", feed.alive
    yield "quote", lambda: [feed.quote(name, raw=raw) for name in NAMES for raw in (False, True)]
    yield (
        "book",
        lambda: [feed.book(name, depth=2, raw=raw) for name in NAMES for raw in (False, True)],
    )
    yield "whole book", lambda: feed.book(NAMES[0])
    yield "board", feed.board
    yield "board of some", lambda: feed.board(["I0", "I1"])
    yield "expiries", lambda: feed.expiries("I")
    yield "require_live", feed.require_live
    for start in ("now", "oldest", "state", 1, 40):
        for resync in ("raise", "resync"):
            yield f"events {start}", partial(_events, feed, start, resync)


def _events(feed: shm.Feed, start: Any, on_overrun: Any) -> None:
    with feed.events(start=start, on_overrun=on_overrun, raw=start == "state", name="x") as events:
        for _ in range(4):
            events.poll()
            events.wait(0.0001)
        assert events.lag >= 0
    with feed.events(["I1"], ["level", "state"], start=start, on_overrun=on_overrun) as events:
        events.poll()


def people(namespace: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Everything that somebody who looks at it can ask."""
    yield "list_objects", lambda: inspect.list_objects(namespace)
    yield "epochs", lambda: inspect.epochs(VENUE, namespace=namespace)
    yield "open_memory", lambda: _look(namespace)
    yield "readers", lambda: inspect.readers(VENUE, namespace=namespace)


def _look(namespace: str) -> None:
    with inspect.open_memory(VENUE, namespace=namespace) as memory:
        memory.header()
        memory.counters()
        for histogram in memory.histograms().values():
            histogram.percentile(0.5)
        memory.instruments()
        memory.connections()
        for row in range(memory.segment.instruments):
            memory.quote(row)
            memory.book(row)
        memory.slots(1, memory.segment.slots)
        inspect.verify(memory)


class Tally:
    """What came of the cases."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def call(self, what: str, act: Callable[[], Any], case: str) -> shm.ShmError | None:
        """One call: it works, or says what is damaged."""
        signal.setitimer(signal.ITIMER_REAL, SLOW_S)
        began = time.monotonic()
        try:
            with np.errstate(all="ignore"):
                act()
        except shm.DamagedSegment as error:
            self.counts["damaged"] += 1
            if not error.field:
                self.wrong.append(f"{case}: {what}: no field is named: {error}")
            return error
        except shm.ShmError as error:
            self.counts[type(error).__name__] += 1
            return error
        except ValueError as error:
            if not FITTING.search(str(error)):
                self.wrong.append(f"{case}: {what}: {error!r}")
        except Exception as error:
            self.wrong.append(f"{case}: {what}: {error!r}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if time.monotonic() - began > SLOW_S / 2:
                self.wrong.append(f"{case}: {what}: took {time.monotonic() - began:.1f} s")
        return None


def _enter(case: Case, feeds: list[shm.Feed]) -> None:
    feeds.append(shm.attach(VENUE, namespace=case.namespace, timeout=0))


def every_field(case: Case, tally: Tally) -> None:
    """Each field of both headers with each odd value: refused by its name, or harmless."""
    for structure, name, offset, size in places():
        whole = case.whole[structure]
        for value in odd_values(size, whole[offset : offset + size]):
            case.restore()
            case.poke(structure, offset, value)
            told = f"{structure}.{name} = {value[:8].hex()}"
            tally.counts["cases"] += 1
            feeds: list[shm.Feed] = []
            error = tally.call("attach", partial(_enter, case, feeds), told)
            if isinstance(error, shm.DamagedSegment) and not _named(error.field, name):
                tally.wrong.append(f"{told}: {error.field} is named: {error}")
            for what, act in calls(feeds[0]) if feeds else ():
                tally.call(what, act, told)
            for what, act in people(case.namespace):
                tally.call(what, act, told)
            for feed in feeds:
                feed.close()
                tally.counts["attached"] += 1


def _named(found: str, poked: str) -> bool:
    """Whether an error names what was changed, or what it does not go with: another region."""
    regions = {"directory", "quotes", "books", "book_depth", "connections", "histograms", "ring"}
    heads = found.partition(".")[0], poked.partition(".")[0]
    return heads[0] == heads[1] or (set(heads) <= regions)


def at_random(case: Case, tally: Tally, pick: random.Random) -> None:
    """Some words anywhere, before or after a reader attached; or the object's end."""
    case.restore()
    told = ""
    late = pick.random() < 0.5
    feeds: list[shm.Feed] = []

    if late:
        _enter(case, feeds)
    for _ in range(pick.choice((1, 1, 2, 8))):
        told += f" {damage(case, pick)}"
    if pick.random() < 0.2:
        whole = len(case.whole["header"])
        size = pick.choice((0, 1, 4095, 4096, pick.randrange(whole), whole - 1))
        case.truncate(size)
        told += f" truncated to {size}"
    if pick.random() < 0.3 and "truncated" not in told:
        let_it_seem_old(case.paths["header"])
    if not late:
        tally.call("attach", partial(_enter, case, feeds), told)
    asked = [*(calls(feeds[0]) if feeds else ()), *people(case.namespace)]
    pick.shuffle(asked)
    for what, act in asked:
        tally.call(what, act, told)
    tally.counts["cases"] += 1
    tally.counts["attached"] += len(feeds)


def damage(case: Case, pick: random.Random) -> str:
    """Change a field of a header, a row of the registry, or any word."""
    kind = pick.randrange(4)
    if kind == 0:
        structure, name, offset, size = pick.choice(places())
        whole = case.whole[structure]
        value = pick.choice(odd_values(size, whole[offset : offset + size]))
        case.poke(structure, offset, value)
        return f"{structure}.{name}={value[:8].hex()}"
    where = {1: "control", 2: "readers"}.get(kind, "header")
    whole = case.whole[where]
    used = [i for i in range(0, len(whole), 8) if whole[i : i + 8] != bytes(8)]
    offset = pick.choice(used) if pick.random() < 0.8 else pick.randrange(0, len(whole), 8)
    value = pick.choice(
        [*odd_values(8, whole[offset : offset + 8]), pick.randbytes(8), b"\xff\xff\x7f\xff" * 2]
    )
    case.poke(where, offset, value)
    return f"{where}[{offset}]={value.hex()}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--break", dest="broken", default="", metavar="NAME")
    asked = parser.parse_args()
    if PRELOADED not in os.environ:
        guards = natives.library(Path(__file__).with_name("guard_pages.c"))
        environment = {**os.environ, PRELOADED: "1", "LD_PRELOAD": str(guards)}
        again = [sys.executable, "-m", "tests.torture.hostile", *sys.argv[1:]]
        os.execve(sys.executable, again, environment)
    faulthandler.enable()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    faulthandler.register(signal.SIGALRM, chain=True)
    if asked.broken:
        assert callable(getattr(attach, asked.broken))
        setattr(attach, asked.broken, lambda *_: None)
    tally = Tally()
    pick = random.Random(asked.seed)
    with tool(), closing(Case(leftovers.memory(f"test-hostile-{os.getpid()}"))) as case:
        every_field(case, tally)
        end = time.monotonic() + asked.seconds
        while time.monotonic() < end:
            at_random(case, tally, pick)
    print(json.dumps({"seed": asked.seed, **tally.counts, "wrong": len(tally.wrong)}))
    sys.stderr.write("".join(f"{line}\n" for line in tally.wrong[:50]))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
