"""Mutants of a Python file, by its syntax tree: an edit replaces the text of one node.

Comparisons (the neighbour of each), `and` and `or`, conditions without either, whole numbers, sums,
simple statements (left out), and neighbouring simple statements (the other way round).
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator

from tests.mutate.mutant import Mutant, apart, mutant

_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
_COUNTED: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.BitAnd: "|", ast.BitOr: "&",
}  # fmt: skip
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete, ast.Continue, ast.Break)
_DECIDED = (ast.Compare, ast.BoolOp)
Text = Callable[[ast.AST], str]
Edit = tuple[str, ast.AST, ast.AST, str]  # rule, first node, last node, new text


def mutants(file: str, source: str) -> list[Mutant]:
    """All of a file, in the order of its text."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    raw = source.encode()

    def at(line: int, column: int) -> int:
        return len(raw[: starts[line - 1] + column].decode())

    def text(node: ast.AST) -> str:
        return ast.get_source_segment(source, node) or ""

    found = []
    for where, function in _functions(ast.parse(source)):
        for rule, first, last, new in _edits(function, text):
            start = at(first.lineno, first.col_offset)  # type: ignore[attr-defined]
            end = at(last.end_lineno, last.end_col_offset)  # type: ignore[attr-defined]
            found.append(mutant(file, source, where, rule, start, end, new))
    return apart(sorted(found, key=lambda one: (one.start, one.end)))


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        for one in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(one, ast.FunctionDef):
                yield one.name, one


def _edits(function: ast.FunctionDef, text: Text) -> Iterator[Edit]:
    in_text = {
        id(part) for node in ast.walk(function) if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
    }  # fmt: skip
    for block in _blocks(function):
        yield from _statements(block, text)
    for statement in function.body:
        for node in ast.walk(statement):
            if id(node) not in in_text:
                yield from _expressions(node, text)


def _blocks(function: ast.FunctionDef) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(function):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                yield block


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _acts(node: ast.stmt) -> bool:
    """Whether others can see when it is done: it calls something, or raises."""
    calls = any(isinstance(part, ast.Call) for part in ast.walk(node))
    return isinstance(node, ast.Raise) or (isinstance(node, _SIMPLE) and calls)


def _is_local(node: ast.stmt) -> bool:
    """A name that is given a value: without it, whoever uses the name fails at once."""
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)


def _statements(block: list[ast.stmt], text: Text) -> Iterator[Edit]:
    for node in block:
        if isinstance(node, _SIMPLE) and not _is_text(node) and not _is_local(node):
            yield "call", node, node, "pass"
    for one, other in itertools.pairwise(block):
        if _acts(one) and _acts(other):
            yield "order", one, other, f"{text(other)}\n{' ' * one.col_offset}{text(one)}"


def _expressions(node: ast.AST, text: Text) -> Iterator[Edit]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        other = _COMPARED[type(node.ops[0])]
        yield "condition", node, node, f"{text(node.left)} {other} {text(node.comparators[0])}"
    elif isinstance(node, ast.Compare):
        for n in range(len(node.ops)):
            parts = [text(node.left)]
            for i, (each, value) in enumerate(zip(node.ops, node.comparators, strict=True)):
                symbol = _COMPARED[type(each)] if i == n else _symbol(each)
                parts += [symbol, text(value)]
            yield "condition", node, node, " ".join(parts)
    elif isinstance(node, ast.BoolOp):
        other = " or " if isinstance(node.op, ast.And) else " and "
        yield "condition", node, node, "(" + other.join(f"({text(v)})" for v in node.values) + ")"
    elif isinstance(node, ast.If | ast.While) and not isinstance(node.test, _DECIDED):
        yield "condition", node.test, node.test, f"(not ({text(node.test)}))"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "constant", node, node, str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield "constant", node, node, str(node.value + 1)
    elif isinstance(node, ast.BinOp) and type(node.op) in _COUNTED:
        other = _COUNTED[type(node.op)]
        yield "constant", node, node, f"({text(node.left)}) {other} ({text(node.right)})"


def _symbol(op: ast.cmpop) -> str:
    name = type(op)
    back = {ast.NotEq: "!=", ast.Eq: "==", ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">"}
    more = {ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"}
    return {**back, **more}[name]
