"""The contract header as text: where it is, and the atomic operations of its functions in order."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "shm" / "include"
HEADER = INCLUDE / "feedhandler_shm.h"

_CALL = re.compile(
    r"\b(FH_STORE_RELEASE|FH_STORE_TWO|FH_STORE|FH_LOAD_ACQUIRE|FH_LOAD_TWO|FH_LOAD|FH_FENCE_\w+"
    r"|fh_words_in|fh_words_out|fh_slot_read|fh_slot_write|fh_publish|fh_latch_begin|fh_latch_end"
    r"|fh_futex|fh_futex_wake|fh_pace|fh_doze|fh_nap)\("
)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def source() -> str:
    """The header without its comments."""
    return _COMMENT.sub(" ", HEADER.read_text())


def _closing(text: str, start: int, pair: str) -> int:
    """The index past the bracket that closes the one at `start`."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] == pair[0]:
            depth += 1
        elif text[at] == pair[1]:
            depth -= 1
            if depth == 0:
                return at + 1
    raise ValueError(f"{pair[0]} at {start} is never closed")


def body(name: str, text: str | None = None) -> str:
    """The body of a function of the header, without comments."""
    text = source() if text is None else text
    found = re.search(rf"^static (?:inline|FH_INLINE) [^;{{]*\b{name}\(", text, re.MULTILINE)
    if found is None:
        raise KeyError(f"{HEADER.name} has no function {name}")
    start = text.index("{", _closing(text, found.end() - 1, "()"))
    return text[start : _closing(text, start, "{}")]


def split(arguments: str) -> list[str]:
    """C call arguments at the commas that are not inside brackets, in one spacing."""
    parts, depth = [""], 0
    for letter in arguments:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [" ".join(part.split()) for part in parts if part.strip()]


def operations(name: str, text: str | None = None) -> list[str]:
    """The atomic operations of a function and its calls of others that have some, as written.

    An operation inside the arguments of another is part of that one's text.
    """
    found, code, at = [], body(name, text), 0
    while (call := _CALL.search(code, at)) is not None:
        end = _closing(code, call.end() - 1, "()")
        found.append(f"{call[1]}({', '.join(split(code[call.end() : end - 1]))})")
        at = end
    return found


def functions_with_atomics(text: str | None = None) -> list[str]:
    """Every function of the header that has an atomic operation of its own."""
    text = source() if text is None else text
    names = re.findall(r"^static (?:inline|FH_INLINE) [^;{}()]*?\b(fh_\w+)\(", text, re.MULTILINE)
    return [n for n in names if any(o.startswith("FH_") for o in operations(n, text))]
