"""The bytes of the shared memory do not move without a version change."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from shm import _native
from tests.kit.tools import need
from tests.proof import abi
from tests.proof.header import HEADER


@pytest.fixture(scope="module")
def now() -> str:
    need("cc")
    return abi.text()


def _changed(now: str, place: Path, old: str, new: str) -> str:
    """The golden text of a header that was edited."""
    source = HEADER.read_text()
    assert source.count(old) >= 1, f"the header has no {old!r}"
    (place / HEADER.name).write_text(source.replace(old, new))
    edited = abi.text(place)
    assert edited != now
    return edited


def test_the_contract_is_the_blessed_one(now: str) -> None:
    golden = abi.GOLDEN.read_text()
    wrong = abi.compare(golden, now)
    lines = difflib.unified_diff(
        golden.splitlines(), now.splitlines(), "blessed", "now", lineterm="", n=1
    )
    assert wrong is None, wrong + "\n" + "\n".join(lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("F(u32, publish_delta_ns, 56) ", "F(u32, publish_lag_ns, 56) "),
        ("F(TRADE, 3) ", "F(TRADE, 33) "),
        ("#define FH_CELL_HEAD 64", "#define FH_CELL_HEAD 128"),
        ("F(i64, size, 48) ", "F(u64, size, 48) "),
        ("F(f64, gamma, 168) F(f64, vega, 176)", "F(f64, vega, 168) F(f64, gamma, 176)"),
    ],
    ids=["renamed", "renumbered", "constant", "retyped", "moved"],
)
def test_a_change_without_a_version_is_refused(
    now: str, tmp_path: Path, old: str, new: str
) -> None:
    wrong = abi.compare(now, _changed(now, tmp_path, old, new))
    assert wrong is not None
    assert "the contract changed but its version" in wrong
    assert "--bless" in wrong


def test_a_new_version_has_to_be_blessed(now: str, tmp_path: Path) -> None:
    edited = _changed(now, tmp_path, "#define FH_VERSION_MINOR ", "#define FH_VERSION_MINOR 1")
    wrong = abi.compare(now, edited)
    assert wrong is not None
    assert "is not blessed yet" in wrong


def test_c_and_python_agree(now: str) -> None:
    assert f"layout_hash {_native.LAYOUT_HASH:#018x}" in now
    assert now.rstrip().endswith(_native.layout_text())
    assert abi.version(now) == "version {}.{}".format(*_native.VERSION)
    for structure, dtype in _native.DTYPES.items():
        assert f"struct {structure} {dtype.itemsize} bytes" in now


def test_c_and_cpp_agree(now: str) -> None:
    need("c++")
    assert abi.text(cpp=True) == now


def test_fields_fill_their_structures_without_holes(now: str) -> None:
    """Every byte has a name, so that a new field cannot land on one that readers skip."""
    sizes = {
        "u8": 1,
        "i8": 1,
        "u16": 2,
        "u32": 4,
        "u64": 8,
        "i64": 8,
        "f64": 8,
        "i8x8": 8,
        "f64x12": 96,
        "u64x12": 96,
    }
    sizes |= {"region": 16, "counters": 8 * _native.DTYPES["header"]["counters"].shape[0]}
    for structure, fields in _native.layout().items():
        at = 0
        for name, kind, offset in fields:
            assert offset == at, f"{structure}.{name} is at {offset}, not {at}"
            found = re.fullmatch(r"char(\d+)", kind)
            at += int(found[1]) if found else sizes[kind]
        assert at == _native.DTYPES[structure].itemsize, structure
    assert "struct slot 64 bytes" in now
