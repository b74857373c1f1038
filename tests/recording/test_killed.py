"""A recorder that is killed, at every place where that could matter: what counted still counts, and
what is missing is said."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.recording import kept
from tests.recording.market import Market
from tests.recording.recorders import Child, until

_ROTATE_S = 0.1


class _Lives:
    """Recorders of one directory, one after the other, while records come: never more than the ring
    can keep until they are committed, so that nothing is lost but what is lost on purpose."""

    def __init__(self, root: Path, market: Market) -> None:
        self.root, self.market = root, market
        self._safe = market.published
        self._seen = -1

    def begin(self, at: tuple[str, int] | None = None) -> Child:
        """One that lives; until that point, if one is given."""
        child = Child(self.root, self.market.namespace, at, rotate_s=_ROTATE_S, base_s=0.3)
        if at is not None:
            self._trading(child.ended, f"it gets to {at}")
            assert child.status == -signal.SIGKILL
        return child

    def goes_on(self, segments: int = 1) -> None:
        """So many more count."""
        wanted = len(self.committed()) + segments
        self._trading(lambda: len(self.committed()) >= wanted, "segments")

    def lapped(self) -> None:
        """The ring goes round while nobody reads."""
        self.market.until(self.market.slots + 100)
        self._safe = self.market.published

    def committed(self) -> list[dict[str, Any]]:
        path = self.root / "_manifest.jsonl"
        return kept.lines(self.root, "segment") if path.exists() else []

    def _trading(self, condition: Callable[[], bool], what: str) -> None:
        def stepped() -> bool:
            if self.market.published - self._committed_last() < self.market.slots - 300:
                self.market.step(3)
            return condition()

        until(stepped, what)

    def _committed_last(self) -> int:
        path = self.root / "_manifest.jsonl"
        size = path.stat().st_size if path.exists() else 0
        if size != self._seen:
            self._seen = size
            its = [line["last"] for line in self.committed() if line["epoch"] == self.market.epoch]
            self._safe = max([self._safe, *its]) if its else self.market.published
        return self._safe


def test_killed_at_every_point_of_a_rotation(tmp_path: Path, namespace: str) -> None:
    """Of each point the first pass, and a later one; after every fourth the ring goes round."""
    with Market(namespace, slots=1024) as market:
        traced = _Lives(tmp_path / "traced", market)
        child = traced.begin()
        traced.goes_on(3)
        child.end()
        assert child.status == 0
        passes = child.passed()
        assert len(passes) >= 11
        deaths = [(name, nth) for name in passes for nth in {1, min(passes[name], 4)}]
        lives = _Lives(tmp_path / "killed", market)
        root, lost = lives.root, 0
        for number, at in enumerate(deaths):
            before = len(lives.committed())
            lives.begin(at)
            assert len(lives.committed()) >= before
            if number % 4 == 3:
                lives.lapped()
                lost += 1
        last = lives.begin()
        lives.goes_on()
        last.end()
        assert last.status == 0
        found = kept.check(root, market)
        assert {loss[3] for loss in found.losses} == {"killed"}
        assert 1 <= len(found.losses) <= lost
        assert not list(root.rglob("*.partial"))
        named = {each["path"] for each in kept.files(root)}
        there = {each.relative_to(root).as_posix() for each in root.rglob("*.parquet")}
        assert there == named
        assert kept.lines(root, "quarantine")
        assert found.marks > 20


@pytest.mark.parametrize(
    "at", ["quarantine: before a file is moved", "quarantine: a file is moved"]
)
def test_killed_while_it_tidies_up(tmp_path: Path, market: Market, at: str) -> None:
    lives = _Lives(tmp_path, market)
    lives.begin(("part: renamed", 2))
    assert list(tmp_path.rglob("*.partial"))
    lives.begin((at, 2))
    child = lives.begin()
    lives.goes_on()
    child.end()
    assert kept.check(tmp_path, market).losses == []
    assert not list(tmp_path.rglob("*.partial"))
    assert not [each for each in (tmp_path / "_quarantine").iterdir() if each.suffix != ".was"]


def test_a_killed_one_and_another_epoch(tmp_path: Path, market: Market) -> None:
    lives = _Lives(tmp_path, market)
    for _ in range(3):
        child = lives.begin()
        lives.goes_on()
        child.end(signal.SIGKILL)
        market.restart()
    child = lives.begin()
    lives.goes_on()
    child.end()
    found = kept.check(tmp_path, market)
    assert [(loss[2], loss[3]) for loss in found.losses] == [(None, "epoch ended")] * 3


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    yield
    Child.end_all()
