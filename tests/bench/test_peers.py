"""The peers benchmark with a tiny peer: it counts only what keeps the books right."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from feedhandler.bench.kit.result import Findings
from feedhandler.bench.peers import homes, peers
from feedhandler.bench.peers.books import same
from feedhandler.bench.peers.homes import NoPeer, interpreter, newest_python
from feedhandler.bench.peers.peers import Peer
from tests.bench.support import nothing_left, well_formed

_TINY = str(Path(__file__).with_name("tiny_peer.py"))


def home(folder: Path, requirement: str, environ: str = "") -> None:
    """An environment as the benchmark makes them, that is this one."""
    made = folder / requirement
    (made / "bin").mkdir(parents=True)
    python = made / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec env {environ} {sys.executable} "$@"\n')
    python.chmod(0o755)
    (made / "installed").touch()


def test_a_peer_counts_if_its_books_are_right(tmp_path: Path) -> None:
    home(tmp_path, "tiny==1")
    home(tmp_path, "wrong==1", "WRONG=1")
    home(tmp_path, "dead==1")
    known = {
        "tiny": Peer("tiny", "tiny==1", 11, _TINY, ("okx",)),
        "wrong": Peer("wrong", "wrong==1", 11, _TINY, ("okx",)),
        "dead": Peer("dead", "dead==1", 11, "no such program", ("okx",)),
        "absent": Peer("absent", "absent==1", 11, _TINY, ("okx",)),
    }
    findings = Findings()
    with nothing_left():
        peers.run(
            findings, folder=tmp_path, environments=tmp_path, repetitions=1, frames=1000,
            peers=known,
        )  # fmt: skip
    ((case, metric),) = well_formed(findings, "peers")
    assert (case, metric) == ("okx book synthetic tiny==1", "CPU per frame")
    assert findings.results[0].ratio is not None
    notes = "\n".join(findings.notes)
    assert "absent==1 is not there: --install puts it into" in notes
    assert "its book of BTC-USDT is not right: " in notes
    assert "peers without dead on okx book synthetic: dead==1: " in notes
    assert re.search("dead==1: .*it said: .*can't open file .*no such program", notes)


def test_books_are_compared_level_by_level() -> None:
    right = {"X": [[(10.0, 1.0), (9.0, 2.0)], [(11.0, 3.0)]]}
    assert same({"X": [[["10", "1"], ["9.0", "2.0000000000001"]], [["11", "3"]]]}, right) == ""
    assert "bid 2 is (9.0, 2.1)" in same({"X": [[["10", "1"], ["9", "2.1"]], [["11", "3"]]]}, right)
    assert "bid 2 is None" in same({"X": [[["10", "1"]], [["11", "3"]]]}, right)
    more = [["11", "3"], ["12", "1"]]
    assert "ask 2 is (12.0, 1.0), not None" in same({"X": [[["10", "1"], ["9", "2"]], more]}, right)
    assert "of X is not right: bid 1 is None" in same({}, right)


def test_an_environment_is_made_once_and_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(homes, "_run", lambda command: ran.append(tuple(command)))
    place = tmp_path / "peer==1"
    place.mkdir()
    with pytest.raises(NoPeer, match=r"peer==1 is not there: --install puts it into .*/peer==1"):
        interpreter(place, "peer==1", least=11, install=False)
    python = str(place / "bin" / "python")
    for _ in range(2):
        assert str(interpreter(place, "peer==1", "fast", least=11, install=True)) == python
    assert ran == [
        (sys.executable, "-m", "venv", "--clear", str(place)),
        (python, "-m", "pip", "install", "--quiet", "peer==1", "fast"),
    ]


def test_what_cannot_be_installed_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise subprocess.CalledProcessError(1, "pip", stderr="...\nERROR: no internet\n")

    monkeypatch.setattr(homes, "_run", fails)
    with pytest.raises(NoPeer, match=r"peer==1 cannot be installed: ERROR: no internet"):
        interpreter(tmp_path, "peer==1", least=11, install=True)
    assert not (tmp_path / "installed").exists()
    with pytest.raises(NoPeer, match=r"needs Python 3\.99 or newer, and none is on PATH"):
        newest_python(99)
