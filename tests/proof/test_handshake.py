"""Sleep and wake-up under weak memory: no wake-up is lost, and every weaker form loses one."""

from __future__ import annotations

import pytest

from tests.proof.handshake import Model
from tests.proof.recipe import RECIPE, Op, Recipe, changed, parse, swapped, weaker

#: (function, line, weaker form): what the search shows not to be needed for readers to wake, and
#: what it is there for.
SPARE = {
    (
        "fh_wake",
        "FH_STORE(wake, FH_LOAD(wake) + 1)",
        1,
        None,
    ): "a waiter without a flag wakes early",
    ("fh_wake", "FH_STORE(w->sleepers, 0)", 4, None): "saves system calls",
    ("fh_wake", "FH_FENCE_FULL()", 5, "FH_FENCE_RELEASE()"): "a release fence would do",
    (
        "fh_wait",
        "FH_LOAD_ACQUIRE(&header->published)",
        4,
        "FH_LOAD(&header->published)",
    ): "the caller loads it again",
    (
        "fh_supersede",
        "FH_STORE_RELEASE(&header->superseded, 1)",
        0,
        "FH_STORE(&header->superseded, 1)",
    ): "needed to drain: test_memory_order.py",
    ("fh_supersede", "FH_FENCE_FULL()", 1, "FH_FENCE_RELEASE()"): "a release fence would do",
}


def _stuck(recipe: Recipe, readers: int = 1) -> bool:
    """Whether a reader can sleep for ever: two batches, one and then the end; of several, one."""
    cases = ((1, False), (2, False), (1, True)) if readers == 1 else ((1, False),)
    return any(
        Model(recipe, batches=batches, readers=readers, ends=ends).sleeps_for_ever() is not None
        for batches, ends in cases
    )


def mutations() -> list[tuple[str, int, Op | None]]:
    found: list[tuple[str, int, Op | None]] = []
    for function in ("fh_wake", "fh_wait", "fh_supersede"):
        for index, op in enumerate(RECIPE[function]):
            if "counters" in op.place or op.what == "call" or op.place.endswith("->sleepers"):
                found += [(function, index, None)] if op.text.endswith("sleepers, 0)") else []
                continue
            found += [(function, index, by) for by in weaker(op)]
            if op.what == "store" or "superseded" in op.place:
                found.append((function, index, None))
    return found


def _name(mutation: tuple[str, int, Op | None]) -> str:
    function, index, by = mutation
    return f"{function}.{index}: {RECIPE[function][index].text} -> {by.text if by else 'nothing'}"


@pytest.mark.parametrize(
    ("batches", "readers", "ends"), [(3, 1, False), (2, 1, True), (1, 2, False)]
)
def test_no_wake_up_is_lost(batches: int, readers: int, ends: bool) -> None:
    model = Model(RECIPE, batches=batches, readers=readers, ends=ends)
    assert model.sleeps_for_ever() is None
    assert model.states > 1000  # it searched something


@pytest.mark.parametrize("mutation", mutations(), ids=_name)
def test_a_weaker_line_loses_a_wake_up(mutation: tuple[str, int, Op | None]) -> None:
    function, index, by = mutation
    key = (function, RECIPE[function][index].text, index, by.text if by else None)
    assert _stuck(changed(RECIPE, function, index, by)) is (key not in SPARE)


def _at(function: str, text: str, nth: int = 0) -> int:
    return [i for i, op in enumerate(RECIPE[function]) if op.text == text][nth]


def test_clearing_the_flag_after_the_second_bump_loses_a_wake_up() -> None:
    clear = _at("fh_wake", "FH_STORE(w->sleepers, 0)")
    bump = _at("fh_wake", "FH_STORE(wake, FH_LOAD(wake) + 1)", 1)
    assert _stuck(swapped(RECIPE, "fh_wake", clear, bump))


def test_reading_the_word_after_the_flag_is_set_needs_the_fence_between() -> None:
    """The word is read first: read last, a bump between look and read is taken for an old one."""
    ops = list(RECIPE["fh_wait"])
    word = ops.pop(_at("fh_wait", "FH_LOAD_ACQUIRE(&header->wake)"))
    ops.insert(next(i for i, op in enumerate(ops) if op.place == "fh_futex"), word)
    assert _stuck({**RECIPE, "fh_wait": tuple(ops)})


def test_what_naps_find_does_not_stand_for_the_look_behind_the_flag() -> None:
    look = _at("fh_wait", "FH_LOAD_ACQUIRE(&header->published)")
    assert _stuck(changed(RECIPE, "fh_wait", look, None))


def test_without_the_system_call_a_reader_sleeps_on() -> None:
    index = next(i for i, op in enumerate(RECIPE["fh_wake"]) if op.place == "fh_futex_wake")
    harmless = parse("FH_FENCE_RELEASE()")
    assert _stuck(changed(RECIPE, "fh_wake", index, harmless))


PASSES = "fh_futex_wake(&header->wake, FH_WAKE_NEXT, ~fh_wake_bit(now))"


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        (PASSES, "FH_FENCE_RELEASE()"),
        (PASSES, PASSES.replace("~", "")),
        ("FH_LOAD(&header->wake)", None),
    ],
    ids=["wakes nobody", "wakes who has seen all", "does not look what the word is now"],
)
def test_a_woken_reader_that_does_not_wake_the_next_leaves_it_asleep(
    text: str, instead: str | None
) -> None:
    by = parse(instead) if instead else None
    assert _stuck(changed(RECIPE, "fh_wait", _at("fh_wait", text), by), readers=2)
