"""`feedhandler status --quality`: what it prints, of which day, and what it says of nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from feedhandler.quality.day_file import COUNTED
from feedhandler.quality.keeper import Keeper
from tests.cli.support import json_of, run


@pytest.fixture
def kept(namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where two venues are kept: one with gaps that say how many, one with some that do not."""
    monkeypatch.setenv("FEEDHANDLER_STATE", str(tmp_path))
    for venue, proof, missing in (("gate", "range", 7), ("okx", "chain", 0)):
        one = Keeper(namespace, venue, 8, proof=proof)
        values = dict.fromkeys(COUNTED, 0) | {"gaps": 2, "applied": 1234, "missing": missing}
        values |= {"unsized": int(not missing), "suspects": 1, "suspect_ns": 25_000_000}
        counted = np.array([list(values.values())], dtype=np.int64)
        one.add({0: "BTC_USDT"}, [], counted)
        one.beat([0] * 64, (0, 0, 0))
    return namespace


@pytest.mark.parametrize("columns", ["80", "200"])
def test_a_line_a_venue(kept: str, columns: str) -> None:
    result = run("status", "--quality", namespace=kept, COLUMNS=columns)
    assert result.returncode == 0
    lines = result.stdout.split("\n")
    assert all(len(line) <= int(columns) for line in lines)
    gate = next(line for line in lines if line.startswith("gate")).split()
    okx = next(line for line in lines if line.startswith("okx")).split()
    assert gate[gate.index("1,234") :][:3] == ["1,234", "2", "7"]
    assert okx[okx.index("1,234") :][:4] == ["1,234", "2", "0", "+"]


def test_programs_get_all_of_it(kept: str) -> None:
    [gate, okx] = json_of(run("status", "--quality", "--json", namespace=kept))["venues"]
    assert (gate["missing"], gate["unsized"], gate["proof"]) == (7, 0, "range")
    assert (okx["missing"], okx["unsized"]) == (0, 1)
    assert gate["instruments"][0]["symbol"] == "BTC_USDT"


def test_a_day_of_which_there_is_nothing(kept: str) -> None:
    result = run("status", "--day", "2020-01-01", namespace=kept)
    assert result.returncode == 3
    assert "days: 20" in result.stderr
    result = run("status", "--day", "yesterday", namespace=kept)
    assert result.returncode == 2
    assert "such as" in result.stderr
