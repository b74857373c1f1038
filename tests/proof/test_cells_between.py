"""What fills a cell does it between the two stamps: the engine's stores, as they are written."""

from __future__ import annotations

import re

import pytest

from tests.proof import header

CELLS = {
    "quote_store_top": ("fh_latch_begin", "fh_latch_end"),
    "market_show_book": ("fh_book_begin", "fh_book_end"),
}


def calls(function: str) -> list[str]:
    """All that it calls, in order; comments and what is only computed are left out."""
    text = (header.ROOT / "feedhandler" / "engine" / "publish.h").read_text()
    return re.findall(r"\b(FH_STORE\w*|fh_words_in|fh_latch_\w+|fh_book_\w+|cell_draw)\(",
                      header.body(function, text))  # fmt: skip


@pytest.mark.parametrize("function", CELLS)
def test_every_word_is_stored_between_the_stamps(function: str) -> None:
    found, (begin, end) = calls(function), CELLS[function]
    assert found[0] == begin
    assert found[-1] == end
    assert len(found) > 3
    assert found.count(begin) == found.count(end) == 1


@pytest.mark.parametrize("file", ["shm/cursor.pxi", "shm/ring_places.pxi"])
def test_what_is_published_is_loaded_with_acquire(file: str) -> None:
    """Or the records that it promises need not be there yet."""
    text = (header.ROOT / file).read_text()
    loads = re.findall(r"(\w+)\(&segment\.header\.published\)", text)
    assert len(loads) > 1
    assert set(loads) == {"fh_load64_acquire"}


def test_a_row_is_stored_before_it_is_counted() -> None:
    body = header.body("fh_directory_add")
    assert body.index("fh_directory_update(") < body.index("FH_STORE_RELEASE(&w->header->instr")
