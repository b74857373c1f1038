"""The checker's program is the header's: the same atomic operations, in the same order."""

from __future__ import annotations

import re

import pytest

from tests.proof import header
from tests.proof.recipe import RECIPE, changed

#: Functions with atomics that are no part of the protocol: counts that only people look at.
STATISTICS = {"fh_counter_add", "fh_counter_add_two", "fh_histogram_add"}
#: What a writer does that ends after the first store of `fh_slot_write`, of the next round: the
#: proofs have writers that stop at every store.
BEGUN = {"fh_slot_lose"}


def _general(line: str) -> str:
    """A header's line as the recipe writes it: what the protocol does not care about is `_`."""
    name, _, rest = line.partition("(")
    arguments = header.split(rest[:-1])
    if name in ("fh_latch_begin", "fh_latch_end", "fh_slot_read"):
        return f"{name}(_)"
    if name in ("fh_words_in", "fh_words_out"):
        return f"{name}({arguments[0]}, _)"
    if name in ("FH_STORE_TWO", "FH_LOAD_TWO"):
        return f"{name}({arguments[0]}, _)"
    if name == "FH_STORE" and re.fullmatch(r"(slot|shared) \+ \w", arguments[0]):
        return f"{name}({arguments[0]}, _)"
    return line


def _lines(function: str, text: str | None = None) -> list[str]:
    return [_general(line) for line in header.operations(function, text)]


@pytest.mark.parametrize("function", RECIPE)
def test_the_recipe_is_the_header(function: str) -> None:
    assert _lines(function) == [op.text for op in RECIPE[function]]


def test_every_function_with_atomics_is_in_the_recipe() -> None:
    assert set(header.functions_with_atomics()) - STATISTICS - BEGUN <= set(RECIPE)


def test_a_record_that_is_lost_is_one_that_is_being_written_over() -> None:
    (lost,) = header.operations("fh_slot_lose")
    begun = header.operations("fh_slot_write")[0]
    assert begun == "FH_STORE(slot, 2 * n - 1)"
    assert lost == "FH_STORE((fh_word *)&ring[n & mask], 2 * (n + mask + 1) - 1)"


def test_an_edited_header_is_noticed() -> None:
    text = header.source()
    edited = text.replace("FH_STORE_RELEASE(slot, 2 * n)", "FH_STORE(slot, 2 * n)")
    assert edited != text
    assert _lines("fh_slot_write", edited) != _lines("fh_slot_write", text)
    edited = text.replace(
        "fh_words_out(slot + 1, (fh_word *)out + 1, 7);\n    FH_FENCE_ACQUIRE();",
        "FH_FENCE_ACQUIRE();\n    fh_words_out(slot + 1, (fh_word *)out + 1, 7);",
    )
    assert edited != text
    assert _lines("fh_slot_read", edited) != _lines("fh_slot_read", text)


def test_a_mutation_changes_one_line() -> None:
    ops = RECIPE["fh_slot_read"]
    assert changed(RECIPE, "fh_slot_read", 2, None)["fh_slot_read"] == ops[:2] + ops[3:]


def test_the_macros_are_the_orders_that_they_say() -> None:
    """The vocabulary itself: a macro that lost its ordering would fool the recipe."""
    text = " ".join(header.source().split())
    for macro, means in {
        "FH_LOAD(p)": "__atomic_load_n((p), __ATOMIC_RELAXED)",
        "FH_LOAD_ACQUIRE(p)": "__atomic_load_n((p), __ATOMIC_ACQUIRE)",
        "FH_STORE(p, v)": "__atomic_store_n((p), (v), __ATOMIC_RELAXED)",
        "FH_STORE_RELEASE(p, v)": "__atomic_store_n((p), (v), __ATOMIC_RELEASE)",
        "FH_STORE_TWO(p, from)": "((void)(*(volatile fh_two *)(p) = *(const fh_two *)(from)))",
        "FH_LOAD_TWO(p, to)": "((void)(*(fh_two *)(to) = *(const volatile fh_two *)(p)))",
        "FH_FENCE_ACQUIRE()": "__atomic_thread_fence(__ATOMIC_ACQUIRE)",
        "FH_FENCE_RELEASE()": "__atomic_thread_fence(__ATOMIC_RELEASE)",
        "FH_FENCE_FULL()": "__atomic_thread_fence(__ATOMIC_SEQ_CST)",
    }.items():
        assert f"#define {macro} {means}" in text


def test_a_new_epoch_is_filled_then_ready_then_named() -> None:
    """The records, `published`, the magic (`Writer.ready`); last the control object's epoch."""
    text = (header.ROOT / "shm" / "writer.pxi").read_text()
    (ready,) = re.findall(r"    def ready\(self\):\n(.*?)\n\n", text, re.DOTALL)
    order = re.findall(r"fh_publish|fh_store64_release\(&self\.w\.\w+\.\w+", ready)
    assert order == ["fh_publish", "fh_store64_release(&self.w.header.magic"]
    assert text.count("fh_store64_release(&self.w.control.epoch") == 1
    (announce,) = re.findall(r"    def announce\(self\):\n(.*?)\n\n", text, re.DOTALL)
    assert "fh_store64_release(&self.w.control.epoch" in announce


def _pxi(name: str, function: str) -> str:
    """A function of the Cython half, to the next one."""
    text = (header.ROOT / "shm" / name).read_text()
    found = re.search(
        rf"^( *)(?:cdef [^\n]*|def ){function}\(.*?(?=^\1(?:cdef|def|@)|\Z)", text, re.DOTALL | re.M
    )
    assert found is not None, f"{name} has no {function}"
    return found[0]


def test_rows_of_a_board_are_looked_at_again() -> None:
    """As `scenarios.board` needs it: all are read, then every head is loaded once more."""
    again = _pxi("board.pxi", "all_read")
    assert "for i in range(self.count)" in again
    assert "fh_load64_acquire(self.cell(self.id(i))) != self.heads[i]" in again
    whole = _pxi("board.pxi", "collect")
    assert whole.index("rows.read(i, begin)") < whole.index("still = rows.all_read()")


@pytest.mark.parametrize(
    ("field", "width"),
    [
        ("header.superseded", 32),
        ("control.epoch", 64),
        ("control.writer_pid", 32),
        ("control.writer_start_ticks", 64),
    ],
)
def test_the_signs_of_a_dead_writer_are_loaded_with_acquire(field: str, width: int) -> None:
    """As `scenarios.drain` needs it: what was published before the sign is seen after it."""
    where = "fh_why_over" if field == "header.superseded" else "fh_why_dead"
    liveness = (header.ROOT / "shm" / "liveness.h").read_text()
    assert f"FH_LOAD_ACQUIRE(&{field.replace('.', '->')})" in header.body(where, liveness)
    if field.startswith("control.writer"):
        claim = _pxi("object_layout.pxi", "claim_control")
        assert f"fh_store{width}_release(&{field}" in claim
