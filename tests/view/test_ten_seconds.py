"""Within ten seconds each screen says of a fault what is wrong, since when, and what is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.view.ten_seconds import ACTS, DOCUMENT, Scene, play

#: one of each of the others: short, and always on
_SHORT = (ACTS[1][1], replace(ACTS[2][1], venue="bybit-linear"), ACTS[3][1], ACTS[4][1])
_ACTS = [
    pytest.param(ACTS[0], id=ACTS[0][0].fault),
    pytest.param(_SHORT, id="one of each"),
    *(pytest.param(act, id=act[0].fault, marks=[pytest.mark.soak]) for act in ACTS[1:]),
]


@pytest.mark.parametrize("act", _ACTS)
def test_what_the_screens_say(act: Sequence[Scene]) -> None:
    assert [shown.scene for shown in play(act)] == list(act)


def test_the_document_has_all_of_them() -> None:
    text = DOCUMENT.read_text("utf-8")
    for act in ACTS:
        for scene in act:
            assert f"| {scene.fault} | " in text, "python -m tests.view.ten_seconds --write"
