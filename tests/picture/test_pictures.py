"""Pictures: what is drawn is what was read, in files and on a terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from feedhandler.quality import keeper
from feedhandler.quality.day_file import COUNTED, DayFile, day_of, read_day
from feedhandler.quality.keeper import Keeper
from shm import ContractType, InstrumentKind, State
from shm.segment import WriterSegment, create
from tests.cli.support import Terminal, run, until

pytest.importorskip("matplotlib", reason="no matplotlib: pip install 'feedhandler[plot]'")
PNG = b"\x89PNG"


def fill(owner: WriterSegment) -> None:
    entry = {"symbol": b"BTC-USDT", "name": b"BTC-USDT", "base": b"BTC", "quote": b"USDT"}
    kind = int(InstrumentKind.SPOT)
    owner.writer.directory_add(entry | {"has_book": 1, "contract_size": 1.0, "kind": kind})
    bids, asks = [(100, 3), (99, 4)], [(102, 1), (105, 7)]
    owner.writer.book_store(0, {"state": int(State.LIVE), "venue_sequence": 77}, bids, asks)
    owner.writer.heartbeat()


def test_a_book_is_drawn_with_its_sums_and_units(namespace: str) -> None:
    from feedhandler.picture.figures import book_figure
    from feedhandler.view.book import read_book
    from shm.inspect import open_memory

    with create("okx", namespace=namespace, instruments=4, depth=5, ring_slots=64) as owner:
        fill(owner)
        memory = open_memory("okx", namespace=namespace)
        instrument = memory.instruments()[0]
        figure = book_figure(instrument, read_book(memory, instrument))
    [axes] = figure.axes
    bids, asks = axes.lines
    assert np.asarray(bids.get_xydata()).tolist() == [[100, 3], [99, 7]]
    assert np.asarray(asks.get_xydata()).tolist() == [[102, 1], [105, 8]]
    assert "USDT" in axes.get_xlabel()
    assert "BTC" in axes.get_ylabel()
    assert "77" in axes.get_title()


@pytest.mark.parametrize(
    ("kind", "contract", "each", "price", "size"),
    [
        ("SPOT", "NONE", 1, "USD", "BTC"),
        ("PERPETUAL", "LINEAR", 0.001, "USD", "contracts of 0.001 BTC"),
        ("PERPETUAL", "INVERSE", 1, "USD", "USD"),  # Deribit's: a size of 1 is a dollar
        ("FUTURE", "INVERSE", 10, "USD", "contracts of 10 USD"),
        ("OPTION", "INVERSE", 1, "BTC", "BTC"),
        ("OPTION", "LINEAR", 0.1, "USD", "contracts of 0.1 BTC"),
        ("PERPETUAL", "QUANTO", 1, "USD", "contracts"),
        ("COMBO", "LINEAR", 1, "USD", "contracts"),
    ],
)
def test_units_are_those_of_the_contract(
    kind: str, contract: str, each: float, price: str, size: str, namespace: str
) -> None:
    from feedhandler.picture.figures import book_figure
    from feedhandler.view.book import read_book
    from shm.inspect import open_memory

    entry = {"symbol": b"A", "name": b"A", "base": b"BTC", "quote": b"USD", "has_book": 1}
    entry |= {"kind": int(InstrumentKind[kind]), "contract_type": int(ContractType[contract])}
    with create("okx", namespace=namespace, instruments=4, depth=5, ring_slots=64) as owner:
        owner.writer.directory_add(entry | {"contract_size": each})
        owner.writer.book_store(0, {"state": int(State.LIVE)}, [(100, 3)], [(102, 1)])
        memory = open_memory("okx", namespace=namespace)
        [instrument] = memory.instruments()
        [axes] = book_figure(instrument, read_book(memory, instrument)).axes
    assert axes.get_xlabel() == f"price, {price}"
    assert axes.get_ylabel() == f"size up to this price, {size}"


def test_into_a_file_and_onto_a_terminal(namespace: str, tmp_path: Path) -> None:
    with create("okx", namespace=namespace, instruments=4, depth=5, ring_slots=64) as owner:
        fill(owner)
        path = tmp_path / "book.png"
        command = ("inspect", "book", "okx", "BTC-USDT", "--plot")
        result = run(*command, str(path), namespace=namespace)
        assert result.returncode == 0, result.stderr
        assert path.read_bytes().startswith(PNG)
        result = run(*command, str(tmp_path / "book.gif"), namespace=namespace)
        assert (result.returncode, "ends with .png" in result.stderr) == (2, True)
        result = run(*command, namespace=namespace)
        assert (result.returncode, "name a file" in result.stderr) == (2, True)
        pytest.importorskip("textual_image", reason="no textual-image")
        with Terminal(*command, namespace=namespace, columns=100) as terminal:
            assert terminal.finish() == 0
            until(lambda: terminal.raw.count("\x1b[") > 500, "it is drawn")


def test_a_day_is_drawn_by_the_minute(
    namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.patches import StepPatch

    from feedhandler.picture.figures import quality_figure

    monkeypatch.setenv("FEEDHANDLER_STATE", str(tmp_path))
    now = 1_796_000_000_000_000_000
    monkeypatch.setattr(keeper, "LATE_NS", 120_000_000_000)  # the clock leaps here
    one = Keeper(namespace, "okx", 4, lambda: now)
    for live, gaps in ((1, 0), (0, 2), (1, 2)):
        values = dict.fromkeys(COUNTED, 0) | {"live_since": now if live else 0, "gaps": gaps}
        one.add({0: "A"}, [], np.array([list(values.values())], dtype=np.int64))
        now += 60_000_000_000
        one.beat([0] * 64, (0, 0, 0))
    file = read_day(namespace, "okx", day_of(now))
    assert file is not None
    figure = quality_figure([("okx", file)])
    [line] = figure.axes[0].patches
    assert isinstance(line, StepPatch)
    share, edges, _ = line.get_data()
    assert np.array_equal(share, [100, 0, 100])
    assert np.allclose(np.diff(edges) * 1440, 1)  # minutes
    holed = DayFile(file.raw.copy())  # nothing ran in the second minute
    holed.minutes["carried_ns"][np.flatnonzero(holed.minutes["carried_ns"])[1]] = 0
    [line] = quality_figure([("okx", holed)]).axes[0].patches
    assert isinstance(line, StepPatch)
    assert np.array_equal(line.get_data()[0], [100, np.nan, 100], equal_nan=True)
    assert [bar.get_extents().y1 > 0 for bar in figure.axes[1].patches] == [True]
    result = run(
        *("status", "--day", day_of(now).isoformat(), "--plot", str(tmp_path / "day.png")),
        namespace=namespace,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "day.png").read_bytes().startswith(PNG)
