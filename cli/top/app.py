"""The application: it looks at memory now and then, and its newest screen shows what it wants."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Protocol, runtime_checkable

from textual.app import App
from textual.binding import Binding
from textual.scrollbar import ScrollBarRender

from feedhandler.cli import terminal
from feedhandler.cli.top.overview import Overview
from feedhandler.cli.top.sight import Sight


@runtime_checkable
class Looking(Protocol):
    """A screen that shows what was just looked at."""

    def look(self) -> None:
        """Show it as it is now."""


class Top(App[None]):
    """`every_s`: from one look to the next."""

    TITLE = "feedhandler"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [  # noqa: RUF012 - as the library declares it
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]
    CSS = """
    Screen { background: ansi_default; color: ansi_default; }
    .line { height: 1; width: 1fr; }
    .part { height: auto; max-height: 4; width: 1fr; }
    .dim { text-style: dim; }
    Footer { background: ansi_default; }
    #filter { display: none; height: 1; border: none; padding: 0; }
    #filter.-open { display: block; }
    """

    def __init__(self, namespace: str, every_s: float = 1.0) -> None:
        super().__init__(ansi_color=True)
        self.sight = Sight(namespace)
        self.every_s = every_s

    def on_mount(self) -> None:
        self.look()
        self.push_screen(Overview(self.sight))
        self.set_interval(self.every_s, self.look)

    def on_unmount(self) -> None:
        self.sight.watching.close()

    def look(self) -> None:
        """Read memory, and have it shown."""
        self.sight.look()
        if isinstance(self.screen, Looking):
            self.screen.look()


def run(namespace: str, every_s: float) -> None:
    """Until it is left, with what the terminal has of colours and characters."""
    plain = not terminal.colours()
    os.environ.pop("NO_COLOR", None)  # set to nothing it is no wish, but for the library
    if plain:
        os.environ["NO_COLOR"] = "1"
    if not terminal.utf8():
        ScrollBarRender.VERTICAL_BARS = [" "] * len(ScrollBarRender.VERTICAL_BARS)
        if isinstance(sys.__stderr__, TextIOWrapper):  # where it draws
            sys.__stderr__.reconfigure(errors="replace")
    Top(namespace, every_s).run()
