"""The fuzz targets: one for each venue of the registry, the wire's readers, and the memory's.

`targets.c` is built with AddressSanitizer and UndefinedBehaviorSanitizer; with Clang on libFuzzer
(`fuzzer="libfuzzer"`), else with GCC on the driver that lies beside it. Both are guided by
coverage, and share the mutations of `mutate.h`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from feedhandler import venues
from feedhandler.adapter.engine import rules
from tests.kit import natives
from tests.kit.checksums import checksum_numbers

SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
QUICK = ("-O0", "-fsanitize-undefined-trap-on-error")  #: built in a third of the time
_OPTIONS = ("-std=gnu11", "-g1", "-fno-strict-aliasing", "-w")
ENVIRONMENT = {
    "ASAN_OPTIONS": "handle_abort=1:detect_leaks=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


class Target(NamedTuple):
    """`words`: what FUZZ_TARGET says."""

    name: str
    words: str
    venue: str | None = None


def targets() -> list[Target]:
    """Every target there is: the list of venues is the registry's."""
    found = [Target(name, name) for name in ("decimal", "cursor", "memory", "websocket")]
    for name in venues.names():
        venue = venues.load(name)
        facts = (*rules(venue), venue.rest_join, *checksum_numbers(venue.checksum))
        numbers = (str(int(fact)) for fact in facts)
        words = " ".join([venue.decoder.name, *numbers, venue.decoder.frames.hex()])
        found.append(Target(name, words, name))
    return found


def clang() -> str | None:
    """A Clang, whichever version."""
    names = ["clang", *(f"clang-{version}" for version in range(22, 12, -1))]
    return next((name for name in names if shutil.which(name)), None)


def build(fuzzer: str, *options: str, root: Path = natives.ROOT) -> Path:
    """The program of all targets. `fuzzer`: "libfuzzer" (needs Clang) or "driver".

    `options` come last: `QUICK`. `root`: where the sources are.
    """
    here = root / "tests" / "fuzz"
    places = [f"-I{root / 'shm' / 'include'}", f"-I{root / 'feedhandler' / 'engine'}"]
    flags = ["-O1", *SANITIZE, *_OPTIONS, *places, *options]
    sources = [*here.glob("*.[ch]"), *natives.headers(root)]
    if fuzzer == "libfuzzer":
        compiler = clang()
        assert compiler is not None, "libFuzzer is Clang's (apt-get install clang)"
        flags += ["-DFUZZ_LIBFUZZER", "-fsanitize=fuzzer"]
        place = natives.place("libfuzzer", compiler, *flags, sources)
        return _once(place / "fuzz", [[compiler, *flags, str(here / "targets.c")]])
    compiler = natives.compiler()
    flags.append("-fsanitize-coverage=trace-pc")
    place = natives.place("driver", compiler, *flags, sources)
    parts = {name: place / f"{name}.o" for name in ("targets", "driver")}
    return _once(
        place / "fuzz",
        [
            [compiler, *flags, "-c", str(here / "targets.c"), "-o", str(parts["targets"])],
            [
                compiler,
                "-O2",
                "-g1",
                "-w",
                "-c",
                str(here / "driver.c"),
                "-o",
                str(parts["driver"]),
            ],
            [compiler, *SANITIZE, *map(str, parts.values())],
        ],
    )


def _once(target: Path, commands: list[list[str]]) -> Path:
    """Run the commands, the last one with `-o`, unless the target is there."""
    if not target.exists():
        unfinished = target.with_name(f"unfinished-{os.getpid()}")
        commands[-1] += ["-o", str(unfinished)]
        for command in commands:
            natives.run(*command)
        unfinished.replace(target)
    return target


@dataclass(frozen=True)
class Outcome:
    """What came of fuzzing a target: `runs`, what was `covered`, and the `finding`, "" if none."""

    target: Target
    runs: int
    covered: int
    finding: str


def fuzz(
    program: Path, target: Target, corpus: Path, seconds: float, seed: int = 1, runs: int = -1
) -> Outcome:
    """Run a target from its corpus; a finding's input is left beside it as TARGET-crash."""
    done = subprocess.run(
        [
            str(program),
            f"-max_total_time={max(1, round(seconds))}",
            f"-seed={seed}",
            f"-runs={runs}",
            "-max_len=4096",
            "-timeout=20",
            "-rss_limit_mb=2048",
            f"-artifact_prefix={corpus.parent}/{target.name}-",
            str(corpus),
        ],
        env={**os.environ, **ENVIRONMENT, "FUZZ_TARGET": target.words},
        capture_output=True,
        check=False,
        timeout=seconds * 20 + 300,
    )
    said = (done.stdout + done.stderr).decode(errors="replace")
    return Outcome(target, *_counts(said), "" if done.returncode == 0 else _finding(said))


def _finding(said: str) -> str:
    """What is worth reading of a failure: from the first complaint on, and where the input is."""
    start = re.search(r"^.*(?:\w\.[hc]:\d+: |runtime error|ERROR: ).*$", said, re.MULTILINE)
    where = re.search(r"^.*(?:Test unit written to|the input is in).*$", said, re.MULTILINE)
    complaint = said[start.start() :][:2500] if start else said[-2500:]
    return f"{complaint}\n{where[0] if where else 'no input was left'}\n"


def _counts(said: str) -> tuple[int, int]:
    """(runs, edges or blocks covered), by either fuzzer."""
    last = said.splitlines()[-1] if said else ""
    if last.startswith("{"):
        counts = json.loads(last)
        return counts["runs"], counts["edges"]
    runs = re.findall(r"^Done (\d+) runs", said, re.MULTILINE)
    covered = re.findall(r"cov: (\d+)", said)
    return int(runs[-1]) if runs else 0, int(covered[-1]) if covered else 0
