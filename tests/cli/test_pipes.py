"""Whoever reads what a command prints may stop: `feedhandler ... | head` is no finding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from feedhandler.cli.main import feedhandler


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("venues",), ("venues", "--json"), ("config",), ("inspect", "book", "--help")],
    ids=" ".join,
)
def test_nobody_reads_any_more(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "feedhandler", *arguments],
            stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_list_of_commands_has_whole_sentences() -> None:
    def lists(command: click.Command, name: str) -> list[str]:
        if not isinstance(command, click.Group):
            return []
        context = click.Context(command, info_name=name, terminal_width=80)
        found = [command.get_help(context)]
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner is not None
            found += lists(inner, each)
        return found

    shown = lists(feedhandler, "feedhandler")
    assert len(shown) > 3
    for text in shown:
        assert "..." not in text.partition("Commands:")[2]
        assert max(map(len, text.splitlines())) <= 80


def test_a_configuration_is_checked_without_a_network(tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"
    command = [sys.executable, "-m", "feedhandler", "check", str(path)]
    for text, code, said in (
        ('namespace = "x"\n[venues.okx]\n', 0, "well: 1 venue in the namespace 'x': okx"),
        ('namespce = "x"\n[venues.okx]\n', 2, "namespce: no such key; did you mean 'namespace'?"),
    ):
        path.write_text(text)
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code
        assert said in done.stdout + done.stderr
