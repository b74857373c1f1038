"""Second builds of the native modules, with other options, kept between runs of the tests.

The C file that Cython made is taken where the build in place left it, or made anew. What is built
lies in pytest's cache by a hash of all that went into it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

import setup

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".pytest_cache" / "natives"
MODULES = {
    module: module.replace(".", "/")
    for module in (
        *("shm._native", "shm._arrow", "shm.recording._books", "feedhandler.engine._engine"),
        "feedhandler.mirror._mirror",
        *(f"feedhandler.export.{name}" for name in ("_mirror", "_order", "_text", "_tickers")),
    )
}
_ROOMS = ("shm", "feedhandler", "tests")


def _sources(suffixes: tuple[str, ...], root: Path = ROOT) -> list[Path]:
    """What is included by a native module, or may be."""
    found = [path for room in _ROOMS for path in (root / room).rglob("*")]
    return sorted(path for path in found if path.suffix in suffixes)


def compiler() -> str:
    """The system's C compiler; the test is skipped where there is none."""
    found = os.environ.get("CC") or "cc"
    if shutil.which(found.split()[0]) is None:
        pytest.skip(f"{found} is not installed (apt-get install gcc)")
    return found


def run(*command: str, timeout: float = 600, cwd: Path = ROOT) -> str:
    """Standard output of a command that must succeed; its words are in the failure."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False, cwd=cwd
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def generated(module: str) -> Path:
    """The C file of a native module."""
    source = ROOT / module.replace(".", "/")
    ours, pyx = source.with_suffix(".c"), source.with_suffix(".pyx")
    parts = [path for name in setup.needs(pyx) if (path := ROOT / name).suffix in (".pxd", ".pxi")]
    newest = max(path.stat().st_mtime for path in [pyx, *parts])
    if ours.exists() and ours.stat().st_mtime >= newest:
        return ours
    if importlib.util.find_spec("Cython") is None:
        pytest.skip(f"{ours.name} is older than its source, and Cython is not installed")
    target = place("cython", pyx, _sources((".pyx", ".pxi", ".pxd"))) / ours.name
    if not target.exists():
        run(sys.executable, "-m", "cython", str(pyx), "-o", str(target))
    return target


def headers(root: Path = ROOT) -> list[Path]:
    """Every header that native code may include."""
    return _sources((".h",), root)


def place(what: str, *inputs: object) -> Path:
    """A folder by the hash of strings and files (of lists of them, too)."""
    digest = hashlib.sha256()
    for one in inputs:
        for item in one if isinstance(one, list) else [one]:
            digest.update(item.read_bytes() if isinstance(item, Path) else str(item).encode())
            digest.update(b"\0")
    folder = CACHE / f"{what}-{digest.hexdigest()[:20]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def build(module: str, *options: str, tree: Path = ROOT) -> Path:
    """The shared object of a native module compiled with `options` (`-O1`, `-D...`). `tree`: where
    the headers are, and the module's C file."""
    source = generated(module) if tree == ROOT else (tree / MODULES[module]).with_suffix(".c")
    command = [
        *compiler().split(), "-shared", "-fPIC", *setup.FLAGS, "-w",
        *(f"-I{tree / path}" for path in setup.INCLUDE), f"-I{(tree / MODULES[module]).parent}",
        f"-I{sysconfig.get_path('include')}", *options,
    ]  # fmt: skip
    version = run(*compiler().split(), "--version")
    folder = place(module, source, headers(tree), version, *command, sys.version)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    target = folder / f"{module.rpartition('.')[2]}{suffix}"
    if not target.exists():
        unfinished = target.with_suffix(f".{os.getpid()}")
        run(*command, "-o", str(unfinished), str(source))
        unfinished.replace(target)
    return target


def edited(module: str, path: str, edits: Mapping[str, str]) -> Path:
    """A tree with the C file and all headers of a native module, one of which is edited: each text,
    which is there once, is replaced by another."""
    text = (ROOT / path).read_text()
    for old, new in edits.items():
        assert text.count(old) == 1, f"{path} has {text.count(old)} times: {old}"
        text = text.replace(old, new)
    tree = place("edited", generated(module), headers(), path, text)
    if not (tree / "whole").exists():
        for header in headers():
            copy = tree / header.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(header, copy)
        (tree / path).write_text(text)
        shutil.copyfile(generated(module), (tree / MODULES[module]).with_suffix(".c"))
        (tree / "whole").touch()
    return tree


def library(source: Path, *options: str) -> Path:
    """A shared library of one C file."""
    command = [*compiler().split(), "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", *options]
    target = place("library", source, *command) / f"{source.stem}.so"
    if not target.exists():
        unfinished = target.with_suffix(f".{os.getpid()}")
        run(*command, "-o", str(unfinished), str(source))
        unfinished.replace(target)
    return target
