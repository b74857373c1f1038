"""What the C and C++ example readers refuse: damaged memory, strange objects, wrong use."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from shm import _native, dev_shm, object_names, segment
from tests.proof.test_readers import DEADLINE, VENUE
from tests.proof.test_readers import program as program
from tests.proof.test_readers import writing as writing


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("version_major", 9, b"version"),
        ("layout_hash", 1, b"layout"),
        ("total_bytes", 1 << 40, b"total_bytes"),
        ("book_depth", 0, b"book_depth"),
        ("epoch", 3, b"epoch"),
        ("magic", 5, b"ready"),
    ],
)
def test_a_damaged_header_is_refused(
    program: Path,
    namespace: str,
    writing: segment.WriterSegment,
    field: str,
    value: int,
    says: bytes,
) -> None:
    _damage(writing, field, value)
    _refused(program, namespace, says)


@pytest.mark.parametrize("region", ["directory", "quotes", "books", "ring"])
@pytest.mark.parametrize(
    ("part", "value"),
    [("offset", (1 << 64) - 64), ("offset", 0), ("stride", 0), ("count", (1 << 32) - 1)],
)
def test_a_damaged_region_is_refused(
    program: Path,
    namespace: str,
    writing: segment.WriterSegment,
    region: str,
    part: str,
    value: int,
) -> None:
    _damage(writing, region, value, part)
    _refused(program, namespace, region.encode())


@pytest.mark.parametrize(
    ("which", "mode", "says"),
    [("data", 0o646, b"mode"), ("data", 0o660, b"mode"), ("control", 0o660, b"control")],
)
def test_objects_that_others_may_write_are_refused(
    program: Path,
    namespace: str,
    writing: segment.WriterSegment,
    which: str,
    mode: int,
    says: bytes,
) -> None:
    path = writing.path if which == "data" else object_names.control_name(namespace, VENUE)
    (dev_shm.DIRECTORY / path[1:]).chmod(mode)
    _refused(program, namespace, says)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give files away")
def test_an_object_of_another_owner_is_refused(
    program: Path, namespace: str, writing: segment.WriterSegment
) -> None:
    os.chown(dev_shm.DIRECTORY / writing.path[1:], 65534, -1)
    _refused(program, namespace, b"owner")


@pytest.mark.parametrize("name", ["a/b", "../x", "%s%n", "ä", "", "x" * 49])
def test_an_odd_name_is_refused_at_once(program: Path, name: str) -> None:
    for arguments in ([VENUE, "--namespace", name], [name or "a b", "--namespace", "n"]):
        run = subprocess.run([str(program), *arguments], capture_output=True, timeout=DEADLINE)
        assert run.returncode == 2, run
        assert b"letters" in run.stderr


def _damage(writing: segment.WriterSegment, field: str, value: int, part: str = "") -> None:
    path = dev_shm.DIRECTORY / writing.path[1:]
    dtype = _native.DTYPES["header"]
    header = np.memmap(path, dtype=dtype, mode="r+", shape=(1,))
    if part:
        header[field][part] = value
    else:
        header[field] = value
    header.flush()


def _refused(program: Path, namespace: str, says: bytes) -> None:
    run = subprocess.run(
        [str(program), VENUE, "--namespace", namespace], capture_output=True, timeout=DEADLINE
    )
    assert run.returncode == 3, run
    assert says in run.stderr, run.stderr


def test_wrong_use_is_said(program: Path) -> None:
    run = subprocess.run([str(program), "--what"], capture_output=True, timeout=DEADLINE)
    assert run.returncode == 2
    assert b"VENUE" in run.stderr
