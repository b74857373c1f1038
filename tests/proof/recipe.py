"""The protocol as the checker executes it: the header's atomic operations, line by line.

Hold this beside `feedhandler_shm.h`; `test_recipe.py` does the same, so that the two cannot drift
apart. Values and word counts that do not matter to the protocol are written `_`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tests.proof.header import split


class Order(Enum):
    RELAXED = "relaxed"
    ACQUIRE = "acquire"
    RELEASE = "release"
    FULL = "full"
    COMPILER = "compiler"  # binds the compiler, not the processor


@dataclass(frozen=True)
class Op:
    """One line. `what`: store, load, fence or call; `place` and `value` are C expressions."""

    what: str
    place: str
    value: str
    order: Order
    text: str


Function = tuple[Op, ...]
Recipe = Mapping[str, Function]

_ORDERS = {
    "FH_STORE": ("store", Order.RELAXED),
    "FH_STORE_RELEASE": ("store", Order.RELEASE),
    "FH_LOAD": ("load", Order.RELAXED),
    # Two words, of which nothing is promised together: to the checker they are two.
    "FH_STORE_TWO": ("store", Order.RELAXED),
    "FH_LOAD_TWO": ("load", Order.RELAXED),
    "FH_LOAD_ACQUIRE": ("load", Order.ACQUIRE),
    "FH_FENCE_ACQUIRE": ("fence", Order.ACQUIRE),
    "FH_FENCE_RELEASE": ("fence", Order.RELEASE),
    "FH_FENCE_FULL": ("fence", Order.FULL),
    "FH_FENCE_COMPILER": ("fence", Order.COMPILER),
}
_WEAKER = {"FH_STORE_RELEASE": "FH_STORE", "FH_LOAD_ACQUIRE": "FH_LOAD"}


def parse(line: str) -> Op:
    found = re.fullmatch(r"(\w+)\((.*)\)", line.strip())
    if found is None:
        raise ValueError(f"not an operation: {line!r}")
    name, arguments = found[1], split(found[2])
    what, order = _ORDERS.get(name, ("call", Order.RELAXED))
    place = name if what == "call" else "".join(arguments[:1])
    value = arguments[1] if what == "store" else ""
    return Op(what, place, value, order, line.strip())


def weaker(op: Op) -> list[Op | None]:
    """Every weaker form of an operation; None is its absence."""
    name = op.text.partition("(")[0]
    if op.what == "fence":
        if op.order is Order.FULL:
            return [parse("FH_FENCE_ACQUIRE()"), parse("FH_FENCE_RELEASE()"), None]
        return [None]
    if name in _WEAKER:
        return [parse(op.text.replace(name, _WEAKER[name], 1))]
    return []


_TEXT = """
fh_slot_write
    FH_STORE(slot, 2 * n - 1)
    FH_FENCE_RELEASE()
    FH_STORE(slot + 1, _)
    FH_STORE(slot + 2, _)
    FH_STORE(slot + 3, _)
    FH_STORE(slot + 4, _)
    FH_STORE(slot + 5, _)
    FH_STORE(slot + 6, _)
    FH_STORE(slot + 7, _)
    FH_STORE_RELEASE(slot, 2 * n)
fh_slot_read
    FH_LOAD_ACQUIRE(slot)
    fh_words_out(slot + 1, _)
    FH_FENCE_ACQUIRE()
    FH_LOAD(slot)
fh_words_in
    FH_STORE_TWO(shared + i, _)
    FH_STORE(shared + i, _)
fh_words_out
    FH_LOAD_TWO(shared + i, _)
    FH_LOAD(shared + i)
fh_latch_begin
    FH_FENCE_COMPILER()
    FH_LOAD(cell)
    FH_STORE(copy, 2 * n - 1)
    FH_FENCE_RELEASE()
fh_latch_end
    FH_LOAD(cell)
    FH_STORE_RELEASE(copy, 2 * n)
    FH_STORE_RELEASE(cell, n)
