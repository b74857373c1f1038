"""What setup.py finds by itself: the files that each module is made of, and those to hand out."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import setup
from feedhandler.bench.native import programs
from tests.kit import natives

ROOT = natives.ROOT
MODULES = setup.modules()


def said_by_cython(source: Path) -> set[str]:
    """What `cython -M` writes behind the colon, without all that it compiles first."""
    tree = importlib.import_module("Cython.Build.Dependencies").create_dependency_tree()
    return ours(": " + " ".join(tree.all_dependencies(str(source))))


def need_setuptools() -> None:
    if importlib.util.find_spec("setuptools") is None or importlib.util.find_spec("Cython") is None:
        pytest.skip("setuptools or Cython is not installed (pip install -e .[dev])")


def ours(rule: str) -> set[str]:
    """The files of this tree that a rule of a makefile names after its colon."""
    words = re.split(r"[\s\\]+", rule.partition(":")[2])
    paths = {(ROOT / word).resolve() for word in words if word}
    return {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if path.is_relative_to(ROOT) and ".venv" not in path.parts
    }


def shipped() -> set[str]:
    """The files of the packages that git has, or would take: cli/ by the name of its link."""
    kept = ("git", "ls-files", "--cached", "--others", "--exclude-standard", *setup.PACKAGES, "cli")
    paths = {path for path in natives.run(*kept).split() if (ROOT / path).is_file()}
    return {f"feedhandler/{path}" if path.startswith("cli/") else path for path in paths}


def setup_py(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_built_again_for_these_headers_and_no_others(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compiler and Cython say the same."""
    need_setuptools()
    monkeypatch.chdir(ROOT)
    source, c = MODULES[module], natives.generated(module)
    cython = said_by_cython(source) - {source.as_posix()}
    include = [f"-I{path}" for path in (*setup.INCLUDE, source.parent)]
    python = f"-I{sysconfig.get_path('include')}"
    headers = natives.run(*natives.compiler().split(), "-MM", *include, python, str(c))
    assert set(setup.needs(source)) == cython | {
        path for path in ours(headers) if path.endswith(".h")
    }


def test_every_module_is_found() -> None:
    sources = {path for path in shipped() if path.endswith(".pyx")}
    assert {path.as_posix() for path in MODULES.values()} == sources


def test_what_is_built_has_all_but_the_sources_of_cython(tmp_path: Path) -> None:
    need_setuptools()
    assert not setup_py("build_py", f"--build-lib={tmp_path}")
    built = {
        path.relative_to(tmp_path).as_posix()
        for room in setup.PACKAGES
        for path in (tmp_path / room).rglob("*")
        if path.is_file()
    }
    assert built == {
        path for path in shipped() if Path(path).suffix not in (".pyx", ".pxi", ".pxd")
    }


def test_the_sources_that_are_handed_out_are_all_that_a_build_takes(tmp_path: Path) -> None:
    need_setuptools()
    assert not setup_py("egg_info", f"-e{tmp_path}")
    sources = (tmp_path / "feedhandler.egg-info" / "SOURCES.txt").read_text().split()
    needed = {*shipped(), "setup.py", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
    for folder in ("docs", "scripts"):
        needed |= set(natives.run("git", "ls-files", folder).split())
    assert needed - set(sources) == set()


def test_without_a_compiler_one_line_says_what_cures_it() -> None:
    need_setuptools()
    (line,) = setup_py("build_ext", CC="/nowhere/cc").splitlines()
    assert line.startswith("feedhandler: no C compiler (/nowhere/cc): install ")
    assert line.endswith(setup.CURE)


def test_without_the_headers_of_c_one_line_says_what_cures_it() -> None:
    """Debian's gcc comes without them where only what is needed is installed."""
    need_setuptools()
    (line,) = setup_py("build_ext", CC="cc -nostdinc").splitlines()
    assert "cannot compile with Python.h (" in line
    assert line.endswith(setup.CURE)


def test_an_old_python_is_told_so() -> None:
    need_setuptools()
    code = "import runpy, sys; sys.argv = ['setup.py', '--version']; sys.version_info = (3, 9, 2); "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}runpy.run_path('setup.py', run_name='__main__')"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == "feedhandler: this is Python 3.9; install it with 3.11 or newer\n"


def test_the_modules_that_take_longest_are_begun_first() -> None:
    most = sorted(MODULES.values(), key=setup.work)[-2:]
    assert {path.stem for path in most} == {"_engine", "_native"}


def test_what_was_built_with_other_flags_is_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    stamp = tmp_path / setup.stamp("-O3")
    os.utime(stamp, ns=(1, 1))
    setup.stamp("-O3")
    assert stamp.stat().st_mtime_ns == 1
    setup.stamp("-O0")
    assert stamp.stat().st_mtime_ns > 1


def test_an_unknown_way_to_build_is_refused() -> None:
    need_setuptools()
    assert "debug, sanitize" in setup_py("--version", FEEDHANDLER_BUILD="fast")


def test_programs_of_benchmarks_are_compiled_as_the_modules_are() -> None:
    assert programs._FLAGS == setup.FLAGS
