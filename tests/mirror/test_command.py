"""`feedhandler replay` of a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from feedhandler.cli.errors import CliError
from feedhandler.cli.replay import replay as command
from tests.recording.written import Written, stream


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value), result.output


def test_a_recording_is_played(tmp_path: Path, namespace: str) -> None:
    records = stream(900)
    recording = Written(tmp_path)
    recording.segment(records[:500], bases=True, why="run")
    recording.segment(records[500:], bases=True)
    code, text = run(tmp_path, "--namespace", namespace)
    assert (code, "900 records in" in text) == (0, True)
    code, text = run(tmp_path, "--namespace", namespace, "--from", "-0.1s", "--json")
    (venue,) = json.loads(text)["venues"]
    assert (code, venue["records"], venue["missing"]) == (0, 101, 0)
    for one in stream(1000)[900:950]:
        recording.books.take(one)
    recording.segment(stream(1000)[950:], bases=True, why="loss")
    code, text = run(tmp_path, "--namespace", namespace, "--json")
    assert (code, json.loads(text)["venues"][0]["missing"]) == (1, 50)


def test_options_that_are_for_captures(tmp_path: Path, namespace: str) -> None:
    Written(tmp_path).segment(stream(300), bases=True, why="run")
    with pytest.raises(CliError, match="--strict is for captures"):
        run(tmp_path, "--strict", "--namespace", namespace)
    capture = tmp_path / "frames.ndjson"
    capture.write_text("")
    with pytest.raises(CliError, match="--from is for recordings"):
        run(capture, "--from", "-1h", "--namespace", namespace)
    with pytest.raises(CliError, match="is no time"):
        run(tmp_path, "--from", "yesterday", "--namespace", namespace)
