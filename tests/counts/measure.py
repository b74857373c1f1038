"""Instructions of the hot paths, counted by callgrind, against those that are committed.

Counts repeat to the last instruction where seconds do not: the input is fixed, the clock follows
one line, and the C library is told to take the same routines on every processor. They are those of
one compiler: another one's differ by more than any tolerance that would still show a mistake, so
that `counts.json` keeps them by compiler and architecture, and says nothing about others.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import setup
from tests.counts.frames import paths
from tests.kit import natives, tools

Counts = Mapping[str, float]  #: path -> instructions of a frame (or read)

TOLERANCE = 0.03
RENEW = "python -m tests.counts --renew"
COMMITTED = Path(__file__).with_name("counts.json")
_SOURCES = [Path(__file__).with_name("paths.c")]
_VALGRIND_S = 120
# Or the processor decides which routines of the C library run.
_FEATURES = ("AVX512F", "AVX512VL", "AVX512BW", "AVX2", "AVX", "BMI2", "RTM", "ERMS", "FSRM",
             "SSE4_2", "SSE4_1", "SSSE3")  # fmt: skip
_PLAIN = "glibc.cpu.hwcaps=" + ",".join(f"-{feature}" for feature in _FEATURES)


@dataclass(frozen=True)
class Change:
    """`by`: 0.05 are 5 % more instructions."""

    path: str
    before: float
    now: float

    @property
    def by(self) -> float:
        """Relative."""
        return self.now / self.before - 1

    def __str__(self) -> str:
        return f"{self.path}: {self.before:,.0f} -> {self.now:,.0f} instructions ({self.by:+.1%})"


def missing() -> str:
    """Why nothing can be counted here; empty if it can."""
    return tools.missing("valgrind")


def toolchain() -> str:
    """The compiler and the architecture: "gcc 12.2 x86_64"."""
    macros = natives.run(*natives.compiler().split(), "-dM", "-E", "-x", "c", os.devnull)
    known = dict(re.findall(r"^#define (\w+) (\d+)$", macros, re.MULTILINE))
    kind = ("clang", "__clang_major__", "__clang_minor__")
    if kind[1] not in known:
        kind = ("gcc", "__GNUC__", "__GNUC_MINOR__")
    return f"{kind[0]} {known[kind[1]]}.{known[kind[2]]} {platform.machine()}"


def build(*more: str) -> Path:
    """The program, with the options of the native module, and `more`."""
    command = [*natives.compiler().split(), *setup.FLAGS,
               *(f"-I{natives.ROOT / path}" for path in setup.INCLUDE), *more]  # fmt: skip
    version = natives.run(*natives.compiler().split(), "--version")
    target = natives.place("counts", _SOURCES, natives.headers(), version, *command) / "paths"
    if not target.exists():
        unfinished = target.with_suffix(f".{os.getpid()}")
        natives.run(*command, "-o", str(unfinished), *map(str, _SOURCES))
        unfinished.replace(target)
    return target


def counted(extra: int = 0, path: str = "", options: Sequence[str] = ()) -> dict[str, float]:
    """Every path's instructions of a frame; `extra` are added to those of `path`, or of all.

    `options`: of the compiler, beside the usual ones.
    """
    program = build(*options)
    with TemporaryDirectory(prefix="feedhandler-counts-") as folder:
        given, out = Path(folder, "frames"), Path(folder, "callgrind")
        given.write_text("".join(f"{line}\n" for one in paths() for line in one.lines()))
        done = subprocess.run(
            [
                "valgrind", "--tool=callgrind", "--toggle-collect=measured",
                "--dump-after=measured", f"--callgrind-out-file={out}",
                str(program), str(given), str(extra), *([path] if path else []),
            ],
            capture_output=True, text=True, timeout=_VALGRIND_S, check=False,
            env=os.environ | {"GLIBC_TUNABLES": _PLAIN},
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"callgrind: {done.stderr.strip()[-2000:]}")
        found = {}
        for number, line in enumerate(done.stdout.splitlines(), 1):
            name, _, frames = line.partition("\t")
            total = re.search(r"^totals: (\d+)$", Path(f"{out}.{number}").read_text(), re.MULTILINE)
            assert total is not None, f"callgrind has no count of {name}"
            found[name] = round(int(total[1]) / int(frames), 1)
        return found


def committed() -> dict[str, dict[str, float]]:
    """By toolchain."""
    if not COMMITTED.exists():
        return {}
    found: dict[str, dict[str, float]] = json.loads(COMMITTED.read_text())
    return found


def renew(counts: Counts) -> None:
    """Commit to these, for this toolchain."""
    found = committed()
    found[toolchain()] = dict(counts)
    COMMITTED.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


def changes(before: Counts, now: Counts) -> list[Change]:
    """Of every path that both have."""
    return [Change(path, before[path], now[path]) for path in now if path in before]


def complaint(before: Counts, now: Counts, tolerance: float = TOLERANCE) -> str:
    """What is wrong with the counts of `now`, and what to do; empty: nothing.

    More instructions are wrong, and so are paths that only one of both has.
    """
    lines = [str(one) for one in changes(before, now) if one.by > tolerance]
    lines += [f"{path}: {now[path]:,.0f} instructions, never counted before"
              for path in now if path not in before]  # fmt: skip
    lines += [f"{path}: is not counted any more" for path in before if path not in now]
    if not lines:
        return ""
    return (
        f"hot paths take over {tolerance:.0%} more instructions than {COMMITTED.name} says:\n  "
        + "\n  ".join(lines)
        + f"\nIf that is worth it: {RENEW}, and say why in the commit."
    )
