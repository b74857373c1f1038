"""`feedhandler venues`, and venues that a user names: of files and of packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from feedhandler import venues as registry
from feedhandler.adapter.venue import Continuity
from feedhandler.cli.main import main
from tests.cli.support import Terminal, json_of, run

MINE = """
from feedhandler.venues.okx import Okx

class Mine(Okx):
    name = "mine"
    default_instruments = ("BTC-USDT",)
"""


def written(path: Path, text: str = MINE) -> Path:
    path.write_text(text)
    return path


def test_every_venue_says_what_it_can_prove(namespace: str) -> None:
    with Terminal("venues", namespace=namespace, columns=80) as terminal:
        assert terminal.finish() == 0
        lines = [line for line in terminal.lines() if line]
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[1:]] == registry.names()
    told = {one["name"]: one for one in json_of(run("venues", "--json"))["venues"]}
    signs = {name: one["proof"]["signs"] for name, one in told.items()}
    assert signs["deribit"] == ["chain"]
    assert signs["bybit-spot"] == ["counter"]
    for name in registry.names():
        numbered = registry.load(name).rule not in (Continuity.NONE, Continuity.TIME)
        assert told[name]["proof"]["proven"] or not numbered


def test_one_venue_is_told_of_at_length(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = run("venues", "binance", COLUMNS="80")
    assert told.returncode == 0
    assert "wss://stream.binance.com" in told.stdout
    assert "each message names the range of numbers" in told.stdout
    assert "keys a connection: 1,024" in told.stdout
    assert "HALTED: POST_TRADING, END_OF_DAY, HALT, BREAK" in told.stdout
    for name in registry.names():
        assert main(["venues", name]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == name
        assert max(map(len, lines)) <= 80
    wrong = run("venues", "binanc")
    assert wrong.returncode == 2
    assert "did you mean 'binance'" in wrong.stderr


def test_a_file_brings_a_venue_to_every_command(tmp_path: Path) -> None:
    path = str(written(tmp_path / "mine.py"))
    told = json_of(run("venues", "mine", "--venue-file", path, "--json"))["venues"]
    assert told[0]["default_instruments"] == ["BTC-USDT"]
    offline = ("--offline", "--symbols", "BTC-USDT", "--json")
    planned = json_of(run("plan", "--venue-file", path, *offline))
    assert [one["venue"] for one in planned["venues"]] == ["mine"]  # without a configuration
    planned = json_of(run("plan", "-v", "mine", *offline, FEEDHANDLER_VENUE_FILES=path))
    assert [one["venue"] for one in planned["venues"]] == ["mine"]
    assert "mine" not in json_of(run("venues", "--json"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import nothing_of_this_name\n", "line 1: ModuleNotFoundError: No module named"),
        ("class Mine(:\n", "line 1: invalid syntax"),
        ("x = 1\n", "there is no venue in it"),
        (MINE.replace('"mine"', '"okx"'), "okx is a venue of ours"),
        (MINE.replace('"mine"', '"My Venue"'), "small letters, digits"),
        (
            "from feedhandler.adapter.venue import Venue\nclass Mine(Venue):\n    name = 'mine'\n",
            "Mine: it does not say control, instrument_requests, key_symbols",
        ),
        (
            "from feedhandler.adapter.declared import DeclaredVenue, Listing, Words\n"
            "class Mine(DeclaredVenue):\n    name = 'mine'\n"
            "    topics = {'book': 'books'}\n"
            "    words = Words('{\"a\":$keys}', '{\"a\":$keys}')\n"
            "    listing = Listing('/l', 's', 'b', 'q', 't', 'l')\n",
            "line 2: mine: topics: book: 'books': no $symbol",
        ),
    ],
)
def test_what_cannot_be_used_is_said_with_the_place(tmp_path: Path, text: str, what: str) -> None:
    path = written(tmp_path / "mine.py", text)
    result = run("venues", "--venue-file", str(path))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("feedhandler: ")
    assert what in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_is_not_there_is_said() -> None:
    result = run("plan", "--venue-file", "/nowhere/mine.py")
    assert result.returncode == 2
    assert "/nowhere/mine.py: no such file or directory" in result.stderr


def test_a_package_brings_a_venue_by_its_entry_point(tmp_path: Path) -> None:
    written(tmp_path / "my_package.py")
    about = tmp_path / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    points = "[feedhandler.venues]\nmine = my_package:Mine\nother = my_package:Mine\n"
    (about / "entry_points.txt").write_text(points)
    paths = ":".join([str(tmp_path), *filter(None, sys.path)])
    told = json_of(run("venues", "mine", "--json", PYTHONPATH=paths))["venues"]
    assert told[0]["name"] == "mine"
    wrong = run("venues", "other", PYTHONPATH=paths)
    assert wrong.returncode == 2
    text = "venue other (my_package:Mine): it calls itself 'mine'"
    assert text in wrong.stderr
    every = run("venues", "--json", PYTHONPATH=paths)  # the others are shown
    assert every.returncode == 1
    assert [one["name"] for one in json_of(every)["venues"]] == [*registry.names(), "mine"]
    assert text in every.stderr
