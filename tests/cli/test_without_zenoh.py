"""A host without the extra `mirror`: what needs it says at once what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from feedhandler.cli.main import main

_SERVES = """
import sys
from pathlib import Path
from feedhandler.config.load import load
from feedhandler.link.serve_process import Order, main

sys.modules["zenoh"] = None  # as where it is not installed
sys.exit(main(Order("test", ("okx",), load(Path(sys.argv[1])).serve)))
"""


@pytest.mark.parametrize(
    "words", [["serve"], ["relay"], ["mirror", "okx", "--from", "10.0.0.5"], ["bench", "mirror"]]
)
def test_commands_name_the_cure(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "zenoh", None)
    assert main(words) == 2
    said, told = capsys.readouterr()
    assert "eclipse-zenoh is not installed" in told
    assert "  pip install 'feedhandler[mirror]'\n" in told
    assert not said


def test_a_table_serve_names_the_cure(tmp_path: Path) -> None:
    config = tmp_path / "feed.toml"
    config.write_text("[serve]\n[venues.okx]\n")
    done = subprocess.run([sys.executable, "-c", _SERVES, config], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{config}: line 1: serve: eclipse-zenoh is not installed" in done.stderr
    assert "pip install 'feedhandler[mirror]'" in done.stderr
