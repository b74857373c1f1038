"""The header's functions, compiled, in every execution of a writer and its readers.

`explorer.h` says what a memory may do; `explored.c` what the threads do, and what they must find.
"""

from __future__ import annotations

import pytest

from tests.proof.explored import explore, program

#: Scenarios, how often at most a thread is held up for another (None: any number), and the least
#: number of states that there must have been.
SCENARIOS = [
    ("cells", None, 15_000),
    ("cells of a dead writer", None, 400),
    ("records", None, 100_000),
    ("records of a dead writer", None, 10_000),
    ("a message longer than the ring", None, 30_000),
    ("joins", None, 500),
    ("joins of a dead writer", None, 5_000),
    ("sleep", None, 250_000),
    ("sleep to the end", None, 20_000),
    ("nap and sleep", 3, 140_000),
    ("nap and sleep to the end", None, 30_000),
    ("two sleep", 2, 200_000),
]
DEEPER = [
    ("cells, four stores", None, 5_000_000),
    ("sleep to the end, two messages", None, 1_000_000),
    ("nap and sleep", None, 250_000),
    ("two sleep", None, 1_500_000),
    ("two sleep, two messages", 1, 1_500_000),
]
BOUND = {scenario: preemptions for scenario, preemptions, _ in SCENARIOS}


@pytest.mark.parametrize(
    ("scenario", "preemptions", "least"),
    [*SCENARIOS, *(pytest.param(*one, marks=pytest.mark.soak) for one in DEEPER)],
)
def test_nothing_is_wrong_in_any_execution(
    scenario: str, preemptions: int | None, least: int
) -> None:
    found = explore(program(), scenario, preemptions)
    assert found.verdict == "right"
    assert found.states >= least


SLOT_FENCE = "    FH_STORE(slot, 2 * n - 1);\n    FH_FENCE_RELEASE();\n"
LATCH_FENCE = "    FH_STORE(copy, 2 * n - 1);\n    FH_FENCE_RELEASE();\n"
LATCH_END = "    FH_STORE_RELEASE(copy, 2 * n);\n    FH_STORE_RELEASE(cell, n);\n"
PUBLISH = "    FH_STORE_RELEASE(&w->header->published, w->next - 1);\n"
FLAG = "        FH_STORE(w->sleepers, 0);\n        FH_FENCE_FULL();\n"
SECOND = "        FH_STORE(wake, FH_LOAD(wake) + 1);\n        w->woke = fh_futex_wake"
FIRST = "    FH_STORE(wake, FH_LOAD(wake) + 1);\n    FH_FENCE_FULL();\n    if (FH_UNLIKELY"
SLEEPS = "        FH_STORE(sleepers, 1);\n        FH_FENCE_FULL();\n"
LOOKS = (
    "    if (FH_LOAD_ACQUIRE(&header->published) != seen || FH_LOAD(&header->superseded)) return;\n"
)
END = "    fh_futex_wake(&header->wake, INT_MAX, FUTEX_BITSET_MATCH_ANY);\n"
PASSES = "        fh_futex_wake(&header->wake, FH_WAKE_NEXT, ~fh_wake_bit(now));\n"
AGAIN = "    if (FH_LOAD(slot) != stamp) return FH_READ_LAPPED;\n"
SLOT_READ = "    fh_words_out(slot + 1, (fh_word *)out + 1, 7);\n    FH_FENCE_ACQUIRE();\n"
LATCH_READ = "        fh_words_out(copy + 1, out + 1, words - 1);\n        FH_FENCE_ACQUIRE();\n"

