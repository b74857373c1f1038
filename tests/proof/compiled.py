"""Compiling C files against the contract header, in a throw-away folder."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.proof.header import INCLUDE

WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-function")


def build(compiler: str, source: Path, target: Path, *options: str) -> Path:
    """Compile, warnings being errors; the compiler's words are in the failure."""
    return run_compiler(
        [compiler, *WARNINGS, f"-I{INCLUDE}", *options, "-o", str(target), str(source)], target
    )


def run_compiler(command: Sequence[str], target: Path) -> Path:
    """What the command makes."""
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, f"{' '.join(command)}\n{run.stderr}"
    return target


def disassemble(objdump: str, target: Path) -> dict[str, list[str]]:
    """Instructions of each function, in one spacing, without comments."""
    run = subprocess.run(
        [objdump, "-d", "--no-show-raw-insn", str(target)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    functions: dict[str, list[str]] = {}
    code: list[str] = []
    for line in run.stdout.splitlines():
        if (head := re.fullmatch(r"[0-9a-f]+ <(\w+)>:", line)) is not None:
            code = functions.setdefault(head[1], [])
        elif (found := re.match(r"\s+[0-9a-f]+:\s+(.*)", line)) is not None:
            code.append(" ".join(re.split(r"//|#", found[1])[0].split()))
    return functions
