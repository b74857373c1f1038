"""`feedhandler config`: every key of the configuration file, as such a file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from feedhandler.cli.errors import CliError
from feedhandler.cli.options import json_option
from feedhandler.cli.output import bold, dim, echo, json_out

if TYPE_CHECKING:
    from feedhandler.config.keys import Told

_WIDE = 78


@click.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@json_option
def config(keys: tuple[str, ...], as_json: bool) -> None:
    """Show the keys of the configuration file, with their defaults.

    Of each KEY, or of all: what it means, what it may be, and its default. What is printed is such
    a file, with everything in it commented out: a beginning for your own.

    \b
    feedhandler config
    feedhandler config depth audit_s
    feedhandler config > feed.toml
    """
    from feedhandler.config.keys import told
    from feedhandler.suggest import near

    every = told()
    names = {each.name: each for each in every}
    for key in keys:
        if key not in names:
            hint = near(key, names) or "; all of them: feedhandler config"
            raise CliError(f"no such key: {key!r}{hint}")
    chosen = [each for each in every if not keys or each.name in keys]
    if as_json:
        json_out({"keys": chosen})
    else:
        echo("\n".join(_lines(chosen)))


def _lines(keys: Sequence[Told]) -> Iterator[str]:
    for number, key in enumerate(keys):
        if number:
            yield ""
        default = f"; default: {key.default}" if key.default != key.value else ""
        for text in (key.meaning, f"{key.allowed}{default}"):
            for line in textwrap.wrap(text, _WIDE - 2, break_on_hyphens=False):
                yield dim(f"# {line}")
        if key.name == "venues":
            yield bold(f"#[venues.{key.default.partition(',')[0]}]")
        elif key.name in ("record", "serve") and not key.table:
            yield bold(f"#[{key.name}]")
        else:
            yield bold(f"#{key.name} = {key.value}")
