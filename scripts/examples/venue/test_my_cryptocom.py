"""The venue's own test: made frames, and the books and answers that they come to."""

import os
from pathlib import Path

import pytest

from feedhandler import venues
from feedhandler.adapter.venue import ControlKind
from feedhandler.capture.plain import as_capture
from feedhandler.capture.replay import ReplayResult, replay
from feedhandler.venues import outside

HERE = Path(__file__).parent
FRAMES = (HERE / "frames.ndjson").read_text()


@pytest.fixture(autouse=True)
def _named(monkeypatch: pytest.MonkeyPatch) -> None:
    if (file := HERE / "my_cryptocom.py").exists():
        monkeypatch.setenv(outside.FILES, str(file))  # else it is installed


def played(frames: str, folder: Path) -> ReplayResult:
    path = folder / "frames"
    path.write_text(frames)
    with as_capture(path) as capture:
        return replay(capture, venue="my-cryptocom", namespace=f"test-{os.getpid()}")


def test_the_book_is_what_the_frames_say(tmp_path: Path) -> None:
    told = played(FRAMES, tmp_path)
    assert told.counters["malformed"] == 0
    book = told.books["BTC_USD"]
    assert book["state"] == "LIVE"
    assert book["bids"] == [["67000.1", "0.42"], ["67000", "1.25"]]
    assert book["asks"] == [["67000.4", "0.22"], ["67000.9", "2"]]


def test_a_frame_that_is_missing_is_noticed(tmp_path: Path) -> None:
    holed = [line for line in FRAMES.splitlines() if '"u":5104' not in line]
    told = played("\n".join(holed), tmp_path)
    assert told.counters["gaps"] == 1
    assert told.books["BTC_USD"]["state"] == "STALE"


def test_what_is_listed() -> None:
    answer = (HERE / "instruments.json").read_bytes()
    listed = venues.load("my-cryptocom").parse_instruments(answer)
    said = [(one.name, one.kind.name, str(one.tick), one.status.name) for one in listed]
    assert said == [
        ("BTC-USD", "SPOT", "0.01", "ACTIVE"),
        ("BTC-USD-PERP", "PERPETUAL", "0.1", "ACTIVE"),
        ("CRO-USD", "SPOT", "0.00001", "HALTED"),
    ]


def test_a_key_that_is_refused_is_left_out_and_the_others_are_asked_for_again() -> None:
    asked = {2: ["book.BTC_USD.50", "book.NO_SUCH.50"]}
    refusal = next(line for line in FRAMES.splitlines() if "40003" in line)
    controls = venues.load("my-cryptocom").control(refusal.encode(), asked)
    assert [(one.kind, one.keys) for one in controls] == [
        (ControlKind.REJECTED, ("book.NO_SUCH.50",)),
        (ControlKind.AGAIN, ("book.BTC_USD.50",)),
    ]


def test_the_question_is_answered() -> None:
    question = next(line for line in FRAMES.splitlines() if "heartbeat" in line)
    (asked,) = venues.load("my-cryptocom").control(question.encode(), {})
    assert asked.reply == '{"id":1770000001240,"method":"public/respond-heartbeat"}'
