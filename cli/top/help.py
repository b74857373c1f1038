"""The keys, and what the columns mean."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

TEXT = """\
KEYS
  up, down, page up, page down, home, end   another row
  enter, double click                       go into the marked row
  escape                                    forget the filter, or go back
  /                                         filter: a part of it, or BTC-*-C
  s, a click on a column's head             sort by the next, or by that
  S                                         the other way round
  c  i                                      connections, instruments
  r                                         who reads
  q                                         leave

WHAT IS SHOWN
  LIVE       instruments in exact step with the venue, of all
  FOR        since when it is in this state
  LAG        from the venue's clock to ours, with both clocks' errors
  PUBLISH    from socket to shared memory, slowest of a hundred
  GAPS       holes in the venue's numbers, of the last hour or less
  HEALS      books and connections that were made right again, likewise
  WORST      the connection of which there is most to say
  KEYS       subscriptions that the venue has answered
  BEHIND     how much later than usual is what it brings
  AGE        since anything came of an instrument

LAG and PUBLISH are of the last 5 s. Nothing here asks the feed: it is what
shared memory says, also of a feed that is dead.
"""


class Help(Screen[None]):
    """Over whatever is shown."""

    BINDINGS: ClassVar = [Binding("escape,question_mark", "app.pop_screen", "back")]

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(TEXT, markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def look(self) -> None:
        """It stays as it is."""