#: What is put in whose place, in which scenario that shows, and how.
MISTAKES: dict[str, tuple[dict[str, str], str, str]] = {
    "no fence behind a record's first stamp": (
        {SLOT_FENCE: SLOT_FENCE.replace("    FH_FENCE_RELEASE();\n", "")},
        "records", "a torn record",
    ),
    "no first stamp of a record": (
        {SLOT_FENCE: "    FH_FENCE_RELEASE();\n"}, "records", "a torn record"
    ),
    "no second look at a record": ({AGAIN: ""}, "records", "a torn record"),
    "no fence before the second look at a record": (
        {SLOT_READ: SLOT_READ.replace("    FH_FENCE_ACQUIRE();\n", "")},
        "records", "a torn record",
    ),
    "publication without order": (
        {PUBLISH: PUBLISH.replace("_RELEASE", "")},
        "records", "a record that is published is not there",
    ),
    "publication of one too many": (
        {PUBLISH: PUBLISH.replace("next - 1", "next")},
        "records of a dead writer", "a record that is published is not there",
    ),
    "parts of a long message that nobody sees": (
        {"            fh_publish(w);\n            w->first": "            w->first"},
        "a message longer than the ring", "nobody can keep up",
    ),
    "parts of a long message that do not say so": (
        {"FH_FLAG_LAST | FH_FLAG_MORE);": "FH_FLAG_LAST);"}, "joins", "joined inside a message"
    ),
    "joining wherever the writer is": (
        {" && !(last.flags & FH_FLAG_MORE);": ";"}, "joins", "joined inside a message"
    ),
    "no fence behind a cell's first stamp": (
        {LATCH_FENCE: LATCH_FENCE.replace("    FH_FENCE_RELEASE();\n", "")},
        "cells", "a torn cell",
    ),
    "no first stamp of a cell": (
        {LATCH_FENCE: "    FH_FENCE_RELEASE();\n"}, "cells", "a torn cell"
    ),
    "a cell's head before its stamp": (
        {LATCH_END: "".join(reversed(LATCH_END.splitlines(keepends=True)))},
        "cells of a dead writer", "a reader waits for a dead writer",
    ),
    "no order at the end of a cell": (
        {LATCH_END: LATCH_END.replace("_RELEASE", "")}, "cells", "a torn cell"
    ),
    "any stamp of a cell will do": (
        {"if (stamp != 2 * n) continue;": "if (stamp & 1) continue;"}, "cells", "a cell goes back"
    ),
    "no second look at a cell": ({"if (FH_LOAD(copy) == stamp)": "if (1)"}, "cells", "a torn cell"),
    "no fence before the second look at a cell": (
        {LATCH_READ: LATCH_READ.replace("        FH_FENCE_ACQUIRE();\n", "")},
        "cells", "a torn cell",
    ),
    "no fence between flag and look": (
        {SLEEPS: SLEEPS.replace("        FH_FENCE_FULL();\n", "")}, "sleep", "a wake-up is lost"
    ),
    "no fence between bump and flag": (
        {FIRST: FIRST.replace("    FH_FENCE_FULL();\n", "")}, "sleep", "a wake-up is lost"
    ),
    "a look for more than one record": (
        {LOOKS: LOOKS.replace("!= seen", "> seen + 1")}, "sleep", "a wake-up is lost"
    ),
    "the word loaded behind the look": (
        {
            "    uint32_t word = FH_LOAD_ACQUIRE(&header->wake);\n": "",
            "    struct timespec until;": (
                "    uint32_t word = FH_LOAD_ACQUIRE(&header->wake);\n    struct timespec until;"
            ),
        },
        "sleep", "a wake-up is lost",
    ),
    "the flag cleared behind the second bump": (
        {FLAG: "", SECOND: SECOND.replace("        w->woke", FLAG + "        w->woke")},
        "sleep", "a wake-up is lost",
    ),
    "no second bump": (
        {SECOND: SECOND.partition("\n")[2]}, "sleep", "a wake-up is lost"
    ),
    "no order of the word": (
        {"uint32_t word = FH_LOAD_ACQUIRE(": "uint32_t word = FH_LOAD("},
        "sleep", "a wake-up is lost",
    ),
    "nobody woken at the end": (
        {END: ""}, "sleep to the end", "a wake-up is lost"
    ),
    "a sleep although it has ended": (
        {" || FH_LOAD(&header->superseded)) return;": ") return;"},
        "sleep to the end", "a wake-up is lost",
    ),
    "the end said behind the bump": (
        {
            "    FH_STORE_RELEASE(&header->superseded, 1);\n    FH_FENCE_FULL();\n": "",
            END: (
                "    FH_STORE_RELEASE(&header->superseded, 1);\n    FH_FENCE_FULL();\n"
                f"{END}"
            ),
        },
        "sleep to the end", "a wake-up is lost",
    ),
    "no look behind the flag of who has napped": (
        {LOOKS: ""}, "nap and sleep", "a wake-up is lost"
    ),
    "a sleep without an end": (
        {"WAIT_BITSET, word, &until": "WAIT_BITSET, word, NULL"}, "sleep", "a sleep without an end"
    ),
    "who is woken wakes nobody": ({PASSES: ""}, "two sleep", "a wake-up is lost"),
    "who is woken wakes none who slept as long": (
        {PASSES: PASSES.replace("(now)", "(word)")}, "two sleep", "a wake-up is lost"
    ),
    "who is woken wakes those alone who have seen all": (
        {PASSES: PASSES.replace("~", "")}, "two sleep", "a wake-up is lost"
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_header_is_found(mistake: str) -> None:
    edits, scenario, finding = MISTAKES[mistake]
    assert explore(program(edits), scenario, BOUND[scenario]).verdict == finding
