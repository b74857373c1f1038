"""The run as a whole: which mutants there are, what became of each, the table."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.natives import CACHE, MODULES
from tests.mutate import c_rules, cython_rules, named, python_rules, switched, trial
from tests.mutate.mutant import ROOT, Mutant
from tests.mutate.selections import PROOFS, SELECTIONS

EXPLAINED = Path(__file__).with_name("explained.toml")
FOLDER = CACHE.parent / "mutate"
KILLERS = FOLDER / "killers.json"
_SLACK_S = 15.0  # a test that takes longer by this than all of them without a mutant hangs

Tests = dict[Mutant, tuple[str, ...]]  #: which shall notice a mutant


@dataclass
class Verdict:
    mutant: Mutant
    killed: bool = False
    seconds: float = 0.0
    by: str = ""


@dataclass
class Report:
    """`stale`: explanations of mutants that are not there or do not survive."""

    verdicts: list[Verdict] = field(default_factory=list)
    invalid: dict[str, int] = field(default_factory=dict)
    explained: dict[tuple[str, str], str] = field(default_factory=dict)

    def why(self, verdict: Verdict) -> str:
        return self.explained.get((verdict.mutant.file, verdict.mutant.name), "")

    @property
    def unexplained(self) -> list[Verdict]:
        return [v for v in self.verdicts if not v.killed and not self.why(v)]

    @property
    def stale(self) -> list[str]:
        """Explanations of what does not survive."""
        alive = {(v.mutant.file, v.mutant.name) for v in self.verdicts if not v.killed}
        files = {v.mutant.file for v in self.verdicts}
        return [f"{file}: {name}" for file, name in self.explained
                if file in files and (file, name) not in alive]  # fmt: skip

    def table(self) -> str:
        """One line a file, and the sum."""
        rows = [("file", "mutants", "killed", "survived", "explained", "seconds")]
        files = list(dict.fromkeys(v.mutant.file for v in self.verdicts))
        for name in [*files, "all"]:
            mine = [v for v in self.verdicts if name in ("all", v.mutant.file)]
            alive = [v for v in mine if not v.killed]
            rows.append((
                name, str(len(mine)), str(len(mine) - len(alive)), str(len(alive)),
                str(sum(bool(self.why(v)) for v in alive)), f"{sum(v.seconds for v in mine):.0f}",
            ))  # fmt: skip
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join(
            "  ".join(
                text.ljust(width) if i == 0 else text.rjust(width)
                for i, (text, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        )


def explained() -> dict[tuple[str, str], str]:
    """(file, mutant) -> why it may survive."""
    rows = tomllib.loads(EXPLAINED.read_text()).get("explained", [])
    return {(row["file"], name): row["why"] for row in rows for name in row["mutants"]}


def mutants(files: Iterable[str] = SELECTIONS) -> list[Mutant]:
    """Every mutant of these files."""
    found: list[Mutant] = []
    for file in files:
        rules = {".h": c_rules, ".pxi": cython_rules, ".py": python_rules}[Path(file).suffix]
        found += rules.mutants(file, (ROOT / file).read_text())
    return found


def is_native(mutant: Mutant) -> bool:
    """Whether it is inside a native module."""
    return not mutant.file.endswith(".py")


def judge(
    chosen: Sequence[Mutant],
    tests: Tests,
    *,
    jobs: int = 2,
    progress: bool = False,
    modules: Sequence[str] = tuple(MODULES),
) -> Report:
    """Try these mutants. `modules`: those that their tests go through, of the native ones."""
    folder = FOLDER / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    killers = _Killers()
    try:
        return _judged(chosen, tests, folder, jobs, progress, killers, modules)
    finally:
        killers.keep()
        shutil.rmtree(folder, ignore_errors=True)


class _Killers:
    """Which test noticed a mutant last time: it is tried first."""

    def __init__(self) -> None:
        self.known: dict[str, str] = json.loads(KILLERS.read_text()) if KILLERS.exists() else {}
        self.new: dict[str, str] = {}

    def of(self, mutant: Mutant, tests: Iterable[str]) -> str:
        """Its name; nothing if it is of no file that is to notice the mutant."""
        test = self.known.get(f"{mutant.file} {mutant.name}", "")
        return test if test.partition("::")[0] in {one.partition("::")[0] for one in tests} else ""

    def noticed(self, mutant: Mutant, test: str) -> None:
        if test:
            self.new[f"{mutant.file} {mutant.name}"] = test

    def keep(self) -> None:
        """With those that others found meanwhile."""
        known = json.loads(KILLERS.read_text()) if KILLERS.exists() else {}
        unfinished = KILLERS.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(known | self.new, indent=0))
        unfinished.replace(KILLERS)


def _judged(
    chosen: Sequence[Mutant],
    tests: Tests,
    folder: Path,
    jobs: int,
    progress: bool,
    killers: _Killers,
    modules: Sequence[str],
) -> Report:
    trial.preload()
    numbered = [(n, mutant) for n, mutant in enumerate(chosen, 1)]
    native = [pair for pair in numbered if is_native(pair[1])]
    built = switched.build(native, modules) if native else None
    report = Report(explained=explained())
    usual = _baselines(sorted(set(tests.values())), built, folder, jobs)
    tasks, theirs = [], []
    for number, mutant in numbered:
        if built and number in built.invalid:
            report.invalid[mutant.file] = report.invalid.get(mutant.file, 0) + 1
            continue
        deadline = usual[tests[mutant]] + _SLACK_S
        task = _task(number, mutant, built, folder, tests[mutant], deadline)
        tasks.append(task._replace(first=killers.of(mutant, task.tests)))
        theirs.append(mutant)
    verdicts = [Verdict(mutant) for mutant in theirs]
    for done, (index, outcome) in enumerate(trial.run(tasks, folder, jobs), 1):
        verdict = verdicts[index]
        verdict.killed, verdict.seconds = outcome.killed, outcome.seconds
        verdict.by = "a hang in " * outcome.hung + outcome.test if outcome.killed else ""
        if outcome.killed:
            killers.noticed(verdict.mutant, outcome.test)
        if progress:
            what, at = "killed" if verdict.killed else "SURVIVED", verdict.mutant
            took = f"{done}/{len(tasks)} {what} {verdict.seconds:.1f} s"
            print(f"{took} {at.file}:{at.line} {at.name}  [{verdict.by}]", flush=True)
    report.verdicts = verdicts
    return report


def _task(
    number: int, mutant: Mutant, built: switched.Switched | None, folder: Path,
    tests: tuple[str, ...], deadline: float,
) -> trial.Task:  # fmt: skip
    edited = folder / f"edited-{number}{Path(mutant.file).suffix}"
    edited.write_text(mutant.text((ROOT / mutant.file).read_text()))
    if not is_native(mutant):
        module = mutant.file.removesuffix(".py").replace("/", ".")
        return trial.Task(0, {module: str(edited)}, "", tests, deadline)
    assert built is not None
    places = {module: str(path) for module, path in built.places.items()}
    root = _overlay(folder / f"root-{number}", mutant.file, edited) if set(tests) & PROOFS else ""
    if mutant.rule == "order":  # what the processor here would forgive
        tests = tuple(sorted(tests, key=lambda test: test not in PROOFS))
    return trial.Task(number, places, root, tests, deadline)


def _overlay(root: Path, file: str, edited: Path) -> str:
    """A tree in which `shm` is as it is, but for one file."""
    for folder in ("shm", "shm/include", "feedhandler/engine"):
        (root / folder).mkdir(parents=True)
        for path in (ROOT / folder).iterdir():
            if path.is_file() and path.suffix in (".h", ".pxi", ".pyx"):
                (root / folder / path.name).symlink_to(path)
    (root / file).unlink()
    (root / file).symlink_to(edited)
    return str(root)


def _baselines(
    selections: Sequence[tuple[str, ...]], built: switched.Switched | None, folder: Path, jobs: int
) -> dict[tuple[str, ...], float]:
    """How long the tests take without a mutant; they must pass."""
    places = {module: str(path) for module, path in built.places.items()} if built else {}
    tasks = [trial.Task(0, places, "", tests, 600) for tests in selections]
    usual = {}
    for index, outcome in trial.run(tasks, folder, jobs):
        if outcome.killed:
            raise RuntimeError(f"without a mutant these fail: {selections[index]}\n{outcome.said}")
        usual[selections[index]] = outcome.seconds
    return usual


def _usual(chosen: Iterable[Mutant]) -> Tests:
    return {one: SELECTIONS[one.file] for one in chosen}


def _named(jobs: int) -> int:
    tests: Tests = {one: (by.tests,) for one, by in named.mutants().items()}
    report = judge(list(tests), tests, jobs=jobs, modules=named.MODULES)
    for verdict in report.verdicts:
        print(f"{'killed' if verdict.killed else 'SURVIVED'}: {verdict.mutant.where}"
              f"  [{verdict.by}]")  # fmt: skip
    return int(len(report.verdicts) < len(tests) or not all(v.killed for v in report.verdicts))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutate", description=__doc__)
    parser.add_argument("files", nargs="*", help="some of the files; all of them without")
    parser.add_argument("--only", default="", help="mutants with this text in function or line")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--named", action="store_true", help="ten that no test noticed once")
    parser.add_argument("--list", action="store_true", help="say which there are, try none")
    asked = parser.parse_args()
    if asked.named:
        return _named(asked.jobs)
    files = [file for file in SELECTIONS if not asked.files or file in asked.files]
    chosen = [one for one in mutants(files) if asked.only in one.name]
    if asked.list:
        for one in chosen:
            print(f"{one.file}:{one.line} {one.rule}: {one.name}")
        return 0
    begun = time.monotonic()
    report = judge(chosen, _usual(chosen), jobs=asked.jobs, progress=True)
    print(f"\n{report.table()}\n{time.monotonic() - begun:.0f} s; "
          f"{sum(report.invalid.values())} more do not compile")  # fmt: skip
    for verdict in report.verdicts:
        if not verdict.killed:
            why = report.why(verdict) or "NOT EXPLAINED"
            print(f"{verdict.mutant.file}:{verdict.mutant.line} {verdict.mutant.name}\n    {why}")
    if not asked.only:
        for name in report.stale:
            print(f"explained, but does not survive: {name}")
    return 1 if report.unexplained else 0
