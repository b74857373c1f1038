"""Fuzz all targets for so many seconds each, and say what was found.

    python -m tests.fuzz --seconds 60                         each of them
    python -m tests.fuzz --seconds 600 okx cursor             two of them
    python -m tests.fuzz --fuzzer driver                      without libFuzzer
    python -m tests.fuzz --input FILE okx                     one input again

A line of JSON a target: how many inputs were run, what they covered, and whether there is a
finding; its input is then in build/fuzz/TARGET-crash-*. The exit status is 1 if there is any.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.targets import Outcome, Target, build, clang, fuzz, targets
from tests.kit.natives import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fuzzer", choices=("libfuzzer", "driver"))
    parser.add_argument("--input", type=Path)
    parser.add_argument("--place", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("target", nargs="*")
    asked = parser.parse_args()
    there = {target.name: target for target in targets()}
    if unknown := set(asked.target) - set(there):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    program = build(asked.fuzzer or ("libfuzzer" if clang() else "driver"))
    bad = False
    for name in asked.target or there:
        outcome = _one(program, there[name], asked)
        bad |= bool(outcome.finding)
        print(json.dumps({"target": name, "runs": outcome.runs, "covered": outcome.covered,
                          "found": bool(outcome.finding)}), flush=True)  # fmt: skip
        sys.stderr.write(outcome.finding)
    return int(bad)


def _one(program: Path, target: Target, asked: argparse.Namespace) -> Outcome:
    if asked.input is not None:
        return fuzz(program, target, asked.input, 1, runs=0)
    where = corpus.write(target.name, target.venue, asked.place)
    return fuzz(program, target, where, asked.seconds, asked.seed)


if __name__ == "__main__":
    sys.exit(main())
