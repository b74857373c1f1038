"""Every reordering that C11 permits: the recipe keeps its promises, each weaker one breaks one.

`machine.py` says what the model is and where it ends, `scenarios.py` what is promised, `recipe.py`
is the protocol. The sleep/wake handshake has its own: `test_handshake.py`.
"""

from __future__ import annotations

import pytest

from tests.proof import scenarios
from tests.proof.machine import Memory, Program, Request, Thread, executions
from tests.proof.recipe import RECIPE, Op, Order, Recipe, changed, parse, swapped, weaker

#: What guards a cell twice: the head word's pair of release and acquire, and the stamps' pair. One
#: of them may be weakened; the tests show that both together may not.
SPARE = {
    ("fh_latch_end", "FH_STORE_RELEASE(copy, 2 * n)"): "stamp",
    ("fh_latch_read", "FH_LOAD_ACQUIRE(copy)"): "stamp",
    ("fh_latch_end", "FH_STORE_RELEASE(cell, n)"): "head",
    ("fh_latch_read", "FH_LOAD_ACQUIRE(cell)"): "head",
    ("fh_latch_begin", "FH_FENCE_COMPILER()"): "compiler",  # only emission order needs it: below
}
#: Lines whose absence is an error of its own, beyond the orderings: first stamp and second look.
NEEDED = {
    ("fh_slot_write", "FH_STORE(slot, 2 * n - 1)"),
    ("fh_slot_read", "FH_LOAD(slot)"),
    ("fh_latch_begin", "FH_STORE(copy, 2 * n - 1)"),
    ("fh_latch_read", "FH_LOAD(copy)"),
}
FUNCTIONS = (
    "fh_slot_write",
    "fh_slot_read",
    "fh_latch_begin",
    "fh_latch_end",
    "fh_latch_read",
    "fh_publish",
    "fh_join_try",
    "fh_directory_add",
)


def mutations() -> list[tuple[str, int, Op | None]]:
    """Every single weakening of every line, and each needed line's absence."""
    found: list[tuple[str, int, Op | None]] = []
    for function in FUNCTIONS:
        for index, op in enumerate(RECIPE[function]):
            found += [(function, index, by) for by in weaker(op)]
            if (function, op.text) in NEEDED:
                found.append((function, index, None))
    op = RECIPE["fh_supersede"][0]
    found += [("fh_supersede", 0, by) for by in weaker(op)]
    return found


def _name(mutation: tuple[str, int, Op | None]) -> str:
    function, index, by = mutation
    return f"{function}: {RECIPE[function][index].text} -> {by.text if by else 'nothing'}"


# ---------------------------------------------------------------- the machine itself --------------


def _litmus(stored: Order, loaded: Order, fences: bool) -> set[str]:
    """Message passing: the flag is seen; is the data?"""
    memory = Memory()
    writer = Thread(memory)
    writer.store("data", 1, Order.RELAXED)
    if fences:
        writer.fence(Order.RELEASE)
    writer.store("flag", 1, stored)

    def read() -> Program:
        if not (yield Request("flag", loaded)):
            return "early"
        if fences:
            yield Request("", Order.ACQUIRE)
        return "seen" if (yield Request("data", Order.RELAXED)) else "unseen"

    return {run.verdict for run in executions(memory, read)}


@pytest.mark.parametrize(
    ("stored", "loaded", "fences", "unseen"),
    [
        (Order.RELEASE, Order.ACQUIRE, False, False),
        (Order.RELAXED, Order.ACQUIRE, False, True),
        (Order.RELEASE, Order.RELAXED, False, True),
        (Order.RELAXED, Order.RELAXED, True, False),
        (Order.RELAXED, Order.RELAXED, False, True),
    ],
)
def test_message_passing_litmus(stored: Order, loaded: Order, fences: bool, unseen: bool) -> None:
    met = _litmus(stored, loaded, fences)
    assert {"early", "seen"} <= met
    assert ("unseen" in met) is unseen


def test_loads_of_one_location_never_go_back() -> None:
    memory = Memory()
    writer = Thread(memory)
    for value in (1, 2, 3):
        writer.store("x", value, Order.RELAXED)

    def read() -> Program:
        first = yield Request("x", Order.RELAXED)
        second = yield Request("x", Order.RELAXED)
        return f"{first}{second}"

    met = {run.verdict for run in executions(memory, read)}
    assert met == {f"{a}{b}" for a in range(4) for b in range(a, 4)}


# ---------------------------------------------------------------- the recipe is right -------------


def test_ring_slots_are_never_torn() -> None:
    assert scenarios.ring(RECIPE) == {"ok", "empty", "busy", "lapped"}


def test_a_published_record_is_whole_or_overwritten() -> None:
    assert scenarios.follow(RECIPE) == {"nothing", "ok", "lapped"}


def test_latched_cells_are_never_torn() -> None:
    assert scenarios.latch(RECIPE) == {"empty", "ok", "again"}


def test_cells_that_stood_still_were_together() -> None:
    assert scenarios.board(RECIPE, rounds=3) == {"again", "together"}


def test_a_joining_reader_finds_in_the_cell_all_that_was_published() -> None:
    assert scenarios.join(RECIPE) == {"joined", "later"}


def test_a_counted_row_is_there() -> None:
    assert scenarios.rows(RECIPE) == {"nothing", "ok"}


def test_a_dead_writers_cell_is_read_at_once() -> None:
    assert scenarios.dead_latch(RECIPE) == {"empty", "ok"}


