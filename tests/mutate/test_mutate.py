"""Mistakes that no test noticed once are noticed; the whole is `-m soak`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.mutate import c_rules, cython_rules, named, python_rules
from tests.mutate.mutant import ROOT, Mutant
from tests.mutate.report import EXPLAINED, explained, mutants
from tests.mutate.selections import SELECTIONS


def edits(found: list[Mutant]) -> set[str]:
    return {one.becomes for one in found}


def test_the_rules_for_c() -> None:
    source = "static int f(int a) {\n    if (a < 1 && g(a)) FH_STORE(x, 2);\n    FH_FENCE_FULL();\n"
    source += "    h(a);\n    return FH_LOAD_ACQUIRE(x);\n}\n"
    assert edits(c_rules.mutants("a.h", source)) == {
        "if (a <= 1 && g(a)) FH_STORE(x, 2);",
        "if (a < 2 && g(a)) FH_STORE(x, 2);",
        "if (a < 1 || g(a)) FH_STORE(x, 2);",
        "if (a < 1 && g(a)) ;",
        "if (a < 1 && g(a)) FH_STORE(x, 3);",
        ";",
        "h(a); FH_FENCE_FULL();",
        "return FH_LOAD(x);",
    }


def test_the_rules_for_cython() -> None:
    source = "cdef int f(self, int a) except -1:\n    if a is None or not b:\n        self.g(a)\n"
    source += "        h(a)\n    return a + 1\n\n\ndef k(a):\n    return a > 1\n"
    assert edits(cython_rules.mutants("a.pxi", source)) == {
        "if a is not None or not b:",
        "if a is None and not b:",
        "pass",
        "h(a) self.g(a)",
        "return a - 1",
        "return a >= 1",
        "return a > 2",
    }


def test_the_rules_for_python() -> None:
    source = "def f(a):\n    if a.b:\n        raise E\n    while 0 <= a < 2:\n"
    source += "        g(a)\n        h(a)\n"
    assert edits(python_rules.mutants("a.py", source)) == {
        "if (not (a.b)):",
        "pass",
        "while 1 <= a < 2:",
        "while 0 < a < 2:",
        "while 0 <= a <= 2:",
        "while 0 <= a < 3:",
        "h(a) g(a)",
    }


def test_all_files_of_the_selections_are_there() -> None:
    named = {
        *SELECTIONS,
        *(test.partition("::")[0] for tests in SELECTIONS.values() for test in tests),
    }
    assert not [path for path in sorted(named) if not (ROOT / path).is_file()]


def test_what_is_explained_is_there() -> None:
    there = {(one.file, one.name) for one in mutants()}
    gone = [name for name in explained() if name not in there]
    assert not gone, f"{EXPLAINED.name} has mutants that there are not: {gone}"


def run(*arguments: str, timeout: float) -> None:
    command = [sys.executable, "-m", "tests.mutate", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-3000:]


def test_mistakes_that_nobody_noticed_once_are_noticed() -> None:
    assert len(named.NAMED) == 10
    run("--named", timeout=300)


@pytest.mark.soak
def test_every_mistake_is_noticed_or_explained() -> None:
    run("--jobs", "2", timeout=7200)
