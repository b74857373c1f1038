"""Which tests should notice a mistake in which file: the quickest first."""

from __future__ import annotations

from typing import Final

_SHM = "tests/shm/"
#: The header's atomic words, line by line beside the program that the model checker ran.
RECIPE: Final = "tests/proof/test_recipe.py"
_CELLS: Final = "tests/proof/test_cells_between.py"
_JOINING: Final = "tests/proof/test_joining.py"
PROOFS: Final = {RECIPE, _CELLS, _JOINING}  #: tests that read sources
_SEGMENT = (
    f"{_SHM}test_epoch.py", f"{_SHM}test_left_open.py", f"{_SHM}test_start.py",
    f"{_SHM}test_succession.py", f"{_SHM}test_second_looks.py", f"{_SHM}test_squatters.py",
    f"{_SHM}test_segment.py", f"{_SHM}test_trust.py",
    f"{_SHM}test_threads.py::test_a_child_of_a_writer_may_not_write",
)  # fmt: skip

#: File -> tests.
SELECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "shm/include/feedhandler_shm.h": (
        f"{_SHM}test_header.py", f"{_SHM}test_stores.py", f"{_SHM}test_ring.py",
        f"{_SHM}test_cells.py", f"{_SHM}test_values.py", RECIPE, _JOINING,
        "tests/engine/test_ring_alone.py",
        "tests/engine/test_publish.py", "tests/engine/test_long_messages.py",
        f"{_SHM}test_second_looks.py", f"{_SHM}test_inspect.py",
        f"{_SHM}test_events.py", f"{_SHM}test_contract.py::test_the_hash_is_of_the_layout_text",
        f"{_SHM}test_segment.py::test_the_directory_fills_up", _CELLS,
    ),
    "shm/liveness.h": (f"{_SHM}test_liveness.py", f"{_SHM}test_second_looks.py", RECIPE),
    "feedhandler/engine/publish.h": (
        _CELLS, "tests/engine/test_publish.py", "tests/engine/test_ring_alone.py",
        "tests/engine/test_together.py", "tests/engine/test_precision.py",
        "tests/engine/test_terms.py",
        "tests/engine/test_one_element.py::test_the_time_of_a_cell_means_one_thing_at_all_venues",
    ),
    "shm/cursor.pxi": (
        f"{_SHM}test_cursor.py", f"{_SHM}test_ring.py", f"{_SHM}test_events.py",
        f"{_SHM}test_second_looks.py", f"{_SHM}test_threads.py", _CELLS,
    ),
    "shm/ring_places.pxi": (
        f"{_SHM}test_cursor.py", f"{_SHM}test_ring.py", f"{_SHM}test_events.py", _CELLS,
    ),
    "shm/segment.py": _SEGMENT,
    "shm/dev_shm.py": (f"{_SHM}test_dev_shm.py", *_SEGMENT),
    "shm/epoch.py": _SEGMENT,
    "shm/readers_object.py": _SEGMENT,
    "shm/control_object.py": (*_SEGMENT, f"{_SHM}test_attach.py"),
    "shm/clean.py": _SEGMENT,
    "shm/writer_lock.py": _SEGMENT,
}  # fmt: skip
