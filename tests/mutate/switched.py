"""The native modules with all mutants of their files inside: one build, chosen at run time.

Each mutant is a copy of its function with the edit in it; the function itself goes over to the copy
whose number the environment has in FH_MUTANT. A copy that does not compile is left out.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import setup
from tests.kit import natives
from tests.mutate import c_rules, cython_rules
from tests.mutate.mutant import ROOT, Mutant

HEADER = "shm/include/feedhandler_shm.h"
_ROOMS = ("shm", "feedhandler")
_SUFFIXES = (".h", ".pyx", ".pxi", ".pxd", ".pyi")
_SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
_SWITCH = """
#include <stdlib.h>
static int fh_mutant;
__attribute__((constructor)) static void fh_mutant_read(void) {
    const char *number = getenv("FH_MUTANT");
    fh_mutant = number ? atoi(number) : 0;
}
"""
_EXTERN = "cdef extern from *:\n    int fh_mutant\n\n"
Numbered = Sequence[tuple[int, Mutant]]


class Switched(NamedTuple):
    places: dict[str, Path]  #: module -> shared object
    invalid: set[int]  #: numbers of mutants that do not compile


def build(numbered: Numbered, modules: Sequence[str]) -> Switched:
    """These modules with these mutants, from a scratch copy of their sources. It is kept."""
    named = [(number, one.name) for number, one in numbered]
    sources = [path for room in _ROOMS for path in sorted((ROOT / room).rglob("*"))
               if path.suffix in _SUFFIXES]  # fmt: skip
    folder = natives.place("mutants", sources, Path(__file__), str([named, modules]), sys.version)
    done = folder / "done.json"
    if not done.exists():
        invalid = _build(numbered, modules, folder)
        done.write_text(json.dumps(sorted(invalid)))
    places = {module: folder / f"{natives.MODULES[module]}{_SUFFIX}" for module in modules}
    return Switched(places, set(json.loads(done.read_text())))


def _build(numbered: Numbered, modules: Sequence[str], folder: Path) -> set[int]:
    invalid: set[int] = set()
    edited = {mutant.file for _, mutant in numbered}
    for _ in range(12):
        spans = _mirror([pair for pair in numbered if pair[0] not in invalid], folder)
        with ThreadPoolExecutor() as pool:
            made = pool.map(partial(_compile, folder=folder, edited=edited), modules)
            complaint = "".join(made)
        if not complaint:
            return invalid
        wrong = _guilty(complaint, spans)
        if not wrong:
            raise RuntimeError(complaint)
        invalid |= wrong
    raise RuntimeError("mutants that do not compile keep coming up")


Spans = dict[str, list[tuple[int, int, int]]]


def _mirror(numbered: Numbered, folder: Path) -> Spans:
    """Copy the sources, mutants inside; file name -> lines of each mutant."""
    for room in _ROOMS:
        for path in (ROOT / room).rglob("*"):
            if path.suffix in _SUFFIXES:
                target = folder / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    header = folder / HEADER
    text = header.read_text().replace("#include <unistd.h>\n", f"#include <unistd.h>{_SWITCH}", 1)
    inlined = "#define FH_INLINE inline __attribute__((always_inline))"
    header.write_text(text.replace(inlined, "#define FH_INLINE inline"))
    spans: Spans = {}
    for file in sorted({mutant.file for _, mutant in numbered}):
        mine = [(number, mutant) for number, mutant in numbered if mutant.file == file]
        source = (ROOT / file).read_text()
        made = _pxi(source, mine) if file.endswith(".pxi") else _header(source, mine)
        if file == HEADER:
            made = made.replace("#include <unistd.h>\n", f"#include <unistd.h>{_SWITCH}", 1)
            made = made.replace(inlined, "#define FH_INLINE inline")
        (folder / file).write_text(made)
        spans[Path(file).name] = _spans(made)
    return spans


def _spans(text: str) -> list[tuple[int, int, int]]:
    """First line, last line, number: between the marks."""
    found, first = [], 0
    for number, line in enumerate(text.split("\n"), 1):
        if (mark := re.match(r"\s*(?:/\*|#) mutant (\d+)", line)) is not None:
            first, mutant = number, int(mark[1])
        elif re.match(r"\s*(?:/\*|#) end of mutant", line):
            found.append((first, number, mutant))
    return found


def _header(source: str, numbered: Numbered) -> str:
    for function in reversed(c_rules.functions(source)):
        mine = [(n, m) for n, m in numbered if function.body <= m.start < function.end]
        if not mine:
            continue
        head = source[function.start : function.body]
        named = re.compile(rf"\b{function.name}\(")
        copies, cases = [], []
        for number, mutant in mine:
            ours = f"{function.name}__{number}"
            body = source[function.body : mutant.start] + mutant.new
            body += source[mutant.end : function.end]
            start = named.sub(f"{ours}(", head, count=1)
            copies.append(f"/* mutant {number} */\n{start}{body}\n/* end of mutant */\n")
            cases.append(f"case {number}: return {ours}({', '.join(function.arguments)});")
        switch = "\n".join(["\n    switch (fh_mutant) {", *cases, "default: break;", "}"])
        made = "".join(copies) + head + switch + source[function.body : function.end]
        source = source[: function.start] + made + source[function.end :]
    return source


def _pxi(source: str, numbered: Numbered) -> str:
    for function in reversed(cython_rules.functions(source)):
        mine = [(n, m) for n, m in numbered if function.body <= m.start < function.end]
        if not mine:
            continue
        head, inner = source[function.start : function.body], function.indent + "    "
        named = re.compile(rf"\b{function.name}\(")
        copies, cases = "", ""
        returns = "cdef void" not in head
        for number, mutant in mine:
            ours = f"{function.name}__{number}"
            body = source[function.body : mutant.start] + mutant.new
            body += source[mutant.end : function.end]
            mark = f"{function.indent}# mutant {number}\n"
            end = f"{function.indent}# end of mutant\n"
            copies += mark + named.sub(f"{ours}(", head, count=1) + body.rstrip() + f"\n{end}\n"
            call = f"{'self.' * function.method}{ours}({', '.join(function.arguments)})"
            cases += f"{inner}if fh_mutant == {number}:\n{inner}    "
            cases += f"return {call}\n" if returns else f"{call}\n{inner}    return\n"
        rest = source[function.body : function.end]
        source = source[: function.start] + copies + head + cases + rest + source[function.end :]
    return _EXTERN + source if "int fh_mutant" not in source else source


def _compile(module: str, folder: Path, edited: set[str]) -> str:
    """What the compilers complain of. `edited`: files with mutants."""
    source = folder / f"{natives.MODULES[module]}.pyx"
    c, target = source.with_suffix(".c"), source.with_suffix(_SUFFIX)
    read = setup.needs(source.relative_to(folder))
    if edited.isdisjoint(path for path in read if not path.endswith(".h")):
        shutil.copyfile(natives.generated(module), c)  # no mutant is in what Cython reads
    else:
        done = _run(sys.executable, "-m", "cython", str(source), "-o", str(c))
        if done.returncode:
            return done.stdout + done.stderr
    done = _run(
        *natives.compiler().split(), "-shared", "-fPIC", *setup.FLAGS, "-w", "-O0",
        "-fmax-errors=0", *(f"-I{folder / path}" for path in setup.INCLUDE),
        f"-I{source.parent}", f"-I{sysconfig.get_path('include')}",
        "-o", str(target), str(c),
    )  # fmt: skip
    return done.stdout + done.stderr if done.returncode else ""


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def _guilty(complaint: str, spans: Spans) -> set[int]:
    guilty = set()
    wrong = [line for line in complaint.split("\n") if not re.search(r"\b(warning|note): ", line)]
    for file, line in re.findall(r"([\w.]+\.(?:h|pxi)):(\d+):", "\n".join(wrong)):
        for first, last, mutant in spans.get(file, []):
            if first <= int(line) <= last:
                guilty.add(mutant)
    return guilty
