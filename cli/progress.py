"""A line on the terminal that replaces itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from feedhandler.cli.output import cells, cut, pad
from feedhandler.cli.terminal import columns
from feedhandler.number_text import plural


class ProgressLine:
    """On stderr, where that is a terminal; else nothing. It takes no escape, so that any terminal
    shows it, and never a second line, which could not be replaced."""

    def __init__(self, every_s: float = 0.0, what: str = "") -> None:
        """`every_s`: what comes sooner is left out; `what`: is counted."""
        self.shows = sys.stderr.isatty()
        self._every = every_s
        self._what = what
        self._next = 0.0
        self._wide = 0

    def __call__(self, words: Callable[[], str]) -> None:
        """Show this instead."""
        now = time.monotonic()
        if not self.shows or now < self._next:
            return
        self._next = now + self._every
        room = max(2, columns(sys.stderr) - 1)
        text = cut(words(), room)
        click.echo("\r" + pad(text, min(self._wide, room)), err=True, nl=False)
        self._wide = cells(text)

    def share(self, done: int, total: int) -> None:
        """So many are done."""
        self(lambda: f"{100 * min(done, total) // max(1, total):3d} %  {plural(done, self._what)}")

    def clear(self) -> None:
        """Leave nothing of it behind."""
        if self._wide:
            blanks = " " * min(self._wide, columns(sys.stderr) - 1)
            click.echo(f"\r{blanks}\r", err=True, nl=False)
        self._wide = 0
