"""A writer that is stopped at every store of a change of terms: whatever a reader looks at then is
of one definition, and what it was told of is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shm import Kind
from tests.engine.terms_play import Reader
from tests.kit.natives import edited
from tests.torture.conftest import Choose, some
from tests.torture.instrumented import build_with_points
from tests.torture.observe import at
from tests.torture.terms_scenario import CHANGES, TERMS
from tests.torture.victims import Point, Victim, Victims, chosen

ENGINE = "feedhandler.engine._engine"


@pytest.fixture(scope="module")
def engines() -> Iterator[Victims]:
    running = Victims(build_with_points(ENGINE), ENGINE)
    try:
        yield running
    finally:
        running.close()


def begin(victims: Victims, namespace: str, **order: object) -> tuple[Victim, Reader]:
    victim = victims.start("terms", namespace, **order)
    assert victim.heard() is not None
    return victim, Reader(namespace, TERMS)


def stores(victims: Victims, namespace: str) -> list[Point]:
    """The points at which memory changes."""
    victim = victims.start("terms", namespace, trace="words")
    assert victim.heard() is not None
    victim.go()
    return [point for point in chosen(victims.trace(victim)) if not point.is_load]


def look(reader: Reader) -> int:
    """With every call that there is; the definition that is told of by records."""
    told = 1
    followed = reader.feed.events(kinds=["definition"], start="oldest")
    while (batch := followed.poll()) is not None:
        for record in batch:
            assert (int(record["aux"]), record["kind"]) == (told + 1, Kind.DEFINITION)
            told = int(record["aux"])
    for call in (reader.quotes, reader.books, reader.boards):
        reader.last = told  # no cell is of an older one
        call()
    assert reader.feed.instrument(reader.held.symbol).definition >= told
    return told


def check(victims: Victims, namespace: str, point: Point) -> None:
    victim, reader = begin(victims, namespace, point=point, action="stop")
    victim.go()
    assert victim.heard() is None
    assert victim.status == "stopped"
    look(reader)
    victim.resume()
    assert victim.heard() is not None
    assert look(reader) == CHANGES
    victim.go()
    victim.end()


def check_all(victims: Victims, namespace: str, points: list[Point]) -> None:
    for point in points:
        with at(point):
            check(victims, namespace, point)


def test_a_change_of_terms_is_of_one_piece_at_every_store(
    engines: Victims, namespace: str, choose: Choose
) -> None:
    points = stores(engines, namespace)
    assert any(point.name.startswith("fh_slot_write: release") for point in points)
    assert any(point.name.startswith("fh_latch_end: release cell") for point in points)
    check_all(engines, namespace, choose(points)[:: 2 if choose is some else 1])


STORED = "    fh_directory_update(e->writer, m->id, &m->entry);\n"
SHOWN = "    market_show(e, m, true);\n    return changes;"
LATE = f"    market_show(e, m, true);\n    engine_show(e);\n{STORED}    return changes;"
DEFINED = "    market_defined(m);\n    market_show"
MISTAKES = {
    "the row after what tells of it": {STORED: "", SHOWN: LATE},
    "a record before the cells": {DEFINED: f"    fh_publish(e->writer);\n{DEFINED}"},
    "cells without the number": {DEFINED: "    market_show"},
}


@pytest.mark.soak
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(namespace: str, mistake: str) -> None:
    tree = edited(ENGINE, "feedhandler/engine/terms.h", MISTAKES[mistake])
    wrong = Victims(build_with_points(ENGINE, tree), ENGINE)
    try:
        points = stores(wrong, namespace)
        with pytest.raises(AssertionError):
            check_all(wrong, namespace, points)
    finally:
        wrong.close()