def test_a_dead_writers_ring_is_whole() -> None:
    assert scenarios.dead_ring(RECIPE) == {"ok", "lapped"}
    assert scenarios.dead_ring(RECIPE, as_written=False) == {"ok", "lapped"}


@pytest.mark.parametrize("sign", scenarios.SIGNS)
def test_the_ring_of_a_dead_writer_is_drained_to_its_end(sign: str) -> None:
    assert scenarios.drain(RECIPE, sign) == {"running", "drained"}


def test_a_new_epoch_is_filled_before_it_is_used() -> None:
    expected = {"nothing", "attached"}
    assert scenarios.attach() == {"epoch": expected, "name": expected}


# ---------------------------------------------------------------- every weaker one is wrong -------


@pytest.mark.parametrize("mutation", mutations(), ids=_name)
def test_a_weaker_line_breaks_a_promise(mutation: tuple[str, int, Op | None]) -> None:
    function, index, by = mutation
    wrong = scenarios.check(changed(RECIPE, function, index, by))
    if (function, RECIPE[function][index].text) in SPARE:
        assert not wrong, "this line became needed: take it out of SPARE"
    else:
        assert wrong, "no execution shows that this line is needed"


def _without(*texts: str) -> Recipe:
    recipe = RECIPE
    for function, ops in RECIPE.items():
        for index, op in enumerate(ops):
            if op.text in texts and (function, op.text) in SPARE:
                (by,) = weaker(op)
                recipe = changed(recipe, function, index, by)
    return recipe


_HEAD = [text for (_, text), pair in SPARE.items() if pair == "head"]
_STAMP = [text for (_, text), pair in SPARE.items() if pair == "stamp"]


def test_a_whole_pair_of_a_cell_is_spare() -> None:
    assert not scenarios.check(_without(*_HEAD))
    assert not scenarios.check(_without(*_STAMP))


@pytest.mark.parametrize("head", _HEAD)
@pytest.mark.parametrize("stamp", _STAMP)
def test_half_of_both_pairs_tears_a_cell(head: str, stamp: str) -> None:
    assert "torn" in scenarios.latch(_without(head, stamp))


def test_the_flip_before_the_stamp_hangs_the_reader_of_a_dead_writer() -> None:
    ops = RECIPE["fh_latch_end"]
    first, second = (i for i, op in enumerate(ops) if op.what == "store")
    assert "hung" in scenarios.dead_latch(swapped(RECIPE, "fh_latch_end", first, second))


def test_cells_that_are_not_looked_at_again_were_not_together() -> None:
    assert "apart" in scenarios.board(RECIPE, looked=None)
    # The order comes from reading the cells: the second look itself needs none.
    assert scenarios.board(RECIPE, looked=Order.RELAXED) == {"again", "together"}


def test_publishing_before_the_cell_loses_a_join() -> None:
    assert "stale" in scenarios.join(RECIPE, published_first=True)


def test_joining_inside_a_split_message_loses_its_beginning() -> None:
    assert "stale" in scenarios.join(RECIPE, heed_more=False)


@pytest.mark.parametrize("sign", ["epoch", "writer_pid"])
@pytest.mark.parametrize(
    "weak", [{"stored": Order.RELAXED}, {"loaded": Order.RELAXED}, {"handed_over": False}]
)
def test_a_relaxed_sign_of_death_loses_the_last_records(sign: str, weak: dict[str, Order]) -> None:
    assert "lost" in scenarios.drain(RECIPE, sign, **weak)  # type: ignore[arg-type]


@pytest.mark.parametrize("by", ["magic", "epoch"])
def test_a_relaxed_name_of_an_epoch_shows_it_unfilled(by: str) -> None:
    met = scenarios.attach(**{by: Order.RELAXED})
    assert "unready" in met["name" if by == "magic" else "epoch"]


# ---------------------------------------------------------------- a compiler that reorders --------


def _fenced() -> Recipe:
    """The recipe with a compiler fence between one flip and the next store's first stamp."""
    ops = RECIPE["fh_latch_begin"]
    if ops[0].order is Order.COMPILER:
        return RECIPE
    return {**RECIPE, "fh_latch_begin": (parse("FH_FENCE_COMPILER()"), *ops)}


def test_a_compiler_fence_before_the_first_stamp_keeps_the_flip_before_it() -> None:
    """C11 lets a relaxed store move before a release store that precedes it.

    So the next store's first stamp may be emitted before the flip, and a writer killed between the
    two leaves a current copy whose stamp is odd for ever. GCC and Clang do not do that (the
    disassembly test looks); a compiler fence forbids it and costs nothing.
    """
    assert scenarios.dead_latch(_fenced(), as_written=False) == {"empty", "ok"}
    without = {
        **RECIPE,
        "fh_latch_begin": tuple(
            op for op in RECIPE["fh_latch_begin"] if op.order is not Order.COMPILER
        ),
    }
    assert "hung" in scenarios.dead_latch(without, as_written=False)


@pytest.mark.parametrize(
    "index", [i for i, op in enumerate(RECIPE["fh_latch_end"]) if op.what == "store"]
)
def test_a_compiler_that_reorders_needs_the_flip_to_be_a_release(index: int) -> None:
    op = RECIPE["fh_latch_end"][index]
    (by,) = weaker(op)
    met = scenarios.dead_latch(changed(_fenced(), "fh_latch_end", index, by), as_written=False)
    assert ("hung" in met) is (op.place == "cell")
