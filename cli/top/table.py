"""A table that draws only the lines that are seen, so that 4,000 rows cost as much as forty."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from feedhandler.cli.output import cut, pad

Cell = tuple[str, str]  #: (text, one of STYLES)

#: few colours, and none that says what no word says
STYLES = {
    "": Style(),
    "good": Style(color="green"),
    "warn": Style(color="yellow"),
    "bad": Style(color="red", bold=True),
    "dim": Style(dim=True),
    "bold": Style(bold=True),
    "bid": Style(color="green"),
    "ask": Style(color="red"),
}
_HEAD = Style(dim=True, underline=True)
_CURSOR = Style(reverse=True)
_GAP = 2
_LEAST = 8  # columns of a name that is cut


@dataclass(frozen=True, slots=True)
class TableColumn:
    """`width`: what it needs; `drop`: where room is short, the column with the highest number goes
    first, 0 never; `grow`: it takes what is left; `most`: sorted from the highest on."""

    title: str
    width: int
    right: bool = False
    drop: int = 0
    grow: bool = False
    most: bool = False


class LineTable(ScrollView, can_focus=True):
    """Rows are known by what identifies them, so that the mark stays on its row while others move.

    Messages: `Chosen` (Enter, double click), `Marked` (another row is marked), `Sorted`.
    """

    BINDINGS = [  # noqa: RUF012 - as the library declares it
        Binding("up,k", "mark(-1)", show=False),
        Binding("down,j", "mark(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "mark(-1000000)", show=False),
        Binding("end,G", "mark(1000000)", show=False),
        Binding("enter", "choose", "open"),
        Binding("s", "sort(1)", "sort"),
        Binding("S", "turn", show=False),
    ]
    DEFAULT_CSS = "LineTable { height: 1fr; overflow-x: hidden; }"

    class Chosen(Message):
        """Go into this row."""

        def __init__(self, table: LineTable, row: Hashable) -> None:
            super().__init__()
            self.table, self.row = table, row

    class Marked(Message):
        """Another row is marked."""

        def __init__(self, table: LineTable, row: Hashable) -> None:
            super().__init__()
            self.table, self.row = table, row

    class Sorted(Message):
        """Another column, or the other way round: the rows are wanted in that order."""

        def __init__(self, table: LineTable) -> None:
            super().__init__()
            self.table = table

    def __init__(self, columns: Sequence[TableColumn], *, empty: str, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.columns = list(columns)
        self.by: int | None = None  #: the column that it is sorted by; None: the venue's own order
        self.turned = False  #: the other way round
        self._empty = empty
        self._rows: Sequence[Hashable] = ()
        self._cells: Callable[[Hashable], Sequence[Cell]] = lambda _: ()
        self._at = 0
        self._widths: list[tuple[int, int]] = []
        self._fitted = 0  #: the room that they are for

    # ---- what it shows

    @property
    def descending(self) -> bool:
        """Whether the highest comes first."""
        return self.by is not None and self.columns[self.by].most != self.turned

    @property
    def marked(self) -> Hashable | None:
        """The row that is marked; None: there is none."""
        return self._rows[self._at] if self._rows else None

    def show(self, rows: Sequence[Hashable], cells: Callable[[Hashable], Sequence[Cell]]) -> None:
        """These rows from now on. `cells` is asked for what is seen, when it is drawn."""
        before = self.marked
        self._rows, self._cells = rows, cells
        if before is not None and before != self.marked:
            try:
                self._at = rows.index(before)
            except ValueError:
                self._at = min(self._at, max(0, len(rows) - 1))
        self._at = min(self._at, max(0, len(rows) - 1))
        self._fit()
        self.refresh()

    def on_resize(self, event: Resize) -> None:  # noqa: ARG002
        self._fit()

    def _fit(self) -> None:
        """Share out what room there is, and say how far one can scroll."""
        room = max(1, self._room)
        self._share(room)
        self.virtual_size = Size(room, len(self._rows) + 1)

    @property
    def _room(self) -> int:
        """Columns of the screen, without those of a scroll bar."""
        return self.scrollable_content_region.width

    def _share(self, room: int) -> None:
        """Which columns have room, and how much of it."""
        self._fitted = room
        shown = list(range(len(self.columns)))

        def over() -> int:
            return sum(self.columns[i].width for i in shown) + _GAP * (len(shown) - 1) - room

        gives = max(0, self.columns[0].width - _LEAST)  # the first: a name, which may be cut
        while over() > 0 and len(shown) > 1:
            going = [i for i in shown if self.columns[i].drop]
            if not going and over() <= gives:
                break
            shown.remove(max(going, key=lambda i: self.columns[i].drop) if going else shown[-1])
        spare, growing = max(0, -over()), [i for i in shown if self.columns[i].grow]
        self._widths = [
            (i, self.columns[i].width + (spare // len(growing) if i in growing else 0))
            for i in shown
        ]
        first, width = self._widths[0]
        self._widths[0] = first, max(1, width - max(0, over()))

    # ---- drawing

    def render_line(self, y: int) -> Strip:
        """The column heads, and below them the rows from where it is scrolled to."""
        width = self._room
        if width != self._fitted:  # the scroll bar came, or went
            self._share(width)
        if y == 0:
            return self._strip([(self._title(i), "") for i, _ in self._widths], _HEAD, width, None)
        row = self.scroll_offset.y + y - 1
        if not self._rows:
            text = self._empty if y == 2 else ""
            return Strip([Segment(pad(cut(text, width), width), STYLES["dim"])])
        if row >= len(self._rows):
            return Strip.blank(width)
        marked = row == self._at and self.has_focus
        found = self._cells(self._rows[row])
        shown = [found[i] for i, _ in self._widths]
        return self._strip(shown, _CURSOR if marked else Style(), width, row)

    def _title(self, column: int) -> str:
        mark = "" if column != self.by else ("-" if self.descending else "+")
        return self.columns[column].title + mark

    def _strip(self, cells: Sequence[Cell], over: Style, width: int, row: int | None) -> Strip:
        segments, used = [], 0
        for at, ((i, room), (text, style)) in enumerate(zip(self._widths, cells, strict=True)):
            if at:
                segments.append(Segment(" " * _GAP, over))
                used += _GAP
            shown = pad(cut(text, room), room, self.columns[i].right)
            meta = Style(meta={"column": i} if row is None else {"row": row})
            segments.append(Segment(shown, STYLES[style] + over + meta))
            used += room
        segments.append(Segment(" " * max(0, width - used), over))
        return Strip(segments).adjust_cell_length(width)

    # ---- keys and mouse

    def action_mark(self, by: int) -> None:
        """Mark a row further down, or up."""
        self._mark(self._at + by)

    def action_page(self, by: int) -> None:
        """Mark a row a screen further."""
        self._mark(self._at + by * max(1, self.size.height - 2))

    def _mark(self, row: int) -> None:
        before = self._at
        self._at = max(0, min(len(self._rows) - 1, row))
        top, room = self.scroll_offset.y, max(1, self.size.height - 1)
        if self._at < top:
            self.scroll_to(y=self._at, animate=False)
        elif self._at >= top + room:
            self.scroll_to(y=self._at - room + 1, animate=False)
        if before != self._at and self.marked is not None:
            self.post_message(self.Marked(self, self.marked))
        for line in {before, self._at}:  # scrolling draws all of them anyhow
            self.refresh_line(line + 1)

    def action_choose(self) -> None:
        """Go into the marked row."""
        if self.marked is not None:
            self.post_message(self.Chosen(self, self.marked))

    def action_sort(self, by: int) -> None:
        """By the next column that is shown; after the last in the venue's own order."""
        order: list[int | None] = [None, *(i for i, _ in self._widths)]
        at = order.index(self.by) if self.by in order else 0
        self.sort_by(order[(at + by) % len(order)])

    def sort_by(self, column: int | None) -> None:
        """By this column; by the same one again: the other way round."""
        self.turned = not self.turned if column is not None and column == self.by else False
        self.by = column
        self.post_message(self.Sorted(self))

    def action_turn(self) -> None:
        """The other way round."""
        self.turned = not self.turned
        self.post_message(self.Sorted(self))

    def on_click(self, event: Click) -> None:
        """A head sorts, a row is marked, and a second click goes into it."""
        meta = event.style.meta
        if "column" in meta:
            self.sort_by(int(meta["column"]))
        elif "row" in meta:
            again = int(meta["row"]) == self._at and event.chain > 1
            self._mark(int(meta["row"]))
            if again:
                self.action_choose()
