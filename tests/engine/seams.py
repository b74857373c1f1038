"""Engines with the decoder of seams.c: sessions that count, channels by number, levels by id."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from feedhandler.engine import _engine as native
from tests.kit.natives import ROOT, headers, library

from . import support


@cache
def decoder() -> native.Decoder:
    """The library is built anew when a header has changed."""
    texts = b"".join(path.read_bytes() for path in headers())
    found = ctypes.CDLL(
        str(
            library(
                Path(__file__).parent / "seams.c", f"-I{ROOT}", f"-I{ROOT}/shm/include",
                "-std=gnu11", "-Wno-unused-function", f"-DOF_THESE_TEXTS={zlib.crc32(texts)}u",
            )
        )
    )  # fmt: skip
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    at = ctypes.addressof(ctypes.c_char.in_dll(found, "seams"))
    size = ctypes.c_ulonglong.in_dll(found, "seams_engine_bytes").value
    _kept.append(found)
    return native.Decoder(capsule(at, b"feedhandler.decoder", None), size)


_kept: list[ctypes.CDLL] = []


@contextmanager
def engine(**options: Any) -> Iterator[native.Engine]:
    options.setdefault("rule", native.RULE_NONE)
    options.setdefault("base", native.BASE_STREAM)
    with support.engine("okx", decoder=decoder(), checksum=None, **options) as e:
        yield e


def frame(**keys: object) -> bytes:
    return support.compact(keys)


def book(symbol: str, kind: str, *levels: tuple[int, str, object, object], **keys: object) -> bytes:
    return frame(s=symbol, k=kind, l=levels, **keys)
