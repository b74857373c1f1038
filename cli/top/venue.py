"""One venue: its instruments, or its connections."""

from __future__ import annotations

from textual.binding import Binding
from textual.widget import Widget

from feedhandler import number_text
from feedhandler.cli.top.instruments import instrument_row
from feedhandler.cli.top.rows import (
    CONNECTIONS,
    INSTRUMENTS,
    connection_key,
    connection_row,
    of_mirror,
)
from feedhandler.cli.top.screen import TopScreen
from feedhandler.cli.top.sight import Sight
from feedhandler.cli.top.table import Cell, LineTable
from feedhandler.number_text import plural
from feedhandler.view.instrument_fields import FIELDS
from feedhandler.view.instruments import Instruments
from feedhandler.view.words import shown_state


class VenueScreen(TopScreen):
    """`c` and `i` change between the two tables."""

    BINDINGS = [  # noqa: RUF012
        Binding("c", "connections", "connections"),
        Binding("i", "instruments", "instruments"),
    ]

    def __init__(self, sight: Sight, venue: str) -> None:
        super().__init__(sight)
        self.venue = venue
        self._instruments = Instruments()
        self._shown = "instruments"

    def body(self) -> list[Widget]:
        connections = LineTable(CONNECTIONS, empty="no connection", id="connections")
        connections.display = False
        return [LineTable(INSTRUMENTS, empty="no instrument", id="instruments"), connections]

    @property
    def table(self) -> LineTable:
        """The one that is shown."""
        return self.query_one(f"#{self._shown}", LineTable)

    def draw(self) -> None:
        look = self.sight.of(self.venue)
        if look is None:
            self.head(f"{self.venue}: gone; nothing of it is in memory")
            return
        connections = look.status.get("connections") or {"live": 0, "total": 0}
        self.head(
            f"{self.venue}: {shown_state(look.status)}, {look.status['live']} of "
            f"{plural(look.status['instruments'], 'instrument')}, {connections['live']} of "
            f"{plural(connections['total'], 'connection')}, "
            f"{number_text.rate(look.frames)} frames/s"
        )
        self.words(f"{look.trouble or 'nothing is wrong'}{of_mirror(look)}")
        if self._shown == "connections":
            self._connections(list(look.connections))
        else:
            self._quotes()

    def _quotes(self) -> None:
        memory, table = self.sight.watching.memory(self.venue), self.table
        if memory is not None:
            self._instruments.look(memory)
            by = None if table.by is None else FIELDS[table.by]
            symbols = self._instruments.symbols(self.pattern, by, table.descending)

            def cells(symbol: object) -> list[Cell]:
                return instrument_row(self._instruments, str(symbol))

            table.show(symbols, cells)

    def _connections(self, rows: list[dict[str, object]]) -> None:
        table, wanted = self.table, self.pattern.lower()
        rows = [row for row in rows if wanted in str(row["url"]) + str(row["detail"]).lower()]
        if table.by is not None:
            by = table.by
            rows.sort(key=lambda row: connection_key(row, by), reverse=table.descending)
        by_id = {row["id"]: row for row in rows}

        def cells(row: object) -> list[Cell]:
            return connection_row(by_id[row])

        table.show(list(by_id), cells)
        row = by_id.get(table.marked)
        if row is not None and row["detail"]:
            self.words(f"{row['url']}: {row['detail']}")

    def _turn_to(self, name: str) -> None:
        self.table.display = False
        self._shown = name
        self.table.display = True
        self.table.focus()
        self.look()

    def action_connections(self) -> None:
        """Its connections."""
        self._turn_to("connections")

    def action_instruments(self) -> None:
        """Its instruments."""
        self._turn_to("instruments")

    def on_line_table_marked(self, event: LineTable.Marked) -> None:
        """Of an instrument there is no more to say: thousands are not read again for that."""
        if event.table.id == "instruments":
            event.prevent_default()

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        from feedhandler.cli.top.connection import ConnectionScreen
        from feedhandler.cli.top.instrument import InstrumentScreen

        if event.table.id == "connections":
            self.app.push_screen(ConnectionScreen(self.sight, self.venue, int(str(event.row))))
        else:
            self.app.push_screen(InstrumentScreen(self.sight, self.venue, str(event.row)))
