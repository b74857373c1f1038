"""A view that refreshes in place."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import click

from feedhandler.cli import terminal


def watch(render: Callable[[], Sequence[str]], interval_s: float = 0.2) -> None:
    """Show `render()` again and again until Ctrl-C; the last view stays on the screen.

    Where stdout is no terminal, or one that draws nothing anew, each view is printed below the one
    before.
    """
    if not sys.stdout.isatty() or not terminal.draws():
        while True:
            click.echo("\n".join(render()) + "\n", color=False)
            time.sleep(interval_s)
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False, color_system="auto" if terminal.colours() else None)

    def view() -> Text:
        lines = list(render())[: max(1, console.height - 1)]
        text = Text.from_ansi("\n".join(lines))
        text.no_wrap, text.overflow = True, "crop"
        return text

    with Live(
        view(), console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    ) as live:
        while True:
            time.sleep(interval_s)
            live.update(view(), refresh=True)
