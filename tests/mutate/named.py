"""Ten mistakes that no test noticed once, made by hand: the short version of it all.

Each with the one file of tests that must notice it now.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.mutate.mutant import ROOT, Mutant, mutant

_HEADER = "shm/include/feedhandler_shm.h"
_RING, _PUBLISH = "tests/shm/test_ring.py", "tests/engine/test_publish.py"
_LOOKS, _LIVENESS = "tests/shm/test_second_looks.py", "tests/shm/test_liveness.py"
#: the native ones that these tests go through
MODULES = ("shm._native", "feedhandler.engine._engine")


class Named(NamedTuple):
    what: str
    file: str
    was: str
    becomes: str
    tests: str


NAMED = (
    Named("a wake-up of one record is slept through", _HEADER,
          "!= seen || FH_LOAD(&header->superseded)) return;",
          "> seen + 1 || FH_LOAD(&header->superseded)) return;", _RING),
    Named("nothing is published between the parts of a long message", _HEADER,
          "fh_publish(w);\n            w->first = w->next;", "w->first = w->next;", _RING),
    Named("a reader joins inside a message that was split", _HEADER,
          " && !(last.flags & FH_FLAG_MORE);", ";", _RING),
    Named("a copy with an older stamp is believed", _HEADER,
          "if (stamp != 2 * n) continue;", "if (stamp > 2 * n) continue;", _RING),
    Named("a heartbeat ahead of the clock is fine", "shm/liveness.h",
          "-FH_SUSPECT_NS < age && age < FH_SUSPECT_NS", "age < FH_SUSPECT_NS", _LIVENESS),
    Named("what a stopping writer published last is not looked for", "shm/cursor.pxi",
          "if fh_load64_acquire(&segment.header.published) >= self.next:", "if False:", _LOOKS),
    Named("the engine publishes before it stores the cells", "feedhandler/engine/publish.h",
          "    for (market *m = e->held; m != NULL; m = m->held_next) {",
          "    fh_publish(e->writer);\n"
          "    for (market *m = e->held; m != NULL; m = m->held_next) {", _PUBLISH),
    Named("a statistic goes to one of the two copies", "feedhandler/engine/publish.h",
          "m->quote_whole = 2;", "m->quote_whole = 1;", _PUBLISH),
    Named("`clean` does not look whether its lock is still the lock", "shm/clean.py",
          "(take_lock(fd) and is_current(path, fd))", "take_lock(fd)", _LOOKS),
    Named("a writer does not look whether its lock is still the lock", "shm/control_object.py",
          "            if is_current(path, fd):\n                return fd",
          "            return fd", _LOOKS),
)  # fmt: skip


def mutants() -> dict[Mutant, Named]:
    """As the tool takes them."""
    found = {}
    for named in NAMED:
        source = (ROOT / named.file).read_text()
        assert source.count(named.was) == 1, f"{named.file} has not, or not once: {named.was}"
        start = source.index(named.was)
        end = start + len(named.was)
        found[mutant(named.file, source, named.what, "named", start, end, named.becomes)] = named
    return found
