"""The report of a run: JSON for programs, tables for people, plots, and what changed."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
import pytest
from click.testing import CliRunner

from feedhandler.bench.kit.histogram import Histogram
from feedhandler.bench.kit.result import FIELDS, Curve, Findings, Result, Series
from feedhandler.cli.bench_report import reported
from feedhandler.cli.main import main


def made(value: float = 120.0) -> click.Command:
    """A benchmark that needs no time."""

    def body(findings: Findings) -> None:
        """Nothing is measured."""
        floor = Histogram()
        floor.record([80, 90, 100, 400])
        own = Histogram()
        own.record([100, 110, 120, 90_000])
        findings.results += [
            Result("toy", "a case of some length", "p50", "ns", value, 1.5, 100.0, value / 100),
            Result("toy", "a case of some length", "records lost", "records", 0.0),
            Result("toy", "noisy", "p50", "ns", 77.5, 30.0, 50.0, 1.55, noisy=True),
        ]
        findings.curves.append(Curve("toy", "spin", "ours", "ns", own))
        findings.curves.append(Curve("toy", "spin", "floor", "ns", floor, floor=True))
        findings.series.append(Series("toy", "memory", "resident", "MiB", [(0.0, 1.0), (1.0, 2.0)]))
        findings.note("the other half: left out because it is a toy")

    return click.command("toy")(reported(body))


def run(*arguments: str, value: float = 120.0, code: int = 0) -> str:
    result = CliRunner().invoke(made(value), arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    assert result.return_value == code
    return result.output


def test_json_has_the_host_and_exactly_eight_keys_a_result() -> None:
    report = orjson.loads(run("--json"))
    assert set(report) == {"host", "results"}
    assert len(report["results"]) == 3
    for entry in report["results"]:
        assert tuple(entry) == FIELDS
    host = report["host"]
    assert {"cpu", "cpus", "governor", "kernel", "versions", "time"} <= set(host)
    assert host["notes"] == ["the other half: left out because it is a toy"]
    assert {"python", "feedhandler", "numpy"} <= set(host["versions"])


@pytest.mark.parametrize("columns", ["80", "200"])
def test_tables_fit_and_say_what_is_noisy(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    output = run()
    assert max(map(len, output.splitlines())) <= int(columns)
    assert "1.55?" in output
    assert "note: the other half" in output
    assert "1.2\n" in output


def test_compare_says_what_changed_and_the_exit_code_is_a_finding(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text(run("--json"))
    same = run("--compare", str(old))
    assert "3 figures unchanged within noise" in same
    worse = run("--compare", str(old), value=200.0, code=1)
    assert "worse" in worse
    assert "+66.7%" in worse
    better = run("--compare", str(old), value=60.0)
    assert "better" in better
    assert "2 figures unchanged within noise" in better


def test_plots_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    folder = tmp_path / "plots"
    run("--plot", str(folder))
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "toy-memory-course.png", "toy-ratios.png", "toy-spin-histogram.png",
        "toy-spin-percentiles.png",
    ]  # fmt: skip
    for path in folder.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_compared_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    assert main(["bench", "decode", "--compare", str(bad)]) == 2
    assert "no report of a benchmark" in capsys.readouterr().err
    assert main(["bench", "decode", "--venue", "nowhere"]) == 2
    assert "no venue 'nowhere'" in capsys.readouterr().err
