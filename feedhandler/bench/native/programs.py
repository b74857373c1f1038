"""What the benchmarks have as programs in C: built by the system's compiler when it is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import shm

_HERE = Path(__file__).parent
_INCLUDE = Path(shm.__file__).parent / "include"
_FLAGS = ("-std=gnu11", "-O3", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Wno-unused-function")
_COMPILERS = ("cc", "gcc", "clang")
_TIMEOUT_S = 120


class NoProgram(RuntimeError):  # noqa: N818
    """The program cannot be built here; the text says why, and what to do."""


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Lives as long as this process."""
    return tempfile.TemporaryDirectory(prefix="feedhandler-bench-")


def scratch(name: str) -> Path:
    """A file in a folder that goes with this process."""
    return Path(_folder().name) / name


@cache
def build(name: str, *, tls: bool = False, preload: bool = False) -> Path:
    """Compile `name`.c of this folder; once a process. Raises NoProgram. `preload`: to be loaded
    into another program."""
    compiler = _compiler()
    target = scratch(f"{name}-tls" if tls else name)
    libraries = ("-DFLOOR_TLS", "-lssl", "-lcrypto") if tls else ()
    kind = ("-shared", "-fPIC") if preload else ()
    command = [
        compiler,
        *_FLAGS,
        *kind,
        f"-I{_INCLUDE}",
        "-o",
        str(target),
        str(_HERE / f"{name}.c"),
        *libraries,
        "-lpthread",
        "-lrt",
        "-ldl",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoProgram(f"{compiler}: {error}") from None
    if done.returncode:
        if tls and "openssl/" in done.stderr:
            raise NoProgram("no headers of OpenSSL: apt-get install libssl-dev, or openssl-devel")
        raise NoProgram(f"{compiler} {name}.c: {done.stderr.strip()[-300:]}")
    return target


def _compiler() -> str:
    named = os.environ.get("CC", "").split()
    for candidate in (*named[:1], *_COMPILERS):
        if found := shutil.which(candidate):
            return found
    raise NoProgram(f"no C compiler among {', '.join(_COMPILERS)}: apt-get install gcc")
