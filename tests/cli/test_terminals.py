"""Commands on terminals that can little: no colours, forty columns, no UTF-8; and odd names."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedhandler.cli.output import cells
from shm.segment import create
from tests.cli.support import Terminal, run, until
from tests.cli.test_top import ODD, SMALL, fill

COLUMNS = 40
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_COLOUR = re.compile(r"(?:^|;)(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;|$)")
BOOK = ("inspect", "book", "okx", ODD[0])
COMMANDS = (
    ("status",),
    ("inspect", "ls"),
    ("inspect", "ls", "okx"),
    ("inspect", "stat", "okx"),
    ("inspect", "tail", "okx"),
    BOOK,
    ("inspect", "book", "okx", ODD[1]),
    ("inspect", "slots", "okx"),
    ("inspect", "connections"),
    ("inspect", "readers"),
    ("inspect", "verify"),
    ("inspect", "abi", "slot"),
    ("venues",),
    ("venues", "okx"),
    ("plan", "--offline", "-v", "okx", "--symbols", "BTC-USDT"),
)
DUMB = {"TERM": "dumb"}
NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture(scope="module")
def odd() -> Iterator[str]:
    """A namespace with a venue whose instruments have odd names; its heart beats."""
    namespace, over = f"test-terminals-{id(COMMANDS)}", threading.Event()
    with create("okx", namespace=namespace, **SMALL) as owner:
        fill(owner)

        def beat() -> None:
            while not over.wait(0.05):
                owner.writer.heartbeat()

        heart = threading.Thread(target=beat)
        heart.start()
        try:
            yield namespace
        finally:
            over.set()
            heart.join()


def shown(odd: str, *command: str, **environment: str) -> tuple[str, int]:
    """What a command sends to a terminal of forty columns, escapes and all, and its exit code."""
    with Terminal(*command, namespace=odd, columns=COLUMNS, environment=environment) as on:
        code = on.finish()
        return on.read(), code


def least(odd: str, *command: str) -> tuple[list[str], int]:
    """The lines that it shows there, each of which has room, and its exit code."""
    raw, code = shown(odd, *command, TERM="dumb", PYTHONIOENCODING="ascii")
    assert raw.isascii(), raw
    assert "\x1b" not in raw
    lines = [line.split("\r")[-1] for line in raw.replace("\r\n", "\n").split("\n")]
    assert max(map(len, lines)) <= COLUMNS, lines
    return lines, code


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_least_of_terminals(odd: str, command: tuple[str, ...]) -> None:
    """TERM=dumb, no UTF-8, forty columns."""
    lines, code = least(odd, *command)
    assert code in (0, 1), lines
    assert len(lines) > 2


def test_recordings_on_the_least_of_terminals(odd: str, tmp_path: Path) -> None:
    """Sentences are broken between words; without a terminal they are a line each."""
    to = tmp_path / "r"
    lines, code = least(odd, "record", "--to", str(to), "--seconds", "0.5")
    assert code == 0, lines
    assert "lost" not in " ".join(lines)
    for command, said in (
        (("verify", str(to)), "okx"),
        (("export", str(to), "-o", str(tmp_path / "t.csv")), "rows of"),
        (("record", "--to", str(to), "--compact"), "no finished day is in many files"),
    ):
        lines, code = least(odd, *command)
        assert code == 0, lines
        assert said in " ".join(lines)
    lines, code = least(odd, "record")
    assert code == 2
    assert "Error: where to? --to DIR, or a CONFIG with a table [record]" in _whole(lines)
    sorted(to.rglob("*.parquet"))[0].unlink()
    lines, code = least(odd, "verify", str(to))
    assert code == 1
    assert "the manifest names it, and it is not there" in _whole(lines)
    piped = run("verify", str(to), namespace=odd)
    (found,) = (line for line in piped.stdout.splitlines() if line.startswith("found: "))
    assert found.endswith(".parquet: the manifest names it, and it is not there")


def _whole(lines: list[str]) -> str:
    """What was broken between words."""
    return " ".join(" ".join(lines).split())


def test_help_and_usage_have_room(odd: str) -> None:
    for name in ("verify", "record", "export"):
        raw, code = shown(odd, name, "--help")
        assert code == 0
        prose, _, _ = raw.partition("feedhandler " + name)[2].partition("feedhandler " + name)
        lines = prose.replace("\r\n", "\n").split("\n")
        assert max(map(len, lines)) <= COLUMNS, lines


@pytest.mark.parametrize(
    "environment", [{"NO_COLOR": "1"}, {"TERM": "vt100"}, {"TERM": "dumb"}], ids=str
)
def test_no_colours_where_there_are_none(odd: str, environment: dict[str, str]) -> None:
    for command in (("status",), BOOK):
        raw, _ = shown(odd, *command, **environment)
        assert [each for each in _SGR.findall(raw) if _COLOUR.search(each)] == []
        assert "LIVE" in raw


def test_colours_where_there_are() -> None:
    """Else the tests above see nothing."""
    with create("okx", namespace="test-colours", **SMALL) as owner:
        fill(owner)
        raw, _ = shown("test-colours", *BOOK, NO_COLOR="")
    assert any(_COLOUR.search(each) for each in _SGR.findall(raw))


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, NO_UTF8], ids=str)
def test_a_name_that_cannot_be_written_takes_its_columns(
    odd: str, environment: dict[str, str]
) -> None:
    raw, code = shown(odd, "inspect", "ls", "okx", **environment)
    assert code == 0
    assert raw.isascii()
    assert "?" * cells("币安人生") + "USDT" in raw
    assert all(name in raw for name in ODD if name.isascii())


def test_a_view_is_printed_again_where_nothing_is_drawn_anew(odd: str) -> None:
    with Terminal(*BOOK, "--watch", namespace=odd, columns=COLUMNS, environment=DUMB) as on:
        until(lambda: on.read().count(f"{ODD[0]}  okx  LIVE") > 2 or None, "three views")
        assert "\x1b" not in on.raw


def test_a_full_screen_needs_a_terminal_that_draws(odd: str) -> None:
    raw, code = shown(odd, "top", TERM="dumb")
    assert code == 2
    assert "\x1b" not in raw
    assert "feedhandler status --watch" in " ".join(raw.split())


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "vt100"}, {"PYTHONIOENCODING": "ascii"}, NO_UTF8 | {"NO_COLOR": "1"}],
    ids=str,
)
def test_top_on_a_poor_terminal(odd: str, environment: dict[str, str]) -> None:
    with Terminal("top", namespace=odd, columns=COLUMNS, lines=12, environment=environment) as on:
        until(lambda: "LIVE" in on.read() or None, "it is drawn")
        on.type("\r")
        until(lambda: "xyz:CL" in on.read() or None, "the venue is shown")
        on.type("q")
        assert on.finish() == 0
        plain = environment.get("TERM") == "vt100" or "NO_COLOR" in environment
        colours = [each for each in _SGR.findall(on.raw) if _COLOUR.search(each)]
        assert not (plain and colours), colours
        if len(environment) > 1 or "PYTHONIOENCODING" in environment:
            assert on.raw.isascii(), [c for c in on.raw if not c.isascii()]
            assert "\\u" not in on.raw
