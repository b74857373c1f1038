"""One connection: its life, its round trips, its rates."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from textual.widget import Widget
from textual.widgets import Static

from feedhandler import number_text
from feedhandler.cli.output import harmless
from feedhandler.cli.top.rows import spark
from feedhandler.cli.top.screen import TopScreen
from feedhandler.cli.top.sight import Sight
from feedhandler.connection.state import ConnectionState
from feedhandler.number_text import plural
from feedhandler.view.believable import word
from feedhandler.view.words import meaning
from shm import Reason


class ConnectionScreen(TopScreen):
    """A row of a venue's connection table."""

    def __init__(self, sight: Sight, venue: str, row: int) -> None:
        super().__init__(sight)
        self.venue, self.row = venue, row
        self._round_trips: deque[float] = deque(maxlen=200)
        self._frames: deque[float] = deque(maxlen=200)
        self._states: deque[tuple[int, str]] = deque(maxlen=8)

    def body(self) -> list[Widget]:
        return [Static("", id="facts", markup=False)]

    def draw(self) -> None:
        look = self.sight.of(self.venue)
        rows = [row for row in look.connections if row["id"] == self.row] if look else []
        self.head(f"{self.venue}: connection {self.row}")
        if not rows:
            self.query_one("#facts", Static).update("it is not in the table any more")
            return
        row = rows[0]
        self._round_trips.append(float(row["rtt_ns"]))
        self._frames.append(row["frames_per_second"])
        said = (row["since_ns"], _standing(row))
        if not self._states or self._states[-1] != said:
            self._states.append(said)
        width = max(10, self.size.width - 18)
        lines = [f"{name:16}  {value}" for name, value in self._facts(row)]
        lines += [
            "",
            f"{'frames/s':16}  {spark(list(self._frames), width)}",
            f"{'round trips':16}  {spark(list(self._round_trips), width)}",
            "",
            *(f"{number_text.clock(at)[:12]:16}  {text}" for at, text in reversed(self._states)),
        ]
        self.query_one("#facts", Static).update("\n".join(map(harmless, lines)))
        self.words(meaning(word(Reason, row["reason"])))

    def _facts(self, row: dict[str, Any]) -> list[tuple[str, str]]:
        now = time.time_ns()

        def since(at: int) -> str:
            return f"{number_text.duration(now - at)} ago" if at else "never"

        life = [number_text.duration(row["uptime_ns"]) + " in all"] if row["uptime_ns"] else []
        turn = row["next_rotation_ns"]
        return [
            ("address", row["url"]),
            (
                "state",
                f"{_standing(row)} for {number_text.duration(max(0, now - row['since_ns']))}",
            ),
            ("why", row["detail"] or "-"),
            ("connected", ", ".join([since(row["connected_ns"]), *life])),
            ("sessions", f"{row['connects']} begun, {row['disconnects']} cut"),
            ("rotation", number_text.moment(turn) if turn else "none is due"),
            ("keys", f"{row['live']} live, {row['pending']} waiting, {row['failed']} refused"),
            (
                "reads",
                f"{number_text.rate(row['frames_per_second'])} frames/s, "
                f"{number_text.size(row['bytes_per_second'])}/s, "
                f"{number_text.rate(row['levels_per_second'])} levels/s",
            ),
            ("last byte", since(row["last_receive_ns"])),
            (
                "round trip",
                ", ".join(
                    f"{name} {number_text.duration(row[field])}"
                    for name, field in (("p50", "rtt_p50_ns"), ("p99", "rtt_p99_ns"))
                    if row[field]
                )
                or "not measured yet",
            ),
            ("queue", number_text.size(row["queue_bytes"])),
            ("behind", number_text.duration(row["behind_ns"]) if row["behind_ns"] else "no"),
            ("was first", plural(row["wins"], "time")),
            (
                "read slowly",
                f"{row['slow_frames']:,} of {number_text.plural(row['frames'], 'frame')}",
            ),
        ]


def _standing(row: dict[str, Any]) -> str:
    reason = word(Reason, row["reason"])
    state = word(ConnectionState, row["state"])
    return state if reason == "NONE" else f"{state} ({reason})"
