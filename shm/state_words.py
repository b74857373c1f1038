"""The header's vocabularies in sentences for people."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shm._native import Segment


def word(value: int) -> str:
    """The name of a member; its number where a newer writer knows more of them."""
    return value.name if isinstance(value, IntEnum) else str(value)


def said(state: int, reason: int) -> str:
    """SYNCING (START)"""
    return f"{word(state)} ({word(reason)})"


def lasting(ns: int) -> str:
    """A length of time as people say it: 4.2 ms, 350 ms, 31 s, 18 min, 2 h 10 min, 3 d 4 h."""
    if ns < 1_000_000_000:
        return f"{ns / 1e6:.1f} ms" if ns < 10_000_000 else f"{ns / 1e6:.0f} ms"
    seconds = ns / 1e9
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    hours = minutes // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def venue_said(segment: Segment) -> str:
    """A venue's own state, as its writer says: SYNCING (START)"""
    return said(*segment.venue_state)
