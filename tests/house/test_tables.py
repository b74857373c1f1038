"""What pages say of keys, commands, venues, channels, states and exit codes is the code's."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from feedhandler import venues
from feedhandler.adapter.venue import CHANNELS
from feedhandler.cli import errors, options
from feedhandler.cli.main import feedhandler
from feedhandler.config.keys import DEFAULT_CHANNELS, Config, told
from feedhandler.connection.state import ConnectionState
from shm import object_names
from tests.house import tables
from tests.house.venue_tables import HEAD, SHORT_HEAD

README = (tables.ROOT / "README.md").read_text()
STALE = "run `scripts/dev tables`"


def test_the_version_is_that_of_the_project() -> None:
    text = tables.PKG_CONFIG.read_text()
    assert tables.with_version(text) == text, STALE
    assert tables.with_version("Version: x\n") != "Version: x\n"


@pytest.mark.parametrize("path", tables.DOCUMENTS, ids=lambda path: path.name)
def test_tables_are_the_codes(path: Path) -> None:
    text = path.read_text()
    assert tables.renewed(text) == text, STALE


def test_every_table_has_one_place() -> None:
    found = [name for path in tables.DOCUMENTS for name in tables.names(path.read_text())]
    assert len(found) == len(set(found))
    assert set(tables.TABLES) <= set(found)


def test_a_change_of_the_code_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (tables.ROOT / "docs" / "configuration.md").read_text()
    assert tables.renewed(page.replace("`2048`", "`4096`")) == page
    monkeypatch.setitem(CHANNELS, "candles", "what nobody needs")
    assert tables.renewed(page) != page


def test_every_venue_is_told_of_in_the_order_of_the_registry() -> None:
    page = (tables.ROOT / "docs" / "venues.md").read_text()
    for text, head in (
        (README, SHORT_HEAD),
        (page, HEAD),
        (page, ("venue", "instruments", "book", "besides the book")),
    ):
        table = text.partition(f"\n| {' | '.join(head)} |\n")[2].partition("\n\n")[0]
        assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == venues.names()
    assert venues.defaults() == venues.names()[:3]
    assert "runs the\nfirst three" in README
    start = feedhandler.get_command(click.Context(feedhandler), "start")
    assert start is not None
    titles = [name.capitalize() if len(name) > 3 else name.upper() for name in venues.defaults()]
    said = f"{', '.join(titles[:-1])} and {titles[-1]}"
    for text in (README, start.help or ""):
        assert said in " ".join(text.split())


def test_channels_are_known() -> None:
    for name in venues.names():
        assert set(DEFAULT_CHANNELS) <= set(venues.load(name).channels) <= set(CHANNELS)


def test_a_key_that_a_page_names_is_one() -> None:
    known = {key.name for key in told()}
    for path in tables.DOCUMENTS:
        for name in re.findall(r"`(\w+_(?:s|slots|rows|at|url|file))`", path.read_text()):
            assert name in known | WORDS, f"{path.name}: {name}"


#: what looks like a key in a page, and is another thing: of the fault table, memory, the simulator
WORDS = {"rhythm_s", "connection_rows", "created_at", "delist_at", "control_url"}


def test_the_states_of_a_connection_are_told() -> None:
    text = (tables.ROOT / "docs" / "connections.md").read_text()
    section = text.partition("## The life of a connection")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert {*rows, "IDLE"} == {state.name for state in ConnectionState}


def test_exit_codes_are_told() -> None:
    constants = {
        value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)
    }
    assert set(errors.EXIT_CODES) == constants
    for text in _helps(feedhandler, click.Context(feedhandler)):
        told_of = re.search(r"Exit codes: (.*)", text, re.DOTALL)
        for code in re.findall(r"(?:^|, |,\n *)(\d+) ", told_of[1] if told_of else ""):
            assert int(code) in errors.EXIT_CODES, text


def _helps(command: click.Command, context: click.Context) -> list[str]:
    found = [command.help or ""]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            its = command.get_command(context, name)
            assert its is not None
            found += _helps(its, click.Context(its, parent=context))
    return found


def test_a_namespace_is_the_same_everywhere() -> None:
    assert options.DEFAULT_NAMESPACE == object_names.DEFAULT_NAMESPACE
    assert Config(venues={}).namespace == options.DEFAULT_NAMESPACE
    assert options.NAMESPACE.pattern == object_names.NAME.pattern
