"""`feedhandler capture`: a venue's raw frames to disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli.errors import FINDING, FINE, NOTHING, CliError
from feedhandler.cli.options import (
    FilePath,
    force_option,
    json_option,
    namespace_override_option,
    refuse_overwriting,
    venue_file_option,
)
from feedhandler.cli.output import echo, json_out
from feedhandler.cli.progress import ProgressLine

if TYPE_CHECKING:
    from feedhandler.capture.recorder import Recording
    from feedhandler.config.keys import Config


@click.command()
@click.argument("venue")
@click.argument("config", required=False, type=FilePath())
@click.option(
    "-o",
    "--out",
    required=True,
    type=FilePath(dir_okay=False),
    help="The file: .ndjson or .jsonl, compressed with .zst or .gz behind it.",
)
@force_option
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="How long; else: Ctrl-C.")
@venue_file_option
@namespace_override_option
@json_option
def capture(
    venue: str,
    config: Path | None,
    out: Path,
    force: bool,
    seconds: float | None,
    namespace: str | None,
    as_json: bool,
) -> int:
    """Record the raw frames of a VENUE, for `feedhandler replay`.

    It uses connections of its own, so that the capture begins with instruments and snapshots and
    the live feed is not disturbed. What it follows is what the running supervisor follows (so it
    works on `start --sim`, too), unless a CONFIG is given.

    \b
    feedhandler capture deribit -o deribit.ndjson.zst --seconds 60
    feedhandler replay deribit.ndjson.zst --books books.json

    \b
    Exit codes: 0 fine, 1 nothing was received, 2 usage or configuration,
    74 the disk is full or broken: what came before is in the file, whole.
    """
    from feedhandler.capture.recorder import record
    from feedhandler.capture.writer import check_name

    try:
        check_name(out)
    except ValueError as error:
        raise CliError(str(error), "feedhandler has no other formats") from None
    refuse_overwriting(out, force)
    chosen = _config(venue, config, namespace)
    last: list[Recording] = []
    line = ProgressLine()

    def progress(recording: Recording) -> None:
        last[:] = [recording]
        line(lambda: _words(recording))

    try:
        recording = asyncio.run(record(chosen, venue, out, seconds, progress, force=force))
    except KeyboardInterrupt:  # the file is whole: the recorder closed it when it was cancelled
        if not last:
            raise
        recording = last[0]
    finally:
        line.clear()
    if as_json:
        json_out(
            {
                "venue": venue,
                "path": str(out),
                "seconds": recording.seconds,
                "frames": recording.frames,
                "bytes": recording.bytes,
                "instruments": recording.instruments,
                "live": recording.live,
            }
        )
    else:
        echo(f"{out}: {_words(recording)}")
    return FINE if recording.frames else FINDING


def _words(recording: Recording) -> str:
    frames = number_text.plural(recording.frames, "frame")
    took, live = number_text.seconds(recording.seconds), f"{recording.live} of"
    return (
        f"{frames}, {number_text.size(recording.bytes)} in {took}, "
        f"{live} {number_text.plural(recording.instruments, 'book')} live"
    )


def _config(venue: str, path: Path | None, namespace: str | None) -> Config:
    """The running supervisor's configuration, or the file's, or the defaults."""
    from feedhandler.config.keys import Config
    from feedhandler.config.load import load
    from feedhandler.supervisor.control_socket import NotRunning, request

    if path is not None:
        return load(path, venues=[venue], namespace=namespace)
    try:
        answer: dict[str, Any] = request(namespace or "feedhandler", {"do": "config"}, 2.0)
    except NotRunning:
        return load(None, venues=[venue], namespace=namespace)
    import msgspec

    running = msgspec.convert(answer, Config)
    if venue not in running.venues:
        load(None, venues=[venue])  # an unknown venue is refused in its own words
        raise CliError(
            f"the running feed has no venue {venue!r}; it has {', '.join(running.venues)}",
            "give a configuration: feedhandler capture VENUE CONFIG",
            NOTHING,
        )
    return running
