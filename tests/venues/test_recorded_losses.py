"""Recordings with messages taken out: a book that is called LIVE is the venue's all the same.

Of venues that number, chain or check their messages. The reference reads all lines, the feed those
that are left.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from feedhandler import venues
from feedhandler.capture.frames_file import Frame
from feedhandler.capture.replay import replay
from feedhandler.engine._engine import Engine
from shm import Reason, State
from tests.venues.reference import RECORDINGS, REFERENCES, Line, Recording
from tests.venues.reference.book import Level, Said
from tests.venues.test_references import UNPROVEN
from tests.venues.told import best_of, book_of

LIVE = (State.LIVE, Reason.NONE)
PROVEN = [recording for recording in RECORDINGS if recording.venue not in UNPROVEN]
WHOLE_EVERY = 20  # messages at least, between comparisons of all levels; more of deep books
CHECKED = 10  # levels a side that Kraken's checksum is of: it says nothing of what lies deeper
Levels = tuple[list[Level], list[Level]]


class Loss:
    """One book message of each of some instruments is lost on its way."""

    def __init__(self, recording: Recording, seed: int) -> None:
        self.recording = recording
        self.reference = REFERENCES[recording.venue]()
        self.lines = list(recording.lines())
        self.lost: dict[int, str] = {}  # the line, and whose book it was about
        self.noticed: set[str] = set()
        self._reached = 0
        self._due: dict[str, int] = {}  # messages until the next comparison
        deltas: dict[str, list[int]] = {}
        found = REFERENCES[recording.venue]()
        for at, line in enumerate(self.lines):
            said = found.line(line)
            if said.kind == "book" and found.books[said.books[0]].live:
                deltas.setdefault(said.books[0], []).append(at)
        rng = random.Random(seed)
        for symbol in rng.sample(sorted(deltas), (len(deltas) + 1) // 2):
            if len(deltas[symbol]) > 2:
                self.lost[rng.choice(deltas[symbol][1:-1])] = symbol
        assert self.lost

    def capture(self, folder: Path) -> Path:
        path = folder / "lossy.ndjson"
        left = (line for at, line in enumerate(self.lines) if at not in self.lost)
        path.write_text("".join(json.dumps(line) + "\n" for line in left))
        return path

    def observe(self, frame: Frame, engine: Engine) -> None:
        said = self._until(frame)
        for symbol in said.books:
            if engine.state(engine.instrument_id(symbol)) != LIVE:
                self.noticed.add(symbol)
                continue
            wanted = self.reference.books[symbol]
            assert best_of(engine, symbol) == wanted.best()
            self._due[symbol] = self._due.get(symbol, WHOLE_EVERY) - 1
            if not self._due[symbol]:
                self._due[symbol] = max(WHOLE_EVERY, (len(wanted.bids) + len(wanted.asks)) // 200)
                levels = book_of(engine, symbol, numbered=False).levels()
                assert self._shown(levels) == self._shown(wanted.levels())

    def _until(self, frame: Frame) -> Said:
        wanted = (frame.kind, "in", (frame.data or b"").decode())
        while True:
            line, at = self.lines[self._reached], self._reached
            self._reached += 1
            said = self.reference.line(line)
            if at not in self.lost and _key(line) == wanted:
                return said

    def _shown(self, levels: Levels) -> Levels:
        most = CHECKED if self.recording.venue == "kraken" else None
        return levels[0][:most], levels[1][:most]


def _key(line: Line) -> tuple[str, str, str]:
    return line["kind"], line["dir"], line["data"]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
@pytest.mark.parametrize("recording", PROVEN, ids=str)
def test_a_live_book_is_right_whatever_was_lost(
    recording: Recording,
    seed: int,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if recording.venue not in venues.names():
        pytest.skip(f"{recording.venue} is not in the registry")
    venue = venues.load(recording.venue)
    if recording.depth is not None:
        monkeypatch.setattr(type(venue), "depth", recording.depth)
    loss = Loss(recording, seed)
    result = replay(
        loss.capture(tmp_path), venue=venue.name, namespace=namespace, observe=loss.observe
    )
    assert result.counters["malformed"] == 0
    if recording.venue != "kraken":
        assert set(loss.lost.values()) <= loss.noticed
        # What is not numbered (OKX, before it numbered its books) is seen by its checksum.
        assert result.counters["gaps"] + result.counters["checksum_bad"] > 0
