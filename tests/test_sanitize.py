"""The sanitized build: it is what is imported, its findings are seen, and there are none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.natives import MODULES, ROOT, library
from tests.sanitize import FLAGS, TESTS, environment


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment(tmp_path_factory.mktemp("site"))


def python(
    sanitized: dict[str, str], *arguments: str, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """An interpreter that imports the sanitized modules, run to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=sanitized, cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout,
    )  # fmt: skip


@pytest.mark.soak
def test_the_sanitized_modules_are_those_that_are_imported(sanitized: dict[str, str]) -> None:
    code = f"import importlib; [print(importlib.import_module(m).__file__) for m in {MODULES}]"
    done = python(sanitized, "-c", code)
    assert done.returncode == 0, done.stderr
    places = done.stdout.split()
    assert len(places) == len(MODULES)
    for place in places:
        assert b"__asan_init" in Path(place).read_bytes()


OVERFLOW = """
#include <stdlib.h>
int beyond(int size, int index) {
    char *memory = malloc(size);
    int found = memory[index];
    free(memory);
    return found;
}
int shifted(int by) { return 1 << by; }
"""


@pytest.mark.soak
@pytest.mark.parametrize(
    ("call", "finding"),
    [("beyond(8, 8)", "heap-buffer-overflow"), ("shifted(40)", "shift exponent 40")],
)
def test_a_mistake_would_be_seen(
    sanitized: dict[str, str], tmp_path: Path, call: str, finding: str
) -> None:
    source = tmp_path / "mistakes.c"
    source.write_text(OVERFLOW)
    code = f"import ctypes; ctypes.CDLL({str(library(source, *FLAGS))!r}).{call}"
    done = python(sanitized, "-c", code)
    assert done.returncode != 0
    assert finding in done.stderr


@pytest.mark.soak
@pytest.mark.parametrize("tests", TESTS)
def test_no_findings(sanitized: dict[str, str], tests: str) -> None:
    """The tests of the native modules pass on the sanitized build."""
    done = python(sanitized, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests, timeout=3600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
