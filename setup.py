"""Builds the native modules. What there is to build is found: a new package needs no line here.

    python setup.py build_ext --inplace                              here, what has changed
    FEEDHANDLER_BUILD=sanitize python setup.py build_ext --inplace   with other flags: `MODES`

What is sanitized is imported with LD_PRELOAD="$(cc -print-file-name=libasan.so)", as
`tests.sanitize` does. Tests import `FLAGS` and the functions, also where there is no setuptools.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).resolve().parent
PACKAGES = ("feedhandler", "shm")  # feedhandler/cli is a link to cli/
DATA = ("py.typed", "*.pyi", "*.h", "[a-z]*.c", "*.cmake", "*.pc", "*.html", "*.css", "*.js")
# _*.c is Cython's
#: the words of a command line that compile
BUILDS = {"build", "build_ext", "bdist_wheel", "editable_wheel", "install", "develop"}
INCLUDE = (".", "shm/include")
FLAGS = ("-std=gnu11", "-O3", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Wno-unused-function")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
MODES = {"": (), "debug": ("-O0", "-g3"), "sanitize": ("-O1", "-g1", *SANITIZERS)}

CURE = (
    "install a C compiler, its C library's headers and those of this Python (Debian, Ubuntu: "
    "apt install gcc libc6-dev python3-dev), name a compiler (CC=...), or take a wheel, which "
    "needs none"
)

_QUOTED = re.compile(r'^\s*(?:#\s*include|include|cdef extern from)\s*"([^"]+)"', re.MULTILINE)
_CIMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+)?cimport\s+(.+)", re.MULTILINE)


def modules() -> dict[str, Path]:
    """Every native module and its source, by name."""
    found = [path.relative_to(ROOT) for room in PACKAGES for path in (ROOT / room).rglob("*.pyx")]
    return {".".join(path.with_suffix("").parts): path for path in sorted(found)}


def needs(source: Path) -> list[str]:
    """The files of this house that a module is made of, besides its source."""
    found: set[Path] = set()
    new = {ROOT / source}
    while new:
        found |= new
        new = {path.resolve() for file in new for path in named(file)} - found
    return sorted(path.relative_to(ROOT).as_posix() for path in found - {ROOT / source})


def work(source: Path) -> int:
    """How long a module takes to build, beside others: the bytes that it is made of."""
    return sum(path.stat().st_size for path in (ROOT / source, *map(ROOT.joinpath, needs(source))))


def named(file: Path) -> Iterator[Path]:
    """The files that one includes or cimports."""
    text = file.read_text()
    for name in _QUOTED.findall(text):
        places = [folder / name for folder in (file.parent, *(ROOT / path for path in INCLUDE))]
        yield from [path for path in places if path.is_file()][:1]
    modules = [file.with_suffix("")] if file.suffix == ".pyx" else []
    for package, names in _CIMPORT.findall(text):
        modules += [_place(file, package)] if package else []
        modules += [_place(file, package, name) for name in re.findall(r"[\w.]+", names)]
    for path in modules:
        declared = (path.with_name(f"{path.name}.pxd"), path / "__init__.pxd")
        yield from (path for path in declared if path.is_file())


def _place(file: Path, package: str, name: str = "") -> Path:
    """Where a dotted name leads from there: dots in front are folders upwards."""
    inner = package.lstrip(".")
    up = len(package) - len(inner)
    return (file.parents[up - 1] if up else ROOT).joinpath(*f"{inner}.{name}".strip(".").split("."))


def stamp(flags: str) -> str:
    """A file that is as old as these flags: what was built with others is built again."""
    path = ROOT / "build" / "flags"
    if not path.exists() or path.read_text() != flags:
        path.parent.mkdir(exist_ok=True)
        path.write_text(flags)
    return path.relative_to(ROOT).as_posix()


def find_compiler() -> str:
    """The one that is named, Python's own, or another that there is."""
    named = os.environ.get("CC")
    own = str(sysconfig.get_config_var("CC") or "cc")
    for compiler in (named,) if named else (own, "cc", "gcc", "clang"):
        if shutil.which((shlex.split(compiler) or [""])[0]):
            return compiler
    raise SystemExit(f"feedhandler: no C compiler ({named or own}): {CURE}")


def check_compiler() -> None:
    """End with one line and a cure, before pages of what a compiler's absence leads to."""
    compiler = os.environ["CC"] = find_compiler()
    include = sysconfig.get_path("include")
    if not Path(include, "Python.h").is_file():
        raise SystemExit(f"feedhandler: {include}/Python.h is missing: {CURE}")
    command = [*shlex.split(compiler), "-fsyntax-only", f"-I{include}", "-x", "c", "-"]
    code = "#include <Python.h>\n#include <sys/mman.h>\n"
    tried = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    if tried.returncode:
        said = [line for line in tried.stderr.splitlines() if "error" in line] or [compiler]
        raise SystemExit(f"feedhandler: cannot compile with Python.h ({said[0]}): {CURE}")


class Progress:
    """Says which module is being built, of how many, to a file that somebody follows
    (FEEDHANDLER_PROGRESS): pip shows nothing of a build that succeeds."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._begun = 0
        self._path = os.environ.get("FEEDHANDLER_PROGRESS", "")
        self._lock = Lock()

    def begins(self, name: str) -> None:
        with self._lock:  # several are built at once
            self._begun += 1
            if self._path:
                with Path(self._path).open("a") as file:
                    file.write(f"native module {self._begun} of {self._count}: {name}\n")


if __name__ == "__main__":
    from setuptools import Extension, find_namespace_packages, setup
    from setuptools.command.build_ext import build_ext

    progress = Progress(len(modules()))

    class BuildAll(build_ext):  # type: ignore[misc]
        """Several at once, and with a word on each."""

        def finalize_options(self) -> None:
            super().finalize_options()
            if not self.parallel:
                self.parallel: int | None = len(os.sched_getaffinity(0))

        def build_extension(self, ext: Extension) -> None:
            progress.begins(ext.name)
            super().build_extension(ext)

    if sys.version_info < (3, 11):  # noqa: UP036 - an old pip does not look
        found = ".".join(map(str, sys.version_info[:2]))
        raise SystemExit(f"feedhandler: this is Python {found}; install it with 3.11 or newer")
    mode = os.environ.get("FEEDHANDLER_BUILD", "")
    if mode not in MODES:
        raise SystemExit(f"FEEDHANDLER_BUILD={mode}: is none of {', '.join(filter(None, MODES))}")
    if BUILDS.intersection(sys.argv):
        check_compiler()
    flags = [*FLAGS, *MODES[mode]]
    age = stamp(" ".join(flags))
    setup(
        cmdclass={"build_ext": BuildAll},
        packages=find_namespace_packages(
            include=[pattern for room in PACKAGES for pattern in (room, f"{room}.*")],
            exclude=["*.__pycache__"],
        ),
        package_data={"": list(DATA)},
        include_package_data=False,
        ext_modules=[
            Extension(
                name,
                [source.as_posix()],
                include_dirs=list(INCLUDE),
                depends=[age, *needs(source)],
                extra_compile_args=flags,
                extra_link_args=[flag for flag in flags if flag in SANITIZERS],
            )
            # the longest first: begun last, one would be waited for while the other cores idle
            for name, source in sorted(modules().items(), key=lambda one: -work(one[1]))
        ],
    )
