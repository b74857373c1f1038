"""The tests of the native modules, with these built under AddressSanitizer and
UndefinedBehaviorSanitizer.

    python -m tests.sanitize                     the tests of `TESTS`
    python -m tests.sanitize tests/engine -x     others; arguments go to pytest

The modules of `tests.kit.natives` are compiled anew into pytest's cache, which takes a minute or
two, and are imported from there by the tests and by every Python process that they start.
A finding ends the process that has it, with the report on standard error.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import setup
from tests.kit.natives import MODULES, ROOT, build, compiler, run

TESTS = (
    *("tests/shm", "tests/engine", "tests/capture/test_replay.py"),
    *(f"tests/export/test_{name}.py" for name in ("mirror", "of_recording", "order", "text")),
    *("tests/recording/test_books.py", "tests/recording/test_reader.py", "tests/mirror"),
)
FLAGS = setup.MODES["sanitize"]
SITE = """\
import importlib.util, sys
PLACES = {places!r}
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in PLACES:
            return importlib.util.spec_from_file_location(name, PLACES[name])
sys.meta_path.insert(0, Finder)
"""


def environment(site: Path) -> dict[str, str]:
    """For processes that import the sanitized modules: `site` gets a sitecustomize for them."""
    places = {module: str(build(module, *FLAGS)) for module in MODULES}
    (site / "sitecustomize.py").write_text(SITE.format(places=places))
    preload = run(*compiler().split(), "-print-file-name=libasan.so").strip()
    paths = [str(site), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "LD_PRELOAD": preload,
        # the interpreter itself leaks at its end; SIGBUS and SIGSEGV have handlers of the tests'
        "ASAN_OPTIONS": "detect_leaks=0:handle_sigbus=0:allow_user_segv_handler=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as site:
        command = [sys.executable, "-m", "pytest", "-q", *(sys.argv[1:] or TESTS)]
        return subprocess.run(
            command, env=environment(Path(site)), cwd=ROOT, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
