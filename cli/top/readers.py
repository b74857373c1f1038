"""Who reads, and how far behind."""

from __future__ import annotations

from textual.widget import Widget

from feedhandler.cli.top.rows import READERS, reader_key, reader_row
from feedhandler.cli.top.screen import TopScreen
from feedhandler.cli.top.table import Cell, LineTable
from feedhandler.number_text import plural


class ReadersScreen(TopScreen):
    """The readers of all venues that have registered."""

    def body(self) -> list[Widget]:
        return [
            LineTable(
                READERS,
                empty='nobody is registered: a strategy is with feed.events(name="...")',
                id="readers",
            )
        ]

    def draw(self) -> None:
        table, wanted = self.query_one(LineTable), self.pattern.lower()
        found = {
            (look.venue, row["pid"], row["name"]): row
            for look in self.sight.looks
            for row in self.sight.watching.readers(look.venue)
            if wanted in row["name"].lower() or wanted in look.venue
        }
        keys = list(found)
        if table.by is not None:
            by = table.by
            keys.sort(key=lambda key: reader_key(key[0], found[key], by), reverse=table.descending)

        def cells(key: object) -> list[Cell]:
            assert isinstance(key, tuple)
            return reader_row(key[0], found[key])

        table.show(keys, cells)
        lost = sum(row["lost"] for row in found.values())
        readers = plural(len(found), "reader")
        self.head(f"{self.sight.namespace}: {readers}, {plural(lost, 'record')} lost")
        self.words("LAG: records published and not read yet. LOST: overwritten before they were.")
