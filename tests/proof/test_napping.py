"""Before it asks to be woken a reader naps, if batches come quickly: how long, and how often."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from itertools import accumulate, repeat
from pathlib import Path

import pytest

from shm._native import constants
from tests.kit.natives import library, place
from tests.proof import header

CONSTANTS = constants()
BELOW_NS, LEAST_NS = CONSTANTS["FH_NAP_BELOW_NS"], CONSTANTS["FH_NAP_LEAST_NS"]
NAPS, MOST_NS = CONSTANTS["FH_NAPS"], CONSTANTS["FH_PACE_MOST_NS"]
LONG_NS = 100_000_000
MS = 1_000_000


class Waited(ctypes.Structure):
    naps: int
    longest_ns: int
    shortest_ns: int
    told: int
    slack_ns: int
    waits: int
    wakes: int
    _fields_ = [
        (name, ctypes.c_int64)
        for name in ("naps", "longest_ns", "shortest_ns", "told", "slack_ns", "waits", "wakes")
    ]


class Sleeper:
    """The header's functions, compiled; `edits`: with mistakes in them."""

    def __init__(self, edits: Mapping[str, str] | None = None) -> None:
        text, folder = header.HEADER.read_text(), Path(__file__).parent
        for old, new in (edits or {}).items():
            assert text.count(old) == 1, f"{text.count(old)} times in the header: {old}"
            text = text.replace(old, new)
        words = folder / "napping_words.h"
        where = place("napping", text, words)
        (where / header.HEADER.name).write_text(text)
        found = ctypes.CDLL(
            str(
                library(
                    folder / "napping.c", f"-I{where}", f"-I{folder}", "-std=gnu11",
                    "-Wno-unused-function",
                )
            )
        )  # fmt: skip
        found.waits.restype = ctypes.POINTER(Waited)
        found.pace_after.restype = ctypes.c_uint32
        self._found = found

    def waits(
        self, pace_ns: int, timeout_ns: int = LONG_NS, *, news: int = 0, end: int = 0
    ) -> Waited:
        """What it did; in nap number `news` something comes, in number `end` the writer ends."""
        i64 = ctypes.c_int64
        done = self._found.waits(ctypes.c_uint32(pace_ns), i64(timeout_ns), i64(news), i64(end))
        return Waited.from_buffer_copy(done.contents)

    def pace(self, *gaps_ns: int) -> int:
        """After a first batch and others at these times after each other."""
        times = list(accumulate(gaps_ns, initial=10**18))
        return int(self._found.pace_after((ctypes.c_int64 * len(times))(*times), len(times)))


def at_a_slow_pace_it_asks_at_once(sleeper: Sleeper) -> None:
    for pace in (0, BELOW_NS, MOST_NS, 2**32 - 1):
        done = sleeper.waits(pace)
        assert (done.naps, done.waits, done.told) == (0, 1, 2), pace


