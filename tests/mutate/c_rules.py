"""Mutants of the C functions of a header, by rules on the text of their statements.

The house's style has spaces around every operator of two operands, none around those of one, so
that a word in spaces is what it seems. In each function:

* a comparison becomes its neighbour, `&&` becomes `||`, a condition without either its opposite;
* a whole number becomes the next one, a sum a difference, `&` becomes `|`;
* a statement that is an assignment or a call is left out; so are `break` and `continue`;
* two such neighbours that call something change places;
* acquire and release become relaxed.

Layouts, vocabularies and magic numbers are none of its business: `tests/proof/abi_golden.txt` has
every one of them as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.mutate.mutant import Mutant, apart, mutant

_OTHER = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "&&": "||",
          "||": "&&", "+": "-", "-": "+", "&": "|", "+=": "-="}  # fmt: skip
_CONDITIONS = {"==", "!=", "<", "<=", ">", ">=", "&&", "||"}
_OPERATOR = re.compile(r"(?<= )(==|!=|<=|>=|<|>|&&|\|\||\+=|\+|-|&)(?=\s)")
_NUMBER = re.compile(r"(?<![\w.])\d+(?=(?:u|ull|U)?\b)(?![.\w]*e\d)")
_WEAKER = {"FH_LOAD_ACQUIRE(": "FH_LOAD(", "FH_STORE_RELEASE(": "FH_STORE("}
_CALL = re.compile(r"\w\(")  # no cast
_HIDDEN = re.compile(r"/\*.*?\*/|//[^\n]*|^#[^\n]*|\"(?:\\.|[^\"\\])*\"", re.DOTALL | re.MULTILINE)
_FUNCTION = re.compile(
    r"^(?:static|ALWAYS_INLINE)\b[^;{}=()]*?\b(\w+)\(([^;{}]*?)\)\s*\{", re.MULTILINE
)
_DECLARATION = re.compile(r"(?:(?:const|struct|unsigned|static) )*\w+ \**\w+(?: =|,|\[|$)")
_SIMPLE = re.compile(
    r"\**[\w(][^{}]*?(?:\(.*\)|\+\+|--|[^=!<>]= ?.*)$|(?:break|continue)$", re.DOTALL
)


class Function(NamedTuple):
    name: str
    arguments: list[str]
    start: int  #: of its text
    body: int  #: after the brace
    end: int  #: after the last brace


def hidden(source: str) -> str:
    """The text with comments and strings as blanks, of the same length."""
    return _HIDDEN.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), source)


def closing(text: str, start: int, pair: str) -> int:
    """The index past the bracket that closes the one at `start`."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == pair[0]) - (text[at] == pair[1])
        if depth == 0 and text[at] == pair[1]:
            return at + 1
    raise ValueError(f"{pair[0]} at {start} is never closed")


def functions(source: str) -> list[Function]:
    """The functions defined in a header."""
    plain, found = hidden(source), []
    for one in _FUNCTION.finditer(plain):
        names = [re.findall(r"\w+", each) for each in one[2].split(",")]
        arguments = [each[-1] for each in names if each and each != ["void"]]
        end = closing(plain, one.end() - 1, "{}")
        found.append(Function(one[1], arguments, one.start(), one.end(), end))
    return found


def mutants(file: str, source: str) -> list[Mutant]:
    """All of a header, in the order of its text."""
    plain, found = hidden(source), []
    for function in functions(source):
        for rule, start, end, new in _edits(plain, source, function):
            found.append(mutant(file, source, function.name, rule, start, end, new))
    return apart(sorted(found, key=lambda one: (one.start, one.end)))


Edit = tuple[str, int, int, str]


def _edits(plain: str, source: str, function: Function) -> Iterator[Edit]:
    start, end = function.body, function.end - 1
    for one in _OPERATOR.finditer(plain, start, end):
        rule = "condition" if one[1] in _CONDITIONS else "constant"
        yield rule, one.start(), one.end(), _OTHER[one[1]]
    for one in _NUMBER.finditer(plain, start, end):
        if plain[one.start() - 3 : one.start()] not in (" + ", " - "):  # the sign changes already
            yield "constant", one.start(), one.end(), str(int(one[0]) + 1)
    for strong, weak in _WEAKER.items():
        for one in re.finditer(re.escape(strong), plain[start:end]):
            yield "order", start + one.start(), start + one.end(), weak
    for one in re.finditer(r"\b(?:if|while) \(", plain[start:end]):
        first = start + one.end()
        last = closing(plain, first - 1, "()") - 1
        if not _CONDITIONS & set(re.findall(r"(?<= )\S+(?= )", plain[first:last])):
            yield "condition", first, last, f"!({source[first:last]})"
    before: tuple[int, int] | None = None
    for first, last, bare in _statements(plain, start, end):
        yield "call", first, last, ""
        if (
            before
            and bare
            and _CALL.search(plain, first, last)
            and not plain[before[1] : first].strip(" \n;")
        ):
            both = f"{source[first:last]}{source[before[1] : first]}{source[before[0] : before[1]]}"
            yield "order", before[0], last, both
        before = (first, last) if bare and _CALL.search(plain, first, last) else None


def _statements(plain: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Assignments and calls without their semicolon; whether one stands alone in its block."""
    first, depth = start, 0
    for at in range(start, end):
        depth += (plain[at] == "(") - (plain[at] == ")")
        if plain[at] in "{}":
            first = at + 1
        elif plain[at] == ";" and depth == 0:
            begin, bare = first, True
            while True:
                begin += len(plain[begin:at]) - len(plain[begin:at].lstrip())
                led = re.match(r"(?:if|for|while) \(|else\b", plain[begin:at])
                if led is None:
                    break
                bare = False
                begin = (
                    closing(plain, begin + led.end() - 1, "()") if led[0] != "else" else begin + 4
                )
            text = plain[begin:at]
            if _SIMPLE.match(text) and not _DECLARATION.match(text) and "return" not in text[:7]:
                yield begin, at, bare
            first = at + 1
