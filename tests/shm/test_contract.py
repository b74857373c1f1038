"""The header is the contract: what is made of it, and what may not be done beside it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from enum import IntEnum, IntFlag
from pathlib import Path

import numpy as np
import pytest

from shm import _native, names
from tests.kit.tools import need

ROOM = Path(names.__file__).parent
HEADER = (ROOM / "include" / "feedhandler_shm.h").read_text()


def fnv(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & (1 << 64) - 1
    return value


def test_the_hash_is_of_the_layout_text() -> None:
    assert fnv(_native.layout_text()) == _native.LAYOUT_HASH


@pytest.mark.parametrize("structure", sorted(_native.DTYPES))
def test_fields_fill_a_structure_without_holes_or_overlaps(structure: str) -> None:
    dtype = _native.DTYPES[structure]
    assert dtype.fields is not None
    end = 0
    for name in dtype.names or ():
        kind, offset = dtype.fields[name][:2]
        assert offset == end, name
        end += kind.itemsize
    assert end == dtype.itemsize


def test_an_event_is_a_slot_with_its_sequence() -> None:
    slot, event = _native.DTYPES["slot"], _native.EVENT
    assert slot.fields is not None
    assert event.fields is not None
    for name in slot.names or ():
        there = "sequence" if name == "stamp" else name
        assert event.fields[there][1] == slot.fields[name][1]
    assert event.itemsize == slot.itemsize


def test_the_stub_says_what_the_header_says() -> None:
    stub = ast.parse((ROOM / "names.pyi").read_text())
    said = {
        node.name: {
            item.targets[0].id: ast.literal_eval(item.value)
            for item in node.body
            if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)
        }
        for node in stub.body
        if isinstance(node, ast.ClassDef)
    }
    made = {
        name: {member: int(value) for member, value in enum.__members__.items()}
        for name, enum in vars(names).items()
        if isinstance(enum, type) and issubclass(enum, IntEnum | IntFlag) and enum.__members__
    }
    assert said == made


def test_every_kind_of_the_header_is_known() -> None:
    table = HEADER[HEADER.index("#define FH_KINDS") : HEADER.index("#define FH_STATES")]
    written = {name: int(value) for name, value in re.findall(r"F\((\w+), (\d+)\)", table)}
    assert written == {kind.name: kind.value for kind in names.Kind}


def test_shared_words_are_never_copied_as_bytes() -> None:
    """memcpy and memset are for private memory; the header itself needs them once, for that."""
    assert re.findall(r"mem(?:cpy|move|set)\([^;]*;", HEADER) == ["memset(w, 0, sizeof *w);"]
    for path in ROOM.glob("*.pxi"):
        if path.name in ("object_layout.pxi", "writer.pxi"):
            continue  # it fills an object that nobody can have mapped yet
        for call in re.findall(r"memcpy\(([^)]*)\)", path.read_text()):
            assert not re.search(r"segment|base|control|ring_", call), call


def test_stamps_are_touched_by_atomics_only() -> None:
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)
    assert re.findall(r"(?:->|\.)stamp\b[^;]*;", code) == ["->stamp = stamp;"]  # a private copy


def test_importing_costs_numpy_and_posix_ipc_only() -> None:
    code = "import sys, shm; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOM.parent
    ).stdout.split()
    foreign = {"aiohttp", "picows", "uvloop", "feedhandler", "cli", "orjson", "msgspec"}
    assert not foreign & {name.partition(".")[0] for name in loaded}
    assert not {"asyncio", "socket", "ssl", "concurrent.futures", "multiprocessing"} & set(loaded)


def test_the_header_stands_alone(tmp_path: Path) -> None:
    source = tmp_path / "alone.c"
    source.write_text('#include "feedhandler_shm.h"\nint main(void) { return 0; }\n')
    for compiler, standard in (("gcc", "-std=c11"), ("g++", "-std=c++17")):
        language = ["-x", "c++"] if compiler == "g++" else []
        command = [compiler, standard, "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
        command += [f"-I{ROOM / 'include'}", *language, str(source), "-o", str(tmp_path / "a")]
        need(compiler)
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_geometry_of_a_big_venue_stays_small() -> None:
    regions, total = _native.geometry(2000, 50, 1 << 17, 64)
    assert total < 60 << 20
    assert regions["ring"][0] % 4096 == 0
    assert all(offset % 128 == 0 for offset, _, _ in regions.values())
    assert total == regions["ring"][0] + regions["ring"][1] * regions["ring"][2]
    assert np.dtype("u8").itemsize * 8 == regions["ring"][1]
