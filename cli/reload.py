"""`feedhandler reload`: have the running feed read its configuration again."""

from __future__ import annotations

import click

from feedhandler.cli.errors import FINDING, USAGE, CliError, warn
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import echo, json_out


@click.command()
@namespace_option
@json_option
def reload(namespace: str, as_json: bool) -> None:
    """Have the running feed read its configuration again, and say what changed.

    It reads the file that it was started with, as on SIGHUP: venues are added and ended,
    instruments taken up and left without touching the rest, and where other settings of a venue
    changed, its process is started again. A file with mistakes is refused whole.

    \b
    feedhandler check feed.toml && feedhandler reload

    \b
    Exit codes: 0 followed, 1 it does not answer or is stopping,
    2 refused: the feed goes on as it was, 3 none is running.
    """
    from feedhandler.supervisor.control_socket import RELOAD_S, request

    answer = request(namespace, {"do": "reload"}, RELOAD_S)
    if "error" in answer:
        code = USAGE if answer.get("refused") else FINDING
        raise CliError(answer["error"], "nothing was changed: the feed goes on as it was", code)
    if as_json:
        json_out(answer)
        return
    for line in answer["changed"] or ["nothing changed"]:
        echo(line)
    for text in answer["warnings"]:
        warn(text)
