"""What all screens have: a head line, a table, words on what is marked, a filter, and the keys."""

from __future__ import annotations

import time
from contextlib import suppress

from textual.app import ComposeResult
from textual.binding import Binding
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Input, Static

from feedhandler.cli.output import cut, harmless, pad
from feedhandler.cli.top.sight import Sight
from feedhandler.cli.top.table import LineTable


class TopScreen(Screen[None]):
    """Escape leaves the filter, then the screen."""

    AUTO_FOCUS = ""  # a table, by `on_mount`: never the filter that nobody has opened

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "back", "back"),
        Binding("slash", "filter", "filter"),
        Binding("question_mark", "help", "help"),
    ]

    def __init__(self, sight: Sight) -> None:
        super().__init__()
        self.sight = sight

    @property
    def pattern(self) -> str:
        """What rows have to have in their names."""
        return self.query_one("#filter", Input).value

    def compose(self) -> ComposeResult:
        yield Static("", id="head", classes="line", markup=False)
        yield from self.body()
        yield Static("", id="words", classes="part", markup=False)
        yield Input(placeholder="part of a name, or a pattern such as BTC-*-C", id="filter")
        yield Footer(compact=True, show_command_palette=False)

    def body(self) -> list[Widget]:
        """What is between the head and the words."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show what was looked at."""
        raise NotImplementedError

    def look(self) -> None:
        """Show what was looked at, once all of the screen is there."""
        with suppress(NoMatches):
            self.draw()

    def on_mount(self) -> None:
        for table in self.query(LineTable):
            table.focus()
            break
        self.look()

    def on_screen_resume(self) -> None:
        self.look()

    def head(self, text: str) -> None:
        """The first line, with the time of day at its end."""
        clock = time.strftime("%H:%M:%S")
        room = max(0, self.size.width - len(clock) - 1)
        self.query_one("#head", Static).update(f"{pad(cut(text, room), room)} {clock}")

    def words(self, text: str) -> None:
        """What there is to say of the marked row."""
        lines = map(harmless, text.split("\n"))
        self.query_one("#words", Static).update("\n".join(lines))

    def on_line_table_marked(self, event: LineTable.Marked) -> None:  # noqa: ARG002
        self.look()

    def on_line_table_sorted(self, event: LineTable.Sorted) -> None:  # noqa: ARG002
        self.look()

    def on_input_changed(self, event: Input.Changed) -> None:  # noqa: ARG002
        self.look()

    def on_input_submitted(self, event: Input.Submitted) -> None:  # noqa: ARG002
        self.query(LineTable).first().focus()

    def action_filter(self) -> None:
        """Type a part of a name."""
        field = self.query_one("#filter", Input)
        field.add_class("-open")
        field.focus()

    def action_back(self) -> None:
        """Forget the filter, or leave."""
        field = self.query_one("#filter", Input)
        if field.has_class("-open"):
            field.remove_class("-open")
            field.value = ""
            for table in self.query(LineTable):
                table.focus()
                break
        elif len(self.app.screen_stack) > 2:
            self.app.pop_screen()

    def action_help(self) -> None:
        """Say the keys."""
        from feedhandler.cli.top.help import Help

        self.app.push_screen(Help())
