"""What a venue said is cut so that one sees it, and never in the middle of a character."""

import pytest

from feedhandler.one_line import fitting, one_line


@pytest.mark.parametrize("letter", ["a", "é", "中", "🙂"])
def test_a_detail_fits_its_place(letter: str) -> None:
    for length in range(60):
        text = letter * length
        found = fitting(text, 40)
        assert len(found.encode()) <= 40
        if len(text.encode()) <= 40:
            assert found == text
        else:
            assert found == letter * (len(found) - 3) + "..."
            assert len(found.encode()) > 40 - len(letter.encode())


def test_one_line() -> None:
    assert one_line("a\nb") == r"a\nb"
    assert one_line("a" * 9, 4) == "aaaa..."
