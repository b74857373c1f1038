"""hftbacktest's order of events by two clocks, against sorting in plain Python."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from feedhandler.export import npz_file
from feedhandler.export.hftbacktest import (
    DEPTH_EVENT,
    EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    TRADE_EVENT,
)
from feedhandler.export.npz_file import NpzFile


def events(count: int, seed: int, disorder: int) -> np.ndarray:
    dice = random.Random(seed)
    made = np.zeros(count, EVENT)
    for at in range(count):
        local = 1_000_000 + 10 * at
        made[at] = (
            dice.choice((DEPTH_EVENT, TRADE_EVENT)),
            local - 100 - dice.randrange(disorder), local, float(at), 1.0, 0, 0, 0.0,
        )  # fmt: skip
    return made


@pytest.mark.parametrize(("disorder", "chunk", "bucket"), [(1, 7, 16), (60, 16, 8), (3000, 8, 16)])
@pytest.mark.parametrize("seed", range(6))
def test_both_orders_hold(
    seed: int,
    disorder: int,
    chunk: int,
    bucket: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(npz_file, "_CHUNK", chunk)
    monkeypatch.setattr(npz_file, "_BUCKET", bucket)
    monkeypatch.setattr(npz_file, "_SAMPLED", 2)
    given = events(200, seed, disorder)
    file = NpzFile(tmp_path / "a.npz")
    for part in np.array_split(given, 9):
        file.write(part)
    file.close()
    made = np.load(tmp_path / "a.npz")["data"]
    assert made.dtype == EVENT
    clock = made["ev"] & (EXCH_EVENT | LOCAL_EVENT)
    plain = made.copy()
    plain["ev"] &= 0xFF
    by_local = plain[clock & LOCAL_EVENT != 0]
    by_exchange = plain[clock & EXCH_EVENT != 0]
    assert by_local.tolist() == given.tolist()
    order = sorted(
        range(len(given)), key=lambda at: (given["exch_ts"][at], given["ev"][at] != TRADE_EVENT, at)
    )
    assert by_exchange.tolist() == given[order].tolist()
    assert file.twice == len(made) - len(given)
    assert file.early == 0
    if disorder == 1:
        assert file.twice == 0


def test_what_was_received_too_early_is_later_by_the_most_of_it(tmp_path: Path) -> None:
    given = events(50, 3, 1)
    given["exch_ts"][20] = given["local_ts"][20] + 700
    file = NpzFile(tmp_path / "a.npz")
    file.write(given)
    file.close()
    made = np.load(tmp_path / "a.npz")["data"]
    assert (made["local_ts"] >= made["exch_ts"]).all()
    local = made[made["ev"] & LOCAL_EVENT != 0]
    assert (local["local_ts"] - given["local_ts"]).tolist() == [700] * 50
    assert file.early == 1


def test_one_event_that_was_long_on_its_way_doubles_no_other(tmp_path: Path) -> None:
    given = events(1000, 1, 1)
    given["exch_ts"][900] = given["exch_ts"][3]
    file = NpzFile(tmp_path / "a.npz")
    file.write(given)
    file.close()
    assert file.twice == 1


def test_none_is_a_file_too(tmp_path: Path) -> None:
    file = NpzFile(tmp_path / "a.npz")
    file.close()
    assert np.load(tmp_path / "a.npz")["data"].tolist() == []
    assert list(tmp_path.iterdir()) == [tmp_path / "a.npz"]
