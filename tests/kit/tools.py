"""What tests take from the machine beyond Python, and why one of them cannot run without it.

A tool may be there by half: a cross compiler comes without the headers of its C library. Such a
one is tried, not only looked for. `.ci/tools` installs what is missing; CONTRIBUTING.md has the
table of all of it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from typing import Final

import pytest

#: Tool -> the Debian package that has it.
PACKAGES: Final = {
    "cc": "gcc",
    "gcc": "gcc",
    "c++": "g++",
    "g++": "g++",
    "objdump": "binutils",
    "cmake": "cmake",
    "pkg-config": "pkgconf",
    "rustc": "rustc",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "aarch64-linux-gnu-objdump": "gcc-aarch64-linux-gnu",
    "spin": "spin",
    "valgrind": "valgrind",
    "openssl": "openssl",
    "unshare": "util-linux",
    "ip": "iproute2",
    "tc": "iproute2",
    "tmux": "tmux",
    "zsh": "zsh",
    "fish": "fish",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}
#: Compiler -> the package with its C library's headers.
HEADERS: Final = {
    "cc": "libc6-dev",
    "gcc": "libc6-dev",
    "c++": "libc6-dev",
    "g++": "libc6-dev",
    "aarch64-linux-gnu-gcc": "libc6-dev-arm64-cross",
}
OLDEST_RUST: Final = (1, 70)
TRIAL: Final = b"#include <limits.h>\n#include <time.h>\nint main(void) { return 0; }\n"


@cache
def missing(*tools: str) -> str:
    """Why these tools cannot be used here, with the cure; empty if they can."""
    return next(filter(None, map(_wrong, tools)), "")


def _wrong(tool: str) -> str:
    if shutil.which(tool) is None:
        return f"{tool} is not installed (apt-get install {PACKAGES[tool]})"
    if tool in HEADERS:
        language = "c++" if tool.endswith("++") else "c"
        command = [tool, "-x", language, "-fsyntax-only", "-"]
        done = subprocess.run(command, input=TRIAL, capture_output=True, timeout=60)
        if done.returncode:
            said = next((line for line in done.stderr.decode().splitlines() if "error" in line), "")
            return f"{tool} is there by half (apt-get install {HEADERS[tool]}): {said}"
    if tool == "rustc":
        said = subprocess.run(
            [tool, "--version"], capture_output=True, text=True, timeout=60
        ).stdout
        found = re.search(r" (\d+)\.(\d+)", said)
        if found is None or (int(found[1]), int(found[2])) < OLDEST_RUST:
            return f"rustc 1.70 or newer is needed, this is {said.strip()}"
    return ""


def need_module(name: str, extra: str) -> None:
    """Skip, with the cure, where a package of an extra is missing. `.ci/run` has all of them."""
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed (pip install 'feedhandler[{extra}]')")


def need(*tools: str) -> None:
    """Skip the test, with the cure, where a tool is missing or there by half."""
    if why := missing(*tools):
        pytest.skip(why)


def needs(*tools: str) -> pytest.MarkDecorator:
    """`need`, as a mark."""
    why = missing(*tools)
    return pytest.mark.skipif(bool(why), reason=why)
