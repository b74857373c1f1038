"""Options that many commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from feedhandler.cli.errors import CliError

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_NAMESPACE = "feedhandler"


class FilePath(click.Path):
    """A path. Whether it can be read, whoever reads it says, and what would help."""

    def __init__(self, **more: Any) -> None:
        super().__init__(path_type=Path, readable=False, **more)


NAMESPACE = re.compile(r"[A-Za-z0-9_-]{1,48}")


def _checked(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not NAMESPACE.fullmatch(value):
        raise click.BadParameter(f"{value!r}: letters, digits, '_' and '-', at most 48 of them")
    return value


def namespace_option(function: F) -> F:
    """`--namespace`, or FEEDHANDLER_NAMESPACE; "feedhandler" when neither is given."""
    return click.option(
        "--namespace",
        metavar="NS",
        envvar="FEEDHANDLER_NAMESPACE",
        default=DEFAULT_NAMESPACE,
        show_default=True,
        show_envvar=True,
        callback=_checked,
        help="Which feed: the prefix of its shared-memory objects.",
    )(function)


def namespace_override_option(function: F) -> F:
    """The same for commands that read a configuration: None leaves the choice to the file."""
    return click.option(
        "--namespace",
        metavar="NS",
        envvar="FEEDHANDLER_NAMESPACE",
        show_envvar=True,
        callback=_checked,
        help="Prefix of the shared-memory objects, instead of the configuration's.",
    )(function)


def replay_namespace_option(function: F) -> F:
    """Of a replay: FEEDHANDLER_NAMESPACE is the live feed's, and a replay may not pass for it."""
    return click.option(
        "--namespace",
        metavar="NS",
        default="replay",
        show_default=True,
        callback=_checked,
        help="Prefix of the shared-memory objects; FEEDHANDLER_NAMESPACE does not count here.",
    )(function)


def json_option(function: F) -> F:
    """`--json`"""
    return click.option("--json", "as_json", is_flag=True, help="JSON for programs.")(function)


def _venue_files(_: click.Context, __: click.Parameter, value: tuple[Path, ...]) -> None:
    if value:
        from feedhandler.venues import outside

        outside.use(value)


def venue_file_option(function: F) -> F:
    """`--venue-file`, wherever a venue is named: venues of these files are venues like ours."""
    return click.option(
        "--venue-file",
        multiple=True,
        metavar="FILE",
        type=FilePath(),
        callback=_venue_files,
        expose_value=False,
        is_eager=True,
        help="Python with a venue of your own; may be repeated.",
    )(function)


def force_option(function: F) -> F:
    """`--force`"""
    text = "Overwrite what is there already."
    return click.option("--force", is_flag=True, help=text)(function)


def refuse_overwriting(path: Path | None, force: bool) -> None:
    """Nothing that is there goes without a word. A pipe or a device may be written to."""
    if path is not None and path.is_file() and not force:
        raise CliError(f"{path} is there already", "give another name, or overwrite it: --force")


plot_option = click.option(
    "--plot",
    metavar="[FILE]",
    is_flag=False,
    flag_value="-",
    help="A picture: into a PNG file, or without one onto the terminal.",
)
