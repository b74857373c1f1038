"""The tables of docs/memory.md, made from the contract header, and the numbers of its version.

    python -m tests.proof.tables --write      renew docs/memory.md, and the version in reader.rs

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; NAME is that of a field list
(`FH_SLOT_FIELDS`) or of a vocabulary (`FH_KINDS`) of the header.
"""

from __future__ import annotations

import re
import sys

from tests.proof.header import HEADER, ROOT

DOCUMENT = ROOT / "docs" / "memory.md"
PROGRAM = ROOT / "scripts" / "examples" / "reader.rs"

_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ENTRY = re.compile(r"F\(([^()]*)\)\s*(?:/\*(.*?)\*/)?", re.DOTALL)
_SIZES = {
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
_SIZES |= {"region": 16, "counters": 512}


def entries(name: str) -> list[tuple[list[str], str]]:
    """The F(...) of a list of the header, each with the comment that follows it."""
    source = HEADER.read_text().replace("\\\n", "\n")
    found = re.search(rf"^#define {name}\(F\)(.*?)(?=^\s*$|^#)", source, re.DOTALL | re.MULTILINE)
    if found is None:
        raise KeyError(f"the header has no list {name}")
    return [
        ([part.strip() for part in entry[1].split(",")], " ".join((entry[2] or "").split()))
        for entry in _ENTRY.finditer(found[1])
    ]


def _size(kind: str) -> int:
    return int(kind[4:]) if kind.startswith("char") else _SIZES[kind]


def table(name: str) -> str:
    """A list of the header as a Markdown table. Reserved fields are left out."""
    rows = []
    if name.endswith("_FIELDS"):
        rows += ["| offset | bytes | type | field | |", "|---:|---:|---|---|---|"]
        for (kind, field, offset), meaning in entries(name):
            if not field.startswith("reserved"):
                rows.append(f"| {offset} | {_size(kind)} | {kind} | `{field}` | {meaning} |")
    else:
        rows += ["| value | name | |", "|---:|---|---|"]
        rows += [f"| {value} | {word} | {meaning} |" for (word, value), meaning in entries(name)]
    return "\n".join(row.replace(" |  |", " | |") for row in rows) + "\n"


def renewed(text: str) -> str:
    """A document with all its tables made anew."""
    return _MARKED.sub(lambda m: m[1] + table(m[2]) + m[3], text)


def versioned(text: str) -> str:
    """A document or a program with the version and the layout hash of the header as it is built."""
    from shm import _native

    (major, minor), hashed = _native.VERSION, f"0x{_native.LAYOUT_HASH:016x}"
    for pattern, value in (
        (r"(version \*\*)[\d.]+(\*\*)", f"{major}.{minor}"),
        (r"(layout hash is `)0x\w+(`)", hashed),
        (r"(const MAJOR: u16 = )\d+(;)", str(major)),
        (r"(const MINOR: u16 = )\d+(;)", str(minor)),
        (r"(const LAYOUT_HASH: u64 = )0x\w+(;)", hashed),
    ):
        text = re.sub(pattern, rf"\g<1>{value}\g<2>", text)
    return text


def names(text: str) -> list[str]:
    """The tables that a document has."""
    return [found[2] for found in _MARKED.finditer(text)]


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(versioned(renewed(DOCUMENT.read_text())))
        PROGRAM.write_text(versioned(PROGRAM.read_text()))
    else:
        print(renewed(DOCUMENT.read_text()), end="")
