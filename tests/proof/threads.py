"""What the protocol's functions do, step by step: a writer's as threads, a reader's as programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.proof.machine import (
    Program,
    Request,
    Thread,
)
from tests.proof.recipe import Function, Op, Recipe

WORDS = 2  # of a record or of a cell's copy; see machine.py
MORE = 1 << 32  # the flag of a split message's parts, in a record's first word
READY = 77  # what a filled header holds


# ---------------------------------------------------------------- the writer's functions ---------


def _stores(thread: Thread, ops: Function, places: dict[str, str], values: dict[str, int]) -> None:
    """Run the operations of one of the header's functions. Unknown places are not modelled."""
    for op in ops:
        if op.what == "fence":
            thread.fence(op.order)
        elif op.what == "store" and op.place in places:
            value = values[op.place if op.value == "_" else op.value]
            thread.store(places[op.place], value, op.order)


def slot_write(recipe: Recipe, thread: Thread, n: int, slots: int, flags: int = 0) -> None:
    slot = f"slot{n % slots}"
    places = {"slot": slot} | {f"slot + {i}": f"{slot}.{i}" for i in range(1, WORDS + 1)}
    values = {"2 * n - 1": 2 * n - 1, "2 * n": 2 * n}
    values |= {f"slot + {i}": n | (flags if i == 1 else 0) for i in range(1, WORDS + 1)}
    _stores(thread, recipe["fh_slot_write"], places, values)


def publish(recipe: Recipe, thread: Thread, n: int) -> None:
    places = {"&w->header->published": "published"}
    _stores(thread, recipe["fh_publish"], places, {"w->next - 1": n})


def cell_store(recipe: Recipe, thread: Thread, value: int, name: str = "") -> None:
    """A latched cell whose every word is `value`."""
    n = thread.load(f"{name}cell") + 1
    copy = f"{name}copy{n % 2}"
    places = {"cell": f"{name}cell", "copy": copy}
    values = {"2 * n - 1": 2 * n - 1, "2 * n": 2 * n, "n": n}
    for function in ("fh_latch_begin", "words", "fh_latch_end"):
        if function == "words":
            (order,) = {op.order for op in recipe["fh_words_in"]}
            for i in range(1, WORDS + 1):
                thread.store(f"{copy}.{i}", value, order)
        else:
            _stores(thread, recipe[function], places, values)


# ---------------------------------------------------------------- the reader's functions ---------


def _words(recipe: Recipe, name: str) -> Iterator[Request]:
    (order,) = {op.order for op in recipe["fh_words_out"]}
    for i in range(1, WORDS + 1):
        yield Request(f"{name}.{i}", order)


def _copy_out(recipe: Recipe, ops: Sequence[Op], name: str, good: int, out: list[int]) -> Program:
    """What slot and latch share: first look at the stamp, words, fence, second look.

    "ok", "overtaken" (the second look differs), or "first": the first look was not `good`, its
    value is in `out`.
    """
    looks = 0
    for op in ops:
        if op.what == "fence":
            yield Request("", op.order)
        elif op.what == "call":
            for request in _words(recipe, name):
                out.append((yield request))
        else:
            stamp = yield Request(name, op.order)
            looks += 1
            if stamp != good:
                if looks == 1:
                    out.append(stamp)
                    return "first"
                return "overtaken"
    return "ok"


def slot_read(recipe: Recipe, n: int, slots: int, out: list[int]) -> Program:
    """fh_slot_read: "ok", "empty", "busy", "lapped"; the words are in `out`."""
    verdict = yield from _copy_out(recipe, recipe["fh_slot_read"], f"slot{n % slots}", 2 * n, out)
    if verdict == "ok":
        return "ok"
    if verdict == "overtaken" or out[0] > 2 * n:
        return "lapped"
    return "busy" if out[0] == 2 * n - 1 else "empty"


def latch_try(recipe: Recipe, out: list[int], name: str = "") -> Program:
    """One try of fh_latch_read: "ok", "empty", or "again". `out`: the cell's number, the words."""
    head, *rest = recipe["fh_latch_read"]
    n = yield Request(f"{name}cell", head.order)
    if n == 0:
        return "empty"
    words: list[int] = []
    verdict = yield from _copy_out(recipe, rest, f"{name}copy{n % 2}", 2 * n, words)
    if verdict != "ok":
        return "again"
    out.extend([n, *words])
    return "ok"


def _published(recipe: Recipe) -> Request:
    return Request("published", recipe["fh_join_try"][0].order)
