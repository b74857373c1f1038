"""One instrument: its ladder, its trades, and the states it has been in."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from feedhandler import number_text
from feedhandler.cli.errors import CliError
from feedhandler.cli.inspect_.book import BookView
from feedhandler.cli.inspect_.ladder import ladder
from feedhandler.cli.inspect_.records import Describer
from feedhandler.cli.output import cut
from feedhandler.cli.top.screen import TopScreen
from feedhandler.cli.top.sight import Sight
from feedhandler.view.words import meaning
from shm import ShmError
from shm._native import READ_OK
from shm.names import Kind

if TYPE_CHECKING:
    from shm.inspect import Memory

_EVERY_S = 0.25
_MOST = 20_000  # records a look; older ones are passed over
_KINDS = (int(Kind.TRADE), int(Kind.LIQUIDATION), int(Kind.STATE), int(Kind.DEFINITION))
_BESIDE = 110  #: columns from which on trades stand beside the ladder


class InstrumentScreen(TopScreen):
    """It moves four times a second, whatever the others do."""

    CSS = """
    #ladder { width: 1fr; }
    #side { width: 46; padding-left: 2; display: none; }
    #side.-wide { display: block; }
    """

    def __init__(self, sight: Sight, venue: str, symbol: str) -> None:
        super().__init__(sight)
        self.venue, self.symbol = venue, symbol
        self._view: BookView | None = None
        self._timer: Timer | None = None
        self._epoch = -1
        self._next = 1
        self._trades: deque[dict[str, Any]] = deque(maxlen=100)
        self._states: deque[dict[str, Any]] = deque(maxlen=50)
        self._describer: Describer | None = None

    def body(self) -> list[Widget]:
        ladder_, side = Static("", id="ladder"), Static("", id="side")
        return [Horizontal(ladder_, side)]

    def on_mount(self) -> None:
        super().on_mount()
        self._timer = self.set_interval(_EVERY_S, self.look)

    def draw(self) -> None:
        memory = self.sight.watching.memory(self.venue)
        if memory is None:
            self.head(f"{self.venue} {self.symbol}: nothing of it is in memory")
            return
        try:
            if self._view is None:
                self._view = BookView(self.sight.namespace, self.venue, self.symbol, None, False)
            book = self._view.read()
            self._records(memory)
        except (CliError, ShmError) as error:
            self.head(f"{self.venue} {self.symbol}: {error}")
            return
        wide = self.size.width >= _BESIDE
        self.query_one("#side", Static).set_class(wide, "-wide")
        room = self.size.width - (48 if wide else 0)
        height = max(4, self.size.height - 8)
        lines = ladder(self._view.instrument, book, room, height)
        self.query_one("#ladder", Static).update(Text.from_ansi("\n".join(lines)))
        self.head(f"{self.venue}: {self.symbol}  {self._view.instrument.name}")
        self.query_one("#side", Static).update(Text.from_ansi("\n".join(self._side(height))))
        said = [] if wide else [self._last_trade()]
        if book["reason"] != "NONE":
            said.append(meaning(book["reason"]))
        elif self._states:
            said.append(_state_line(self._states[-1]))
        self.words("\n".join(filter(None, said)))

    def _records(self, memory: Memory) -> None:
        """What the ring has of this instrument since the last look."""
        if memory.epoch != self._epoch:
            self._epoch, self._next = memory.epoch, 1
            self._describer = Describer(memory)
        last = memory.segment.published
        oldest = max(1, last - memory.segment.slots + 1, last - _MOST + 1, self._next)
        self._next = last + 1
        if last < oldest or self._describer is None or self._view is None:
            return
        slots = memory.slots(oldest, last)
        ours = slots["instrument"] == self._view.instrument.id
        for kind in _KINDS:
            kept = self._trades if kind in _KINDS[:2] else self._states
            for slot in slots[ours & (slots["kind"] == kind) & (slots["status"] == READ_OK)][-100:]:
                kept.append(self._describer.record(slot))

    def _side(self, height: int) -> list[str]:
        few = 6
        lines = ["TRADES"]
        lines += map(_trade_line, self._newest(height))
        del lines[max(3, height - few) :]
        lines += ["", "STATES"]
        lines += [cut(_state_line(each), 44) for each in list(self._states)[: -few - 1 : -1]]
        return lines

    def _newest(self, count: int) -> list[dict[str, Any]]:
        """The last trades, newest first."""
        trades = list(self._trades)[: -count - 1 : -1]
        return self._describer.lined_up(trades) if self._describer else []

    def _last_trade(self) -> str:
        return "".join(f"last trade {_trade_line(each).strip()}" for each in self._newest(1))


def _trade_line(record: dict[str, Any]) -> str:
    kind = "" if record["kind"] == "TRADE" else " liquidation"
    clock = number_text.clock(record["exchange_ns"] or record["receive_ns"])[:12]
    return f"{clock} {record['side']:4} {record['price']} x {record['size']}{kind}"


def _state_line(record: dict[str, Any]) -> str:
    clock = number_text.clock(record["receive_ns"])[:12]
    if record["kind"] == "DEFINITION":
        return f"{clock} {record['status']}, definition {record['definition']}"
    reason = "" if record["reason"] == "NONE" else f" ({record['reason']})"
    return f"{clock} {record['state']}{reason}"
