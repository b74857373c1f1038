"""A mirror for minutes, while its source, `serve`, itself and the link are killed, cut or stopped.

`python -m tests.link.soak --minutes 10 --seed 7`: phases of a few random faults, which may overlap.
At the end of each, all of it at rest, both memories have to be the same byte for byte, every book
LIVE, and every record was handed to a reader of the mirror or is told as lost; where the ring
reached far enough, none is. Exit code 1 at the first that is not so.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from tests.kit.mirrored import LIVE, Reader, states
from tests.kit.tool import tool
from tests.link.going import SLOTS, Going, going

RATES = (200.0, 600.0, 1_500.0)  #: messages a second
LONGEST_S = 3.0
_RECORDS = 8  #: of a message, at most on average
_MARGIN = 2.0  #: how much of the ring a phase may use up, if nothing is to be lost
_HEALED_S = 60.0


@dataclass
class Found:
    """What happened, by its word; `lost`: records, in phases in which that may be."""

    phases: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    records: int = 0
    lost: int = 0
    slowest_s: float = 0.0  #: until it had healed

    def __str__(self) -> str:
        faults = ", ".join(f"{count} {word}" for word, count in sorted(self.faults.items()))
        return (
            f"{self.phases} phases, {sum(self.faults.values())} faults ({faults}): "
            f"{self.records:,} records, {self.lost:,} lost where the ring was too short, "
            f"healed after {self.slowest_s:.1f} s at most"
        )


def _killed(what: str, g: Going) -> Callable[[], None]:
    g.m.kill(what)
    return partial(g.m.again, what)


def _stopped(what: str, g: Going) -> Callable[[], None]:
    g.m.stop(what)
    return partial(g.m.go_on, what)


def _source_killed(g: Going) -> Callable[[], None]:
    g.m.source.kill()
    return g.m.source.start


def _cut(g: Going) -> Callable[[], None]:
    g.link.cut()
    return g.link.mend


def _silent(g: Going) -> Callable[[], None]:
    g.link.silence()
    return g.link.mend


def _slow(g: Going) -> Callable[[], None]:
    g.link.slow(0.2, lost=0.05)
    return g.link.slow


#: each begins a fault, and returns what ends it
FAULTS: Mapping[str, Callable[[Going], Callable[[], None]]] = {
    "serve killed": partial(_killed, "serve"),
    "mirror killed": partial(_killed, "mirror"),
    "source killed": _source_killed,
    "link cut": _cut,
    "link half open": _silent,
    "link slow": _slow,
    "serve stopped": partial(_stopped, "serve"),
    "mirror stopped": partial(_stopped, "mirror"),
}
_BESIDE = {"link cut": "link", "link half open": "link", "link slow": "link"}


def _who(word: str) -> str:
    return _BESIDE.get(word, word.split()[0])


def run(seconds: float, seed: int, say: Callable[[str], None] = print) -> Found:
    """At least one phase. Raises AssertionError."""
    chooser, found = random.Random(seed), Found()
    with going() as g:
        until = time.monotonic() + seconds
        while not found.phases or time.monotonic() < until:
            phase(g, chooser, found)
            say(f"{found.phases}: {found}")
    return found


def phase(g: Going, chooser: random.Random, found: Found) -> None:
    """Up to three faults, each of another part, over each other or one after the other."""
    began, rate = time.monotonic(), chooser.choice(RATES)
    words = chooser.sample(sorted(FAULTS), 3)
    words = list({_who(word): word for word in words}.values())
    g.m.source.pace(rate)
    ends: list[tuple[float, str]] = []
    over: dict[str, Callable[[], None]] = {}
    for word in words:
        _read_on(g, chooser.uniform(0.0, 0.7))
        found.faults[word] += 1
        over[word] = FAULTS[word](g)
        ends.append((time.monotonic() + chooser.uniform(0.1, LONGEST_S), word))
    for at, word in sorted(ends):
        _read_on(g, at - time.monotonic())
        over[word]()
    healing = time.monotonic()
    if "source killed" in words:
        g.m.source.pace(rate)
    if {"source killed", "mirror killed"} & set(words):
        _follow_anew(g)
    lost_before, told = g.about["lost"], sum(g.reader.losses)
    g.reader.until(lambda: states(g.feed) == {LIVE}, f"{words}: every book is LIVE", _HEALED_S)
    found.slowest_s = max(found.slowest_s, time.monotonic() - healing)
    fits = rate * _RECORDS * (time.monotonic() - began) * _MARGIN < SLOTS
    _read_on(g, 0.5)
    g.whole(lambda lost: lost == 0 or not fits)
    found.lost += max(g.about["lost"] - lost_before, sum(g.reader.losses) - told, 0)
    found.records += g.published - g.reader.first + 1
    found.phases += 1
    g.reader = Reader(g.feed)


def _follow_anew(g: Going) -> None:
    """The source's epoch: that before it is there, and LIVE, until the mirror has heard."""
    with g.m.open(g.m.space) as here:
        epoch = here.epoch
    until = time.monotonic() + _HEALED_S
    while True:
        g.feed.close()
        g.feed = g.m.attach()
        if g.feed.epoch == epoch:
            break
        assert time.monotonic() < until, "the mirror has not gone over to the source's epoch"
        time.sleep(0.05)
    g.reader = Reader(g.feed)


def _read_on(g: Going, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        g.reader.catch_up()
        time.sleep(min(0.05, left))


@tool()
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.link.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    try:
        run(60 * asked.minutes, asked.seed, partial(print, flush=True))
    except AssertionError as error:
        print(f"NOT SO: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