def at_a_quick_pace_it_naps_first_and_tells_nobody(sleeper: Sleeper) -> None:
    for pace in (1, 2 * LEAST_NS, 100_000, BELOW_NS - 1):
        done = sleeper.waits(pace)
        assert (done.naps, done.waits, done.told) == (NAPS, 1, 2), pace
        assert done.shortest_ns == done.longest_ns == max(LEAST_NS, pace // 2), pace


def what_comes_in_a_nap_is_news(sleeper: Sleeper) -> None:
    for nap in range(1, NAPS + 1):
        for done in (sleeper.waits(100_000, news=nap), sleeper.waits(100_000, end=nap)):
            # Behind the last one it is the look that follows the flag.
            assert (done.naps, done.waits) == (nap, 0)
            assert done.told == (2 if nap == NAPS else 0)


def it_never_sleeps_longer_than_it_may(sleeper: Sleeper) -> None:
    for pace, nap in ((1, LEAST_NS), (100_000, 50_000)):
        done = sleeper.waits(pace, NAPS * nap - 1)
        assert (done.naps, done.waits) == (0, 1)
        assert sleeper.waits(pace, NAPS * nap).naps == NAPS


def a_nap_is_not_drawn_out(sleeper: Sleeper) -> None:
    """And what the thread had asked for is as before."""
    libc, get_slack, set_slack = ctypes.CDLL(None), 30, 29
    libc.prctl(set_slack, 70_000)
    try:
        assert sleeper.waits(100_000).slack_ns <= 1
        assert libc.prctl(get_slack) == 70_000
    finally:
        libc.prctl(set_slack, 0)


def the_pace_is_that_of_the_batches(sleeper: Sleeper) -> None:
    assert sleeper.pace() == MOST_NS
    for gap in (LEAST_NS, 50_000, 100_000, 300_000):
        assert gap <= sleeper.pace(*repeat(gap, 80)) <= gap + 4
    assert sleeper.pace(*repeat(50_000, 8)) < BELOW_NS <= sleeper.pace(*repeat(50_000, 4))


def a_pause_is_over_soon(sleeper: Sleeper) -> None:
    """However long it was: a few quick batches later it is forgotten."""
    quick = tuple(repeat(LEAST_NS, 40))
    for pause in (MOST_NS, 10 * MS, 10**13, -(10**9)):  # the clock was set back
        assert sleeper.pace(*quick, pause) >= BELOW_NS
        assert sleeper.pace(*quick, pause, LEAST_NS) < BELOW_NS
    assert sleeper.pace(*quick, 10 * MS, 10 * MS) > 1.5 * BELOW_NS


def what_comes_at_once_is_one_batch(sleeper: Sleeper) -> None:
    bursts = [gap for _ in range(40) for gap in (MS, *repeat(1_000, 12))]
    assert sleeper.pace(*bursts) >= BELOW_NS


CHECKS: list[Callable[[Sleeper], None]] = [
    at_a_slow_pace_it_asks_at_once,
    at_a_quick_pace_it_naps_first_and_tells_nobody,
    what_comes_in_a_nap_is_news,
    it_never_sleeps_longer_than_it_may,
    a_nap_is_not_drawn_out,
    the_pace_is_that_of_the_batches,
    a_pause_is_over_soon,
    what_comes_at_once_is_one_batch,
]

DOZES = "    if (fh_doze(header, seen, timeout_ns)) return;\n"
WORD = "    uint32_t word = FH_LOAD_ACQUIRE(&header->wake);\n"
TELLS = "    if (sleepers) {\n        FH_STORE(sleepers, 1);\n        FH_FENCE_FULL();\n    }\n"
SHORT = "    if (slack > 1000) prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);\n"
BACK = "    if (slack > 1000) prctl(PR_SET_TIMERSLACK, (unsigned long)slack, 0, 0, 0);\n"
ONE = "-(int64_t)(since >= FH_NAP_LEAST_NS)"

#: What is put in whose place, and which check shows it.
MISTAKES: dict[str, tuple[dict[str, str], Callable[[Sleeper], None]]] = {
    "it never naps": ({DOZES: ""}, at_a_quick_pace_it_naps_first_and_tells_nobody),
    "it asks, and naps then": (
        {DOZES: "", WORD + TELLS: WORD + TELLS + DOZES},
        at_a_quick_pace_it_naps_first_and_tells_nobody,
    ),
    "it naps where the pace is not known": (
        {"pace == 0 || ": ""}, at_a_slow_pace_it_asks_at_once
    ),
    "it naps at any pace": (
        {"pace == 0 || pace >= FH_NAP_BELOW_NS": "pace == 0"}, at_a_slow_pace_it_asks_at_once
    ),
    "naps as long as the pace": (
        {"nap = pace / 2;": "nap = pace;"}, at_a_quick_pace_it_naps_first_and_tells_nobody
    ),
    "naps of no length": (
        {"    if (nap < FH_NAP_LEAST_NS) nap = FH_NAP_LEAST_NS;\n": ""},
        at_a_quick_pace_it_naps_first_and_tells_nobody,
    ),
    "it naps beyond its time": (
        {"    if (FH_NAPS * nap > timeout_ns) return 0;\n": ""}, it_never_sleeps_longer_than_it_may
    ),
    "it does not look between naps": (
        {"        if (FH_LOAD_ACQUIRE(&header->published) != seen || FH_LOAD(&header->superseded)) "
         "return 1;\n": ""},
        what_comes_in_a_nap_is_news,
    ),
    "it does not see an end between naps": (
        {"seen || FH_LOAD(&header->superseded)) return 1;": "seen) return 1;"},
        what_comes_in_a_nap_is_news,
    ),
    "what it found it forgets": ({" return 1;\n": " break;\n"}, what_comes_in_a_nap_is_news),
    "naps as long as the kernel likes": ({SHORT: ""}, a_nap_is_not_drawn_out),
    "a thread whose timers are changed for good": ({BACK: ""}, a_nap_is_not_drawn_out),
    "a pace that is the last gap": (
        {"(time - w->pace_ns) / 4)": "time - w->pace_ns)"}, the_pace_is_that_of_the_batches
    ),
    "a pace from nothing": (
        {"    w->pace_ns = FH_PACE_MOST_NS;\n": ""}, the_pace_is_that_of_the_batches
    ),
    "a pause that counts as long as it was": (
        {"since < FH_PACE_MOST_NS ? (int64_t)since : FH_PACE_MOST_NS": "(int64_t)since"},
        a_pause_is_over_soon,
    ),
    "frames of one read as batches": ({ONE: "-1"}, what_comes_at_once_is_one_batch),
    "gaps since the first batch": (
        {"    w->batch_ns += (int64_t)since & counts;\n": ""}, the_pace_is_that_of_the_batches
    ),
    "a pace that nobody is told": (
        {"    FH_STORE(&w->header->pace_ns, (uint32_t)w->pace_ns);\n": ""},
        the_pace_is_that_of_the_batches,
    ),
}  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_reader_that_is_about_to_sleep(check: Callable[[Sleeper], None]) -> None:
    check(Sleeper())


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_header_is_found(mistake: str) -> None:
    edits, check = MISTAKES[mistake]
    with pytest.raises(AssertionError):
        check(Sleeper(edits))
