"""The tables of README.md and docs/ that are made from the code.

    python -m tests.house.tables --write       renew them all (`scripts/dev tables`)

A table stands between `<!-- table: NAME -->` and `<!-- end -->`. Those of docs/memory.md are the
header's, whole (`tests.proof.tables`); here are those that people read first.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from feedhandler import venues
from feedhandler.adapter.venue import CHANNELS, ListedInstrument, Venue
from feedhandler.cli.errors import EXIT_CODES
from feedhandler.cli.main import feedhandler
from feedhandler.config.keys import told
from shm import InstrumentKind
from shm.recording import schema
from shm.recording.manifest import CAUSES
from tests.house import export_tables, venue_tables
from tests.proof import tables as header

ROOT = Path(__file__).parents[2]
PKG_CONFIG = ROOT / "shm" / "pkgconfig" / "feedhandler.pc"
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SHOWN = ("--sim", "--watch", "--keys", "--hold", "--dry-run")  #: options worth a place in a row

_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_version(pkg_config: str) -> str:
    """That of pyproject.toml, which has the one version there is."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return re.sub(r"^Version: .*$", f"Version: {version}", pkg_config, flags=re.MULTILINE)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in cells)


def _keys() -> str:
    rows = []
    for key in told():
        name = f"{key.table}.{key.name}".strip(".") if key.name != "venues" else "venues.NAME"
        default = f"`{key.default}`" if key.default == key.value else key.default
        rows.append([f"`{name}`", key.allowed, default, key.meaning])
    return _table(["key", "may be", "default", "meaning"], rows)


def _commands() -> str:
    context = click.Context(feedhandler, info_name="feedhandler")
    return _table(["command", "does"], _rows(feedhandler, context))


def _rows(group: click.Group, context: click.Context) -> Iterator[list[str]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        its = click.Context(command, parent=context, info_name=name)
        sentence = (command.help or "").strip().partition("\n\n")[0].replace("\n", " ")
        if name == "bench" and isinstance(command, click.Group):
            usage = [its.command_path, "|".join(command.list_commands(its))]
        elif isinstance(command, click.Group):
            yield from _rows(command, its)
            continue
        else:
            usage = [its.command_path, *command.collect_usage_pieces(its)[1:]]
            usage += filter(None, map(_option, command.params))
        yield [f"`{' '.join(usage)}`", sentence]


def _option(parameter: click.Parameter) -> str:
    if not isinstance(parameter, click.Option):
        return ""
    if parameter.required:
        return f"{parameter.opts[0]} {parameter.metavar or 'FILE'}"
    return next((f"[{each}]" for each in parameter.opts if each in SHOWN), "")


def _exit_codes() -> str:
    rows = ([str(code), meaning] for code, meaning in sorted(EXIT_CODES.items()))
    return _table(["exit code", ""], rows)


def _channels() -> str:
    every = [venues.load(name) for name in venues.names()]
    rows = []
    for channel, meaning in CHANNELS.items():
        having = [venue.name for venue in every if channel in venue.channels]
        whose = "all" if len(having) == len(every) else ", ".join(f"`{name}`" for name in having)
        rows.append([f"`{channel}`", meaning, whose])
    return _table(["channel", "brings", "venues that have it"], rows)


def _subscriptions() -> str:
    rows = []
    for name in venues.names():
        venue = venues.load(name)
        rows.append([f"`{name}`", *(_topics(venue, channel) for channel in CHANNELS)])
    return _table(["venue", *(f"`{channel}`" for channel in CHANNELS)], rows)


def _topics(venue: Venue, channel: str) -> str:
    """What a venue calls it, for whatever kinds of instruments it lists."""
    if channel not in venue.channels:
        return "-"
    found: dict[str, None] = {}
    for kind in (each for each in InstrumentKind if each is not InstrumentKind.UNKNOWN):
        spec = ListedInstrument("A-B", "A-B", kind, "A", "B", family="A-B")
        try:
            keys = venue.keys(spec, [channel])
        except KeyError:  # no kind of this venue's
            continue
        found |= dict.fromkeys(
            venue.topic(key) for key in keys if venue.key_symbols(key)[0] != "status"
        )
    return ", ".join(f"`{topic}`" for topic in found)


def _proofs() -> str:
    rows = []
    for venue in map(venues.load, venues.names()):
        proof = venue.proof
        signs = "; ".join(sign.value for sign in proof.signs) or "nothing"
        sized = ("yes" if proof.sized else "no") if proof.signs else "-"
        scope = proof.scope.value if proof.signs else "-"
        rows.append([f"`{venue.name}`", signs, sized, scope, venue.base.value, proof.note or "-"])
    head = ["venue", "a loss is noticed by", "its size is known", "what counts", "a book begins"]
    return _table([*head, "besides"], rows)


def _words(name: str, what: str) -> str:
    rows = [
        [f"`{word}`", meaning.removeprefix("since 2.0: ")]
        for (word, _), meaning in header.entries(name)
    ]
    return _table([what, ""], rows)


def _columns(of: Sequence[schema.Column]) -> str:
    rows = ([f"`{each.name}`", schema.TYPES[each.type], each.text] for each in of)
    return _table(["column", "type", ""], rows)


def _recorded() -> dict[str, Callable[[], str]]:
    """The columns of a recording's tables; of those of records what they have besides."""
    common = len(schema.RECORD)
    own = {
        name: columns[common:] for name, columns in schema.TABLES.items() if len(columns) > common
    }
    plain = {"record": schema.RECORD, "instruments": schema.INSTRUMENTS, "marks": schema.MARKS}
    return {f"columns_{name}": partial(_columns, each) for name, each in (own | plain).items()}


TABLES: Mapping[str, Callable[[], str]] = {
    "keys": _keys,
    "commands": _commands,
    "exit_codes": _exit_codes,
    "channels": _channels,
    "subscriptions": _subscriptions,
    "proofs": _proofs,
    "losses": lambda: _table(["why", ""], ([f"`{why}`", text] for why, text in CAUSES.items())),
    **_recorded(),
    "venues": lambda: _table(venue_tables.HEAD, venue_tables.facts()),
    "tardis": lambda: _table(export_tables.TARDIS_HEAD, export_tables.tardis()),
    "export_records": lambda: _table(export_tables.RECORD_HEAD, export_tables.records()),
    "venues_in_short": lambda: _table(venue_tables.SHORT_HEAD, venue_tables.in_short()),
    "states": lambda: _words("FH_STATES", "state"),
    "reasons": lambda: _words("FH_REASONS", "reason"),
    "statuses": lambda: _words("FH_INSTRUMENT_STATUSES", "status"),
}


def renewed(text: str) -> str:
    """A document with its tables made anew."""
    return _MARKED.sub(
        lambda m: m[1] + (TABLES[m[2]]() if m[2] in TABLES else header.table(m[2])) + m[3], text
    )


def names(text: str) -> list[str]:
    """The tables that a document has."""
    return [found[2] for found in _MARKED.finditer(text)]


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        for path in DOCUMENTS:
            path.write_text(renewed(path.read_text()))
        PKG_CONFIG.write_text(with_version(PKG_CONFIG.read_text()))
    else:
        for make in TABLES.values():
            print(make())
