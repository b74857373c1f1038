"""``python -m feedhandler.sim``: simulated venues in this process, in the foreground."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

import orjson

from feedhandler.sim.config import SimOptions
from feedhandler.sim.runner import load_script, names, run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m feedhandler.sim",
        description="Simulated venues on loopback. Prints one JSON line with the endpoints when "
        "ready; ends on SIGTERM or SIGINT.",
    )
    parser.add_argument("--venue", action="append", choices=names(), required=True)
    parser.add_argument("--port", type=int, default=0, help="0: any free one (default)")
    parser.add_argument("--host")
    parser.add_argument("--rate", type=float, help="book updates per second of each venue")
    parser.add_argument("--instruments", type=int, help="listed instruments in total, up to 10,000")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--script", type=Path, help="a TOML file of faults")
    parser.add_argument(
        "--options", default="{}", help="any SimOptions field, as a JSON object; -: on stdin"
    )
    parser.add_argument("--parent", type=int, help="end when this parent process does")
    arguments = parser.parse_args()
    if arguments.port and len(arguments.venue) > 1:
        parser.error("--port goes with one --venue")
    return arguments


def main() -> None:
    """Parse the command line and serve."""
    arguments = _arguments()
    text = sys.stdin.buffer.read() if arguments.options == "-" else arguments.options
    chosen = orjson.loads(text)
    for name in ("host", "rate", "instruments", "seed"):
        if (value := getattr(arguments, name)) is not None:
            chosen[name] = value
    if arguments.script is not None:
        chosen["script"] = load_script(arguments.script)
    # The recorded history is a large heap of plain tuples: do not walk it again and again.
    gc.set_threshold(50_000, 50, 1000)
    ports = dict.fromkeys(arguments.venue, arguments.port)
    run(arguments.venue, SimOptions(**chosen), ports, arguments.parent)


if __name__ == "__main__":
    main()
