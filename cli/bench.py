"""`feedhandler bench`: the numbers of this host."""

from __future__ import annotations

import click

from feedhandler.cli.lazy import LazyGroup

_COMMANDS = {
    "all": "feedhandler.cli.bench_all:everything",
    "decode": "feedhandler.cli.bench_decode:decode",
    "wire": "feedhandler.cli.bench_wire:wire",
    "latency": "feedhandler.cli.bench_latency:latency",
    "capacity": "feedhandler.cli.bench_capacity:capacity",
    "board": "feedhandler.cli.bench_board:board",
    "screens": "feedhandler.cli.bench_screens:screens",
    "persistent": "feedhandler.cli.bench_persistent:persistent",
    "hop": "feedhandler.cli.bench_hop:hop",
    "mirror": "feedhandler.cli.bench_mirror:mirror",
    "api": "feedhandler.cli.bench_api:api",
    "record": "feedhandler.cli.bench_record:record",
    "export": "feedhandler.cli.bench_export:export_",
    "memory": "feedhandler.cli.bench_memory:memory",
    "peers": "feedhandler.cli.bench_peers:peers",
    "keep": "feedhandler.cli.bench_keep:keep",
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def bench() -> None:
    """Measure this host, each number beside the floor: what the least C that does the work needs.

    Every figure is measured in turns with its floor; the median of several repetitions is
    reported, with their spread (half the interquartile range). A ratio with a question mark was
    taken while so much else ran that it is not to be relied on.

    \b
    feedhandler bench decode
    feedhandler bench decode --json > before.json
    feedhandler bench decode --compare before.json

    \b
    JSON: {"host": {...}, "results": [{"bench", "case", "metric", "unit",
    "value", "spread", "floor", "ratio"}]}

    \b
    Exit codes: 0 fine, 1 --compare found something worse,
    2 usage.
    """