fh_latch_read
    FH_LOAD_ACQUIRE(cell)
    FH_LOAD_ACQUIRE(copy)
    fh_words_out(copy + 1, _)
    FH_FENCE_ACQUIRE()
    FH_LOAD(copy)
fh_quote_store
    fh_latch_begin(_)
    fh_words_in(copy + 1, _)
    fh_latch_end(_)
fh_directory_update
    fh_latch_begin(_)
    fh_words_in(copy + 1, _)
    fh_latch_end(_)
fh_book_begin
    fh_latch_begin(_)
    fh_words_in(copy + 1, _)
fh_book_end
    fh_latch_end(_)
fh_directory_add
    FH_LOAD(&w->header->instruments)
    FH_STORE_RELEASE(&w->header->instruments, id + 1)
fh_connection_store
    fh_latch_begin(_)
    fh_words_in(copy + 1, _)
    fh_latch_end(_)
    FH_LOAD(&w->header->connection_rows)
    FH_STORE_RELEASE(&w->header->connection_rows, row + 1)
fh_publish
    FH_STORE_RELEASE(&w->header->published, w->next - 1)
fh_join_try
    FH_LOAD_ACQUIRE(&header->published)
    fh_slot_read(_)
fh_supersede
    FH_STORE_RELEASE(&header->superseded, 1)
    FH_FENCE_FULL()
    FH_STORE(&header->wake, FH_LOAD(&header->wake) + 1)
    fh_futex_wake(&header->wake, INT_MAX, FUTEX_BITSET_MATCH_ANY)
fh_pace
    FH_STORE(&w->header->pace_ns, (uint32_t)w->pace_ns)
fh_wake
    fh_pace(w)
    FH_STORE(wake, FH_LOAD(wake) + 1)
    FH_FENCE_FULL()
    FH_LOAD(w->sleepers)
    FH_STORE(w->sleepers, 0)
    FH_FENCE_FULL()
    FH_STORE(wake, FH_LOAD(wake) + 1)
    fh_futex_wake(wake, 1, FUTEX_BITSET_MATCH_ANY)
    FH_STORE(&w->counters[FH_COUNTER_WAKES], FH_LOAD(&w->counters[FH_COUNTER_WAKES]) + 1)
fh_doze
    FH_LOAD(&header->pace_ns)
    FH_LOAD_ACQUIRE(&header->published)
    FH_LOAD(&header->superseded)
    fh_nap(nap)
fh_wait
    fh_doze(header, seen, timeout_ns)
    FH_LOAD_ACQUIRE(&header->wake)
    FH_STORE(sleepers, 1)
    FH_FENCE_FULL()
    FH_LOAD_ACQUIRE(&header->published)
    FH_LOAD(&header->superseded)
    fh_futex(&header->wake, FUTEX_WAIT_BITSET, word, &until, fh_wake_bit(word))
    FH_LOAD(&header->wake)
    fh_futex_wake(&header->wake, FH_WAKE_NEXT, ~fh_wake_bit(now))
"""


def _read(text: str) -> dict[str, Function]:
    functions: dict[str, list[Op]] = {}
    for line in filter(None, map(str.rstrip, text.splitlines())):
        if not line.startswith(" "):
            ops = functions.setdefault(line, [])
        else:
            ops.append(parse(line))
    return {name: tuple(found) for name, found in functions.items()}


RECIPE: Recipe = _read(_TEXT)


def changed(recipe: Recipe, function: str, index: int, by: Op | None) -> Recipe:
    """The recipe with one operation replaced, or left out."""
    ops = recipe[function]
    put = () if by is None else (by,)
    return {**recipe, function: ops[:index] + put + ops[index + 1 :]}


def swapped(recipe: Recipe, function: str, first: int, second: int) -> Recipe:
    """The recipe with two operations of a function in each other's place."""
    ops = list(recipe[function])
    ops[first], ops[second] = ops[second], ops[first]
    return {**recipe, function: tuple(ops)}
