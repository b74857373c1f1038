"""What a terminal can: colours, characters, columns, and whether it draws anew."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from typing import TextIO

_DUMB = ("", "dumb", "unknown")


def colours() -> bool:
    """Whether a terminal is sent styles: not where NO_COLOR is set (https://no-color.org), nor
    where it has no colours."""
    return not os.environ.get("NO_COLOR") and _has_colours(os.environ.get("TERM", ""))


def draws() -> bool:
    """Whether it can be drawn anew: a dumb one takes lines, one after the other."""
    return os.environ.get("TERM", "") not in _DUMB


@cache
def _has_colours(term: str) -> bool:
    if term in _DUMB:
        return False
    try:
        import curses

        curses.setupterm(term, 1)
        return curses.tigetnum("colors") > 0
    except (ImportError, curses.error):  # a kind that this host has not heard of
        return not term.startswith("vt")


def utf8() -> bool:
    """Whether block characters can be shown."""
    return _encoding().lower().replace("-", "") == "utf8"


def shows(character: str) -> bool:
    """Whether it can be written at all."""
    try:
        character.encode(_encoding())
    except (UnicodeError, LookupError):
        return False
    return True


def _encoding() -> str:
    for stream in (sys.stdout, sys.__stdout__):  # a full screen has the second one alone
        if encoding := getattr(stream, "encoding", None):
            return str(encoding)
    return "ascii"


def columns(stream: TextIO) -> int:
    """Of the terminal that this is."""
    if (said := os.environ.get("COLUMNS", "")).isdigit() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return shutil.get_terminal_size().columns
