"""The board benchmark in a tiny mode, and its frames."""

from __future__ import annotations

from feedhandler.bench.figures import board
from feedhandler.bench.kit.board_frames import board as frames_of
from feedhandler.bench.kit.board_frames import first_frames
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.scenario import prepare
from tests.bench.support import nothing_left, well_formed


def test_a_board_is_measured_beside_ten_instruments() -> None:
    findings = Findings()
    with nothing_left():
        board.run(findings, counts=(30,), rate=500, seconds=0.5, settle_s=0.1, repetitions=1)
    found = well_formed(findings, "board")
    assert {case for case, _ in found} == {"30 instruments, 0.5k/s"}
    assert {metric for _, metric in found} == set(board._UNITS)
    figures = {metric: result.value for (_, metric), result in found.items()}
    assert figures["records lost"] == 0
    assert 0 < figures["p50"] <= figures["p99"] <= figures["p99.9"]
    assert figures["idle longest stretch"] > 0
    assert 10 < figures["memory"] < 1000


def test_its_frames_bring_each_instrument_into_step_and_say_what_its_book_does() -> None:
    case = frames_of(20, 200, 1000)
    scenario = prepare(case, 40, 20)  # where no frame is refused
    assert len(scenario.instruments) == 20
    assert (scenario.expected > 0).all()
    first = first_frames(case, 20)
    assert len(first) == 40
    assert all(key.encode() in frame for key, frame in first.items())
