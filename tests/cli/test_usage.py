"""Bad input: one line what, one line cure, the right exit code, and never a traceback."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.support import Terminal, json_of, run, spawn

COMMANDS = (
    ("start",), ("stop",), ("status",), ("capture",), ("replay",), ("clean",), ("sim",),
    ("bench",), ("bench", "decode"), ("bench", "wire"), ("inspect",), ("inspect", "ls"),
    ("inspect", "stat"), ("inspect", "tail"), ("inspect", "book"), ("inspect", "slots"),
    ("inspect", "connections"), ("bench", "latency"), ("bench", "hop"), ("bench", "api"),
    ("bench", "memory"), ("bench", "all"), ("inspect", "verify"), ("subscribe",),
    ("unsubscribe",), ("plan",), ("doctor",), ("config",), ("venues",), ("venue", "check"),
    ("reload",), ("check",),
)  # fmt: skip


def refused(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_teaches(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.returncode == 0
    assert "Usage: feedhandler " + " ".join(command) in result.stdout
    assert len(result.stdout.splitlines()) > 8
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_help_of_all_imports_nothing_heavy() -> None:
    code = (
        "import sys; from feedhandler.cli.main import main; main(['--help']); "
        "heavy = {'numpy', 'aiohttp', 'uvloop', 'rich', 'textual', 'shm', 'feedhandler.venues'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    import sys

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stderr.strip() == "[]"


def test_unknown_command_and_option() -> None:
    refused(run("statsu"), 2, "no such command 'statsu'", "status")
    refused(run("inspect", "bok"), 2, "did you mean 'book'")
    refused(run("book", "okx"), 2, "did you mean 'inspect book'")
    refused(run("status", "--colour"), 2, "No such option")
    refused(run("--json", "status"), 2, "stands behind the command")
    refused(run("status", "--namespace", "a/b"), 2, "letters, digits")


def test_on_a_terminal_errors_break_between_words(tmp_path: Path, namespace: str) -> None:
    config = tmp_path / "feed.toml"
    config.write_text('[venues.okx]\ndepht = 5\naudit_s = "5m"\n')
    whole = run("plan", str(config)).stderr
    assert max(map(len, whole.splitlines())) > 60  # into a file lines are whole
    with Terminal("plan", str(config), namespace=namespace, columns=60) as terminal:
        assert terminal.finish() == 2
        lines = terminal.lines()
    assert " ".join(lines).split() == whole.split()
    assert not [line for line in lines if len(line) > 60 and " " in line.strip()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",), ("stop",), ("inspect", "ls"), ("inspect", "ls", "okx"),
        ("inspect", "stat", "okx"), ("inspect", "tail", "okx"), ("inspect", "slots", "okx"),
        ("inspect", "book", "okx", "BTC-USDT"), ("inspect", "connections"), ("inspect", "verify"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_to_attach_to(arguments: tuple[str, ...], namespace: str) -> None:
    refused(run(*arguments, namespace=namespace), 3, "feedhandler: ", "feedhandler start")


def test_status_of_nothing_is_json_too(namespace: str) -> None:
    result = run("status", "--json", namespace=namespace)
    assert result.returncode == 3
    assert json_of(result) == {
        "namespace": namespace,
        "supervisor": None,
        "venues": [],
        "recorders": [],
        "serving": [],
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[venues.okx]\nisntruments = []\n", ("venues.okx.isntruments", "instruments")),
        ("[venues.okx]\ndepth = 'deep'\n", ("venues.okx.depth", "'deep'", "1 to 1000")),
        ("[venues.okxx]\n", ("venues.okxx", "did you mean 'okx'")),
        ("namespace = \n", ("not TOML",)),
    ],
)
def test_start_refuses_a_bad_configuration(
    text: str, words: tuple[str, ...], tmp_path: Path, namespace: str
) -> None:
    config = tmp_path / "feed.toml"
    config.write_text(text)
    refused(run("start", str(config), "--sim", namespace=namespace), 2, str(config), *words)


def test_start_refuses_what_is_not_there(tmp_path: Path, namespace: str) -> None:
    refused(run("start", str(tmp_path / "no.toml"), namespace=namespace), 2, "no.toml")
    refused(run("start", "--venue", "deribt", namespace=namespace), 2, "did you mean 'deribit'")
    refused(run("start", "--sim", "--sim-rate", "-1", namespace=namespace), 2, "--sim-rate")
    config = tmp_path / "feed.toml"
    config.write_text('status_address = ""\n')
    result = run(
        "start", str(config), "--sim", "-v", "okx", "--symbols", "BTC-USDX", namespace=namespace
    )
    refused(result, 2, "BTC-USDX", "did you mean")
    assert run("inspect", "ls", namespace=namespace).returncode == 3


def test_a_plan_without_a_network_says_so(tmp_path: Path) -> None:
    config = tmp_path / "feed.toml"
    config.write_text('[venues.okx]\nrest_url = "http://127.0.0.1:9"\n')  # nobody listens there
    result = run("plan", str(config))
    refused(result, 1, "okx: instruments cannot be listed", "nothing is planned", "--offline")
    assert "VENUE" not in result.stdout


def test_sim_refuses_an_unknown_venue() -> None:
    refused(run("sim", "--venue", "okxx"), 2, "did you mean 'okx'")


def test_capture_refuses_before_it_writes(tmp_path: Path, namespace: str) -> None:
    out = tmp_path / "a.ndjson"
    refused(run("capture", "okxx", "-o", str(out), namespace=namespace), 2, "okxx")
    refused(run("capture", "okx", namespace=namespace), 2, "--out")
    assert not out.exists()
    out.write_text("mine")
    refused(run("capture", "okx", "-o", str(out), namespace=namespace), 2, "is there already")
    assert out.read_text() == "mine"
    other = tmp_path / "x.parquet"
    refused(run("capture", "okx", "-o", str(other), namespace=namespace), 2, ".parquet", ".ndjson")
    assert not other.exists()


def test_a_full_disk_is_an_error_with_a_code_of_its_own(namespace: str) -> None:
    with Path("/dev/full").open("w") as full:
        process = spawn("inspect", "abi", "--json", namespace=namespace, stdout=full,
                        stderr=subprocess.PIPE)  # fmt: skip
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 74
    assert "no space left on device" in errors.lower()
    assert "Traceback" not in errors


def test_replay_refuses(tmp_path: Path, namespace: str) -> None:
    books = tmp_path / "books.json"
    books.write_text("mine")
    result = run("replay", "no.ndjson", "--books", str(books), namespace=namespace)
    refused(result, 2, "is there already")
    refused(run("replay", str(tmp_path / "no.ndjson"), namespace=namespace), 2, "no.ndjson")
    nobody = tmp_path / "nobody.ndjson"
    nobody.write_text('{"data": "{}"}\n')
    refused(run("replay", str(nobody), namespace=namespace), 2, "nobody.ndjson")
    refused(run("replay", str(nobody), "--venue", "okxx", namespace=namespace), 2, "okxx")
    refused(run("replay", str(nobody), "--speed", "slow", namespace=namespace), 2, "'slow'")
    refused(run("replay", str(nobody), "--speed", "0", namespace=namespace), 2, "'0'")


def test_replay_names_a_broken_line_and_goes_on(tmp_path: Path, namespace: str) -> None:
    book = '{"arg":{"channel":"books","instId":"A-B"},"action":"snapshot","data":[{"asks":[["2","1","0","1"]],"bids":[["1","1","0","1"]],"ts":"1","checksum":0,"seqId":5,"prevSeqId":-1}]}'  # noqa: E501
    capture = tmp_path / "broken.ndjson"
    line = '{"url": "wss://ws.okx.com:8443/ws/v5/public", "data": %s}\n'
    import json

    capture.write_text(line % json.dumps(book) + '{"data": \n')
    apart = ("--namespace", namespace)
    result = run("replay", str(capture), "--json", *apart)
    assert result.returncode == 1
    assert json_of(result)["broken"] == 1
    human = run("replay", str(capture), *apart)
    refused(human, 1, "broken.ndjson:2")
    assert "A-B" in human.stdout
    refused(run("replay", str(capture), "--strict", *apart), 2, "broken.ndjson:2")


def test_the_live_feeds_namespace_is_not_a_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    from feedhandler.cli.replay import replay

    monkeypatch.setenv("FEEDHANDLER_NAMESPACE", "live")
    assert replay.make_context("replay", ["x.ndjson"]).params["namespace"] == "replay"
