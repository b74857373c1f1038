"""The points are in the tests' build only, and none of the header's words goes past them."""

from __future__ import annotations

import re
from pathlib import Path

import shm._native
from tests.kit.tools import need
from tests.proof.compiled import build, disassemble
from tests.proof.header import HEADER, source
from tests.torture.instrumented import build_with_points

PROBE = Path(__file__).parents[1] / "proof" / "probe.c"
_BLOCK = re.compile(r"#ifdef FH_KILL_POINTS\n.*?#else\n(.*?)#endif\n", re.DOTALL)
_WORD = re.compile(r"__atomic_(?!thread_fence|signal_fence)\w+|\bsyscall\(")


def test_the_shipped_module_has_none() -> None:
    shipped = Path(shm._native.__file__).read_bytes()
    assert b"fh_points" not in shipped
    assert b"fh_points" in build_with_points().read_bytes()


def test_the_flag_changes_nothing_where_it_is_not_given(tmp_path: Path) -> None:
    """The object code is that of the header without the block for the tests."""
    need("cc", "objdump")
    text = HEADER.read_text()
    without = tmp_path / "without"
    without.mkdir()
    (without / HEADER.name).write_text(_BLOCK.sub(r"\1", text))
    assert "KILL_POINTS" not in _BLOCK.sub("", source())
    options = ("-std=gnu11", "-O3", "-c")
    shipped = build("cc", PROBE, tmp_path / "with.o", *options)
    plain = build("cc", PROBE, tmp_path / "without.o", f"-iquote{without}", *options)
    assert disassemble("objdump", shipped) == disassemble("objdump", plain)


def test_every_word_is_a_point() -> None:
    """Outside the block that the flag replaces the header has no atomic access and no system call
    of its own, so that none can be without a point."""
    code = source()
    block = _BLOCK.search(code)
    assert block is not None
    words = set(re.findall(r"#define (\w+)\(", block[1]))
    assert words == {
        "FH_LOAD", "FH_LOAD_ACQUIRE", "FH_STORE", "FH_STORE_RELEASE", "FH_SWAP", "FH_FUTEX",
        "FH_NAP",
    }  # fmt: skip
    assert _WORD.findall(block[1])
    assert _WORD.findall(_BLOCK.sub("", code)) == []
    points = (Path(__file__).with_name("points.h")).read_text()
    assert words == set(re.findall(r"#define (FH_(?!POINT)[A-Z_]+)\((?:p|word|time)\b", points))
