"""`feedhandler record`: what a feed carries, kept as Parquet files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli.errors import DISK, FINE, CliError
from feedhandler.cli.options import (
    FilePath,
    json_option,
    namespace_override_option,
    venue_file_option,
)
from feedhandler.cli.output import json_out, prose
from feedhandler.cli.progress import ProgressLine

if TYPE_CHECKING:
    from feedhandler.config.record_keys import RecordConfig


@click.command()
@click.argument("config", required=False, type=FilePath())
@click.option("--to", metavar="DIR", type=FilePath(), help="The recording.")
@click.option("--venue", "-v", "venues", multiple=True, help="Only this one; may be repeated.")
@venue_file_option
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="How long; else: Ctrl-C.")
@click.option("--rotate", "rotate_s", type=float, metavar="S", help="As rotate_s of [record].")
@click.option("--rotate-mib", type=int, metavar="N", help="As rotate_mib of [record].")
@click.option("--base", "base_s", type=float, metavar="S", help="As base_s of [record].")
@click.option("--mark", "mark_s", type=float, metavar="S", help="As mark_s of [record].")
@click.option("--free-mib", type=int, metavar="N", help="As free_mib of [record].")
@click.option("--cpu", type=int, metavar="N", help="The CPU that it is pinned to.")
@click.option("--compact", is_flag=True, help="Make few files of each finished day, and end.")
@namespace_override_option
@json_option
def record(
    config: Path | None,
    to: Path | None,
    venues: tuple[str, ...],
    seconds: float | None,
    compact: bool,
    namespace: str | None,
    as_json: bool,
    **given: float | int | None,
) -> int:
    """Keep everything that a running feed carries, in a directory of Parquet files.

    It reads the shared memory as a strategy does, and disturbs nothing. Without a CONFIG it records
    every venue that is there. A recording says itself exactly what is missing in it: see
    `feedhandler verify`. With a table [record] in the configuration, `feedhandler start` records.

    \b
    feedhandler record --to /data/feed
    feedhandler record feed.toml --to /data/feed --venue deribit --rotate 60
    feedhandler record --to /data/feed --compact

    \b
    Exit codes: 0 fine, 2 usage or configuration, 3 nothing to attach to,
    74 the disk is broken.
    """
    settings, names, space = _settings(config, to, venues, namespace, given)
    if compact:
        return _compact(Path(settings.to), as_json)
    return _record(settings, names, space, seconds, as_json)


def _settings(
    path: Path | None,
    to: Path | None,
    venues: tuple[str, ...],
    namespace: str | None,
    given: dict[str, float | int | None],
) -> tuple[RecordConfig, list[str], str]:
    """What to keep where, the venues, and the namespace."""
    import msgspec

    from feedhandler import venues as registry
    from feedhandler.config.document import ConfigError
    from feedhandler.config.keys import keys
    from feedhandler.config.load import load
    from feedhandler.config.record_keys import RecordConfig
    from feedhandler.suggest import did_you_mean
    from shm.attach import venues as there

    space = namespace or "feedhandler"
    settings = None
    names = list(venues)
    if path is not None:
        whole = load(path, venues=venues, namespace=namespace)
        space, settings = whole.namespace, whole.record
        names = names or list(settings.only if settings and settings.only else whole.venues)
    if to is None and settings is None:
        raise click.UsageError("where to? --to DIR, or a CONFIG with a table [record]")
    settings = settings or RecordConfig(to=str(to))
    changed: dict[str, Any] = {name: each for name, each in given.items() if each is not None}
    if to is not None:
        changed["to"] = str(to)
    problems: list[str] = []
    for name, value in changed.items():
        keys(RecordConfig)[name].allowed.judges(
            name, value, lambda key, problem: problems.append(f"command line: {key}: {problem}")
        )
    if problems:
        raise ConfigError(problems)
    settings = msgspec.structs.replace(settings, **changed)
    running = there(space)
    for name in names:
        if name not in running and name not in registry.names():  # else it may come
            hint = did_you_mean(name, running or registry.names())
            raise CliError(f"no venue {name!r}{hint}")
    return settings, names or running, space


def _record(
    settings: RecordConfig, names: list[str], namespace: str, seconds: float | None, as_json: bool
) -> int:
    from feedhandler.recording.process import run
    from shm import NoSuchVenue

    if not names:
        raise NoSuchVenue(f"nothing runs in the namespace {namespace!r}")
    last: dict[str, Any] = {}
    progress = ProgressLine()

    def report(status: dict[str, Any]) -> None:
        last.update(status)
        progress(lambda: words(status))

    ends = None if seconds is None else time.monotonic() + seconds
    try:
        status = run(settings, namespace, names, report=report, ends=ends)
    except OSError as error:
        raise CliError(f"{settings.to}: {error.strerror or error}", "", DISK) from error
    finally:
        progress.clear()
    if as_json:
        json_out(status)
    else:
        prose(f"{settings.to}: {words(status)}")
    return FINE


def words(status: dict[str, Any]) -> str:
    """A recorder's status in one line."""
    its = status["venues"]
    records, rate = sum(v["records"] for v in its), sum(v["rate"] for v in its)
    lost, size = sum(v["lost"] for v in its), sum(v["bytes"] for v in its)
    behind = max((v["behind_ns"] for v in its), default=0)
    said = status["state"] + (f" ({status['detail']})" if status["detail"] else "")
    parts = [
        f"{said}  {number_text.plural(records, 'record')}",
        f"{number_text.count(round(rate))}/s",
        number_text.size(size),
        f"{number_text.duration(behind)} behind" if behind > 1_000_000_000 else "",
        f"{number_text.count(lost)} lost" if lost else "",
    ]
    waits = [v["venue"] for v in its if v["waits_for"]]
    parts.append(f"waits for {', '.join(waits)}" if waits else "")
    return ", ".join(filter(None, parts))


def _compact(to: Path, as_json: bool) -> int:
    from feedhandler.recording.compaction import compact
    from feedhandler.recording.directory import RecordingDirectory
    from shm.recording import manifest

    manifest.read(to)  # or there is none
    directory = RecordingDirectory(to)
    try:
        directory.tidy()
        done = []
        for line in compact(directory):
            done.append(line)
            if not as_json:
                prose(f"{line.file.path}: {number_text.plural(len(line.replaces), 'file')}")
    finally:
        directory.close()
    if as_json:
        json_out({"files": [line.file.path for line in done]})
    elif not done:
        prose(f"{to}: no finished day is in many files")
    return FINE
