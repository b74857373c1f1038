"""The keep benchmark with tiny peers: each gets the same frames, and one that fails is a note."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.synthetic import synthetic
from feedhandler.bench.peers import keep
from tests.bench.support import nothing_left, well_formed


def peer(folder: Path, body: str) -> Path:
    """An interpreter that runs this instead of a peer's program; "$@" begins with that program."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_all_levels_are_rows(tmp_path: Path) -> None:
    case = synthetic("okx", count=1500, live=True)
    out = tmp_path / "a.csv"
    with nothing_left():
        cpu, rows = keep.ours(case, out)
    assert cpu > 0
    with out.open() as source:
        its = list(csv.DictReader(source))
    levels = sum(frame.count(b'","0","3"]') for frame in case.frames)  # as OKX writes a level
    assert len(its) == rows == levels
    assert {row["symbol"] for row in its} == {"BTC-USDT"}


def test_peers_stand_beside_ours(tmp_path: Path) -> None:
    says = peer(tmp_path, 'test -s "$2" && echo \'{"cpu_s": 2.5, "rows": 1000000}\'')
    findings = Findings()
    with nothing_left():
        keep.run(
            findings,
            chosen_venues=["bybit-linear"],
            repetitions=1,
            frames=1000,
            pythons={keep.CRYPTOFEED: says, keep.NAUTILUS: says},
        )
    found = well_formed(findings, "keep")
    assert len(found) == 5  # ours and cryptofeed's twice, nautilus' Parquet
    (peers_figure,) = [one for one in findings.results if keep.NAUTILUS in one.case]
    assert peers_figure.value == pytest.approx(2.5e6 / 1001, rel=1e-3)
    assert peers_figure.floor is not None


def test_a_peer_that_fails_is_a_note(tmp_path: Path) -> None:
    fails = peer(tmp_path, "echo no such thing >&2; exit 3")
    findings = Findings()
    with nothing_left():
        keep.run(
            findings, chosen_venues=["okx"], repetitions=1, frames=1000,
            pythons={keep.CRYPTOFEED: fails},
        )  # fmt: skip
    assert findings.results == []
    assert "keep_cryptofeed.py: no such thing" in findings.notes[0]
