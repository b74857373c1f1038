"""A C and a C++ program that know nothing of this package but what it says of itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import shm
from shm import segment
from tests.kit.tools import need

PROGRAM = """
#include "feedhandler_attach.h"

int main(int argc, char **argv) {
    fh_feed feed;
    char why[FH_WHY_BYTES];
    if (argc != 3 || fh_attach(&feed, argv[1], argv[2], why) != FH_ATTACHED) return puts(why), 1;
    fh_quote quote;
    const fh_word *cell = fh_cell(&feed, &feed.plan.quotes, 0);
    if (fh_latch_read(cell, sizeof quote, (fh_word *)&quote, sizeof quote / 8)) return 2;
    printf("%g\\n", fh_value(quote.bid_price, quote.price_exponent));
    fh_detach(&feed);
    return 0;
}
"""
LISTS = """
cmake_minimum_required(VERSION 3.18)
project(strategy C CXX)
find_package(feedhandler REQUIRED)
foreach(language c cpp)
  add_executable(strategy_${language} strategy.${language})
  target_link_libraries(strategy_${language} PRIVATE feedhandler::shm)
endforeach()
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for language in ("c", "cpp"):
        (tmp_path / f"strategy.{language}").write_text(PROGRAM)
    return tmp_path


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(each) for each in command],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(program: Path, namespace: str) -> None:
    with segment.create("v", namespace=namespace, instruments=1, ring_slots=16) as owner:
        writer = owner.writer
        writer.directory_add({"symbol": "I0", "price_exponents": [-2] * 8})
        writer.quote_store(0, {"bid_price": 1234, "price_exponent": -2, "state": shm.State.LIVE})
        assert run(program, namespace, "v") == "12.34\n"


def test_with_the_folder(source: Path, namespace: str) -> None:
    need("cc")
    run("cc", "-std=c11", f"-I{shm.get_include()}", source / "strategy.c", "-o", source / "a")
    check(source / "a", namespace)


def test_with_pkg_config(source: Path, namespace: str) -> None:
    need("c++", "pkg-config")
    flags = run(
        "pkg-config", "--cflags", "--libs", "feedhandler", PKG_CONFIG_PATH=shm.get_pkgconfig_dir()
    ).split()
    run("c++", "-std=c++17", source / "strategy.cpp", *flags, "-o", source / "a")
    check(source / "a", namespace)


def test_with_cmake(source: Path, namespace: str) -> None:
    need("cc", "c++", "cmake")
    (source / "CMakeLists.txt").write_text(LISTS)
    run("cmake", "-S", source, "-B", source / "b", f"-Dfeedhandler_DIR={shm.get_cmake_dir()}")
    run("cmake", "--build", source / "b")
    for language in ("c", "cpp"):
        check(source / "b" / f"strategy_{language}", namespace)


def test_the_version_is_the_packages() -> None:
    root = Path(__file__).parents[2]
    (version,) = [
        line.partition('"')[2].rstrip('"')
        for line in (root / "pyproject.toml").read_text().splitlines()
        if line.startswith("version = ")
    ]
    assert f"Version: {version}\n" in (Path(shm.get_pkgconfig_dir()) / "feedhandler.pc").read_text()
