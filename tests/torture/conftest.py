"""The victims: one program for all tests, since it takes a second to start."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.torture.instrumented import build_with_points
from tests.torture.victims import Point, Victims

Choose = Callable[[list[Point]], list[Point]]


@pytest.fixture(scope="session")
def victims() -> Iterator[Victims]:
    running = Victims(build_with_points())
    try:
        yield running
    finally:
        running.close()


def some(points: list[Point]) -> list[Point]:
    """Every word stored, its first pass and its last; every other load, every third line."""
    last = {point.name: point.nth for point in points}
    chosen = [point for point in points if point.nth in (1, last[point.name])]
    loads = [point for point in chosen if point.is_load]
    lines = [point for point in chosen if point.is_line]
    words = [point for point in chosen if not point.is_load and not point.is_line]
    return words + loads[::2] + lines[::3]


def every(points: list[Point]) -> list[Point]:
    return points


@pytest.fixture(params=[some, pytest.param(every, marks=pytest.mark.soak)])
def choose(request: pytest.FixtureRequest) -> Choose:
    """Which points a test goes through: all of them with `-m soak`."""
    chosen: Choose = request.param
    return chosen
