"""Mutants of the functions and methods of a `.pxi` file, by rules on the text of their lines.

As for C, with `and`, `or` and `not`; statements are lines, and `cdef` lines are not left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.mutate.mutant import Mutant, apart, mutant

_OTHER = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "and": "or",
          "or": "and", "+": "-", "-": "+", "&": "|", "+=": "-=", "is not": "is", "is": "is not",
          }  # fmt: skip
_CONDITIONS = {"==", "!=", "<", "<=", ">", ">=", "and", "or", "is", "is not"}
_OPERATOR = re.compile(r"(?<= )(==|!=|<=|>=|<|>|and|or|is not|is|\+=|\+|-|&)(?= )")
_NUMBER = re.compile(r"(?<![\w.])\d+\b")
_WEAKER = {"fh_load64_acquire(": "fh_load64("}
_HIDDEN = re.compile(r'""".*?"""|#[^\n]*|f?"(?:\\.|[^"\\\n])*"', re.DOTALL)
_FUNCTION = re.compile(r"^( *)(?:def |cdef [^\n=]*?)\b(\w+)\(([^)]*)\)([^\n]*):\n", re.MULTILINE)
_NO_STATEMENT = "cdef |return|if |elif |else|while |for |try|finally|with |pass"
_LINE = re.compile(rf"^( +)(?!{_NO_STATEMENT})(\S[^\n]*)$", re.MULTILINE)


class Function(NamedTuple):
    name: str
    arguments: list[str]
    method: bool
    start: int
    body: int
    end: int
    indent: str


def hidden(source: str) -> str:
    """The text with comments and strings as blanks, of the same length."""
    return _HIDDEN.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), source)


def functions(source: str) -> list[Function]:
    """All but the methods that Python itself calls, and properties."""
    plain, found = hidden(source), []
    for one in _FUNCTION.finditer(plain):
        indent, name = one[1], one[2]
        before = plain[: one.start()].rstrip("\n").rpartition("\n")[2].strip()
        if name.startswith("__") or before.startswith("@"):
            continue
        after = re.compile(rf"^ {{0,{len(indent)}}}\S", re.MULTILINE).search(plain, one.end())
        end = after.start() if after else len(plain)
        parts = [re.findall(r"\w+", part) for part in one[3].split(",")]
        arguments = [part[-1] for part in parts if part]
        method = bool(indent)
        body = one.end()
        found.append(Function(name, arguments[method:], method, one.start(), body, end, indent))
    return found


def mutants(file: str, source: str) -> list[Mutant]:
    """All of a file, in the order of its text."""
    plain, found = hidden(source), []
    for function in functions(source):
        for rule, start, end, new in _edits(plain, source, function):
            found.append(mutant(file, source, function.name, rule, start, end, new))
    return apart(sorted(found, key=lambda one: (one.start, one.end)))


Edit = tuple[str, int, int, str]


def _edits(plain: str, source: str, function: Function) -> Iterator[Edit]:
    start, end = function.body, function.end
    for one in _OPERATOR.finditer(plain, start, end):
        rule = "condition" if one[1] in _CONDITIONS else "constant"
        yield rule, one.start(), one.end(), _OTHER[one[1]]
    for one in _NUMBER.finditer(plain, start, end):
        if plain[one.start() - 3 : one.start()] not in (" + ", " - "):  # the sign changes already
            yield "constant", one.start(), one.end(), str(int(one[0]) + 1)
    for one in re.finditer(r"\b(?:if|while) ([^\n]*):\n", plain[start:end]):
        first, last = start + one.start(1), start + one.end(1)
        if not _CONDITIONS & set(plain[first:last].split()):
            yield "condition", first, last, f"not ({source[first:last]})"
    for strong, weak in _WEAKER.items():
        for one in re.finditer(re.escape(strong), plain[start:end]):
            yield "order", start + one.start(), start + one.end(), weak
    before: re.Match[str] | None = None
    for one in _LINE.finditer(plain, start, end):
        if one[2].count("(") != one[2].count(")"):
            before = None
            continue
        yield "call", one.start(2), one.end(2), "pass"
        if before and "(" in one[2] and before[1] == one[1] and before.end() + 1 == one.start():
            both = source[one.start(2) : one.end(2)] + f"\n{one[1]}"
            both += source[before.start(2) : before.end(2)]
            yield "order", before.start(2), one.end(2), both
        before = one if "(" in one[2] else None
