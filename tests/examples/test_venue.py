"""The example of a venue from outside: its own test, on the simulator, and as a package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from feedhandler.adapter.declared import words
from feedhandler.shape.frame import HOLES, KINDS
from feedhandler.venues import outside
from tests.cli.support import json_of, run, spawn, until
from tests.examples.conftest import EXAMPLES

FOLDER = EXAMPLES / "venue"
TUTORIAL = EXAMPLES.parents[1] / "docs" / "adding-a-venue.md"
FILE, FRAMES = str(FOLDER / "my_cryptocom.py"), str(FOLDER / "frames.ndjson")


def passes_its_own(folder: Path, cwd: Path, **environment: str) -> None:
    """The example's own test, in a process of its own and far from this house."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    inherited = {k: v for k, v in os.environ.items() if k != outside.FILES}
    done = subprocess.run(
        command, cwd=cwd, env=inherited | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_its_own_test_passes_beside_its_file(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, there := tmp_path / "venue")
    passes_its_own(there, tmp_path)


def test_a_package_of_it_is_a_venue_without_being_named(tmp_path: Path) -> None:
    """Built and installed as its pyproject.toml says, into a folder of its own."""
    shutil.copytree(FOLDER, source := tmp_path / "source")
    installed = str(tmp_path / "installed")
    pip = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation")
    subprocess.run([*pip, "--target", installed, str(source)], check=True, capture_output=True)
    told = json_of(run("venues", "my-cryptocom", "--json", PYTHONPATH=installed))["venues"]
    assert told[0]["proof"]["signs"] == ["chain"]
    checked = run("venue", "check", "my-cryptocom", "--frames", FRAMES, PYTHONPATH=installed)
    assert checked.returncode == 0
    (source / "my_cryptocom.py").unlink()  # its test finds it all the same
    passes_its_own(source, tmp_path, PYTHONPATH=installed)


def test_it_lives_on_the_simulator_is_captured_and_checked(tmp_path: Path, namespace: str) -> None:
    config = tmp_path / "feed.toml"
    config.write_text('status_address = ""\n')
    file = ("--venue-file", FILE)
    feed = spawn(
        "start", str(config), "--sim", *file, namespace=namespace, stderr=subprocess.DEVNULL
    )
    try:

        def lives() -> bool:
            status = json_of(run("status", "--json", namespace=namespace))
            return [(one["venue"], one["state"]) for one in status["venues"]] == [
                ("my-cryptocom", "LIVE")
            ]

        until(lives, "the venue is LIVE")
        captured, books = str(tmp_path / "own.ndjson"), tmp_path / "books.json"
        out = ("-o", captured, "--seconds", "2")
        result = run("capture", "my-cryptocom", *out, *file, namespace=namespace)
        assert result.returncode == 0, result.stderr
        result = run("venue", "check", FILE, "--frames", captured, "--json")
        told: dict[str, Any] = json_of(result)
        assert (result.returncode, told["left"], told["problems"]) == (0, [], [])
        assert {one["name"]: one["missing"] for one in told["channels"]} == {
            "book": "", "trades": "", "ticker": "",
        }  # fmt: skip
        result = run("replay", captured, "--books", str(books), *file)
        assert result.returncode == 0, result.stderr
        replayed = json.loads(books.read_text())
        assert replayed["BTC_USD"]["state"] == "LIVE"
        assert replayed["BTC_USD"] == told["book"] or told["busiest"] != "BTC_USD"
    finally:
        run("stop", namespace=namespace)
        feed.kill()
        feed.wait()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)


def test_the_tutorial_writes_just_these_files() -> None:
    """Its pieces of Python, one behind the other, are the venue and its test."""
    venue, test = Path(FILE).read_text(), (FOLDER / "test_my_cryptocom.py").read_text()
    *pieces, last = blocks("python")
    assert "\n".join(pieces) == venue
    assert last == test
    (project,) = blocks("toml")
    assert project == (FOLDER / "pyproject.toml").read_text()
    written = {
        name: text
        for block in blocks("sh")
        for name, text in re.findall(r"cat > (\S+) <<'END'\n(.*?)END\n", block, re.DOTALL)
    }
    assert "gap" in written.pop("chaos.toml")
    assert written == {
        name: (FOLDER / name).read_text() for name in ("frames.ndjson", "instruments.json")
    }


def test_the_check_says_what_the_tutorial_shows() -> None:
    files = ("--frames", FRAMES, "--instruments", str(FOLDER / "instruments.json"))
    checked = run("venue", "check", FILE, *files, COLUMNS="80")
    assert checked.returncode == 0
    title = "my-cryptocom: 11 frames of "
    shown = TUTORIAL.read_text().partition(f"```\n{title}frames.ndjson\n")[2]
    assert checked.stdout == f"{title}{FRAMES}\n" + shown.partition("```")[0]


def test_the_notation_is_told_whole() -> None:
    """Every kind, every hole and every step has its place in the tables."""
    text = TUTORIAL.read_text()
    told = set(re.findall(r"\$(\w+)", text))
    holes = {name.removesuffix("_percent") for name in HOLES} | words.HOLES
    assert holes <= told
    kinds = text.partition("**Kinds**")[2].partition("**Holes**")[0]
    assert set(re.findall(r"`(\w+)`", kinds)) == set(KINDS)
