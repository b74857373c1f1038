"""What `subscribe` and `unsubscribe` share: their arguments, the question, and the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from feedhandler.cli import complete
from feedhandler.cli.errors import FINDING, USAGE, CliError
from feedhandler.cli.output import echo, json_out

F = TypeVar("F", bound=Callable[..., Any])
_SHOWN = 10


def pattern_arguments(function: F) -> F:
    """VENUE PATTERN..."""
    function = click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")(function)
    return click.argument("venue", shell_complete=complete.venues)(function)


def ask_supervisor(
    verb: str, venue: str, patterns: Sequence[str], namespace: str, as_json: bool
) -> None:
    """Ask the running supervisor, and say what was done. Raises CliError, NotRunning."""
    from feedhandler.adapter.selection import check
    from feedhandler.supervisor.control_socket import ANSWER_S, request

    for pattern in patterns:
        try:
            if pattern.startswith("!"):
                raise ValueError(f"{pattern!r}: `feedhandler unsubscribe` leaves out")
            check(pattern)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    question = {"do": verb, "venue": venue, "patterns": list(patterns)}
    answer = request(namespace, question, ANSWER_S + 5.0)
    if "error" in answer:
        code = USAGE if answer.get("refused") else FINDING
        raise CliError(answer["error"], "nothing was changed", code)
    if as_json:
        json_out(answer)
        return
    for what in ("added", "removed"):
        symbols = answer[what]
        if symbols:
            more = f" and {len(symbols) - _SHOWN} more" if len(symbols) > _SHOWN else ""
            echo(f"{venue}: {what} {', '.join(symbols[:_SHOWN])}{more}")
    if not answer["added"] and not answer["removed"]:
        echo(f"{venue}: nothing to do")
