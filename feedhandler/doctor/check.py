"""What an examination says of one thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`ADVICE`: it works, and could be better. `PROBLEM`: it does not work as configured, or will
    not for long."""

    FINE = "fine"
    ADVICE = "advice"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """`found`: one line, with the figures. `cures`: what to do, a line each; none where nothing
    is to be done, or nothing can be."""

    name: str
    verdict: Verdict
    found: str
    cures: tuple[str, ...] = ()


def fine(name: str, found: str) -> Check:
    """Nothing is to be done."""
    return Check(name, Verdict.FINE, found)


def advice(name: str, found: str, *cures: str) -> Check:
    """It works, and could be better."""
    return Check(name, Verdict.ADVICE, found, cures)


def problem(name: str, found: str, *cures: str) -> Check:
    """It does not work as configured, or will not for long."""
    return Check(name, Verdict.PROBLEM, found, cures)


def listed(names: Iterable[object]) -> str:
    """Names or numbers in a row, for a sentence."""
    return ", ".join(map(str, names))


def mib(size: float) -> str:
    """Bytes for people: MiB up to 10 GiB, then GiB."""
    whole = size / 2**20
    return f"{whole:,.0f} MiB" if whole < 10_240 else f"{whole / 1024:,.0f} GiB"
