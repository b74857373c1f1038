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


def venue_said(segment: Segment) -> str:
    """A venue's own state, as its writer says: SYNCING (START)"""
    return said(*segment.venue_state)
