"""All venues: how each is, and what is wrong with the marked one."""

from __future__ import annotations

from textual.binding import Binding
from textual.widget import Widget

from feedhandler import number_text
from feedhandler.cli.top.rows import VENUES, of_mirror, venue_key, venue_row
from feedhandler.cli.top.screen import TopScreen
from feedhandler.cli.top.table import Cell, LineTable
from feedhandler.view.words import shown_state


class Overview(TopScreen):
    """The first screen."""

    BINDINGS = [Binding("r", "readers", "readers")]  # noqa: RUF012

    def body(self) -> list[Widget]:
        return [LineTable(VENUES, empty="nothing is in shared memory: waiting", id="venues")]

    def draw(self) -> None:
        table, looks = self.query_one(LineTable), self.sight.looks
        if self.pattern:
            looks = [look for look in looks if self.pattern.lower() in look.venue]
        if table.by is not None:
            by = table.by
            looks = sorted(looks, key=lambda look: venue_key(look, by), reverse=table.descending)
        there = {look.venue: look for look in looks}

        def cells(venue: object) -> list[Cell]:
            return venue_row(there[str(venue)], self.sight.frames.get(str(venue), ()))

        table.show(list(there), cells)
        self.head(self._sum())
        self.words(self._words(table.marked))

    def _sum(self) -> str:
        looks = self.sight.looks
        well = sum(shown_state(look.status) == "LIVE" for look in looks)
        live = sum(look.status["live"] for look in looks)
        all_ = sum(look.status["instruments"] for look in looks)
        frames = number_text.rate(sum(look.frames for look in looks))
        return (
            f"{self.sight.namespace}: {well} of {number_text.plural(len(looks), 'venue')} LIVE, "
            f"{live} of {number_text.plural(all_, 'instrument')}, {frames} frames/s"
        )

    def _words(self, venue: object) -> str:
        look = self.sight.of(str(venue)) if venue is not None else None
        if look is None:
            return "start a feed: feedhandler start (or, without internet: feedhandler start --sim)"
        state = shown_state(look.status)
        if look.trouble:
            return f"{look.venue}: {state}: {look.trouble}{of_mirror(look)}"
        since = look.status.get("since_ns", 0)
        rest = of_mirror(look) or "; nothing is wrong"
        return f"{look.venue}: {state} since {number_text.moment(since)}{rest}"

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        from feedhandler.cli.top.venue import VenueScreen

        self.app.push_screen(VenueScreen(self.sight, str(event.row)))

    def action_readers(self) -> None:
        """Who reads."""
        from feedhandler.cli.top.readers import ReadersScreen

        self.app.push_screen(ReadersScreen(self.sight))
