"""Faults made to happen on a feed, and what its screens say of each within ten seconds.

    python -m tests.view.ten_seconds --write       all of them, into docs/screens.md

A scene is one fault of one venue. Scenes of one act happen at once, each at a venue of its own, to
one feed: so a screen has to say the right thing of the right venue.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from feedhandler.bench.kit import leftovers
from feedhandler.supervisor.control_socket import NotRunning, request
from tests.kit.patience import patient
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, Rig, rig, until
from tests.kit.tool import tool
from tests.view.screens import SCREENS, Said, Screens, screens

LATE_S = patient(20.0)  #: on a busy machine; the document says how long it took
DOCUMENT = Path(__file__).parents[2] / "docs" / "screens.md"
_LASTS_S = 90.0  # longer than anybody looks
_LOOK_S = 0.2
_PLACE = re.compile(r"(<!-- ten seconds -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """Where a scene plays."""

    r: Rig
    venue: str

    @property
    def symbol(self) -> str:
        """The book that is struck; another one is well."""
        return (SYMBOLS | MORE_SYMBOLS)[self.venue][0]

    def fault(self, kind: str, **keys: Any) -> None:
        """One that lasts."""
        self.once(kind, seconds=_LASTS_S, **keys)

    def of_book(self, kind: str, **keys: Any) -> None:
        """One that lasts, of that book."""
        self.fault(kind, symbol=self.symbol, **keys)

    def once(self, kind: str, **keys: Any) -> None:
        """One that is over at once."""
        self.r.sims[self.venue].fault(kind, **keys)

    def signal(self, number: int) -> None:
        """Of the IO process."""
        found = request(self.r.namespace, {"do": "status"})["venues"]
        os.kill(next(each["pid"] for each in found if each["venue"] == self.venue), number)


@dataclass(frozen=True)
class Scene:
    """`make`: brings the fault about; `what`, `done`: patterns of what is wrong and of what is done
    about it, as each screen has to say; `since`: of since when; `begins`: it is there before the
    feed starts."""

    fault: str
    venue: str
    make: Callable[[Place], Any]
    what: str
    done: str
    begins: bool = False
    since: str = r"\bfor [\d.]+ |\bsince\b|\bago\b"

    def lacks(self, words: str) -> list[str]:
        """The patterns that a screen does not say."""
        wanted = filter(None, (self.what, self.done, self.since))
        return [pattern for pattern in wanted if not re.search(pattern, words)]


def _cut(p: Place, kind: str, **keys: Any) -> None:
    p.fault(kind, **keys)
    p.once("drop")


def _gap(p: Place) -> None:
    p.of_book("no_snapshot")
    p.once("gap", symbol=p.symbol, count=1)


def _gap_without_rest(p: Place) -> None:
    p.fault("rest_error", status=503)
    p.once("gap", symbol=p.symbol, count=1)


def _refuse(p: Place) -> None:
    p.of_book("error_reply", code=60018, message="Wrong URL or channel")


def _kill(p: Place) -> None:
    p.signal(signal.SIGKILL)


def _stop(p: Place) -> None:
    p.signal(signal.SIGSTOP)


_ANEW = "the book is asked for anew|it is asked for again"
_AGAIN = r"next try (in|at)|trying again|open again"
ACTS: tuple[tuple[Scene, ...], ...] = (
    (
        Scene("connection cut, nobody listens", "okx", lambda p: _cut(p, "refuse"),
              "Connection refused", _AGAIN),
        Scene("IO process killed", "deribit", _kill, "process died|killed by",
              "start(s it|ed) again|restarting"),
        Scene("IO process stopped", "binance", _stop, "no sign of life",
              "its supervisor|killed and started again"),
    ),
    (
        Scene("checksum wrong again and again", "okx", lambda p: p.of_book("bad_checksum"),
              "checksum does not match", _ANEW),
        Scene("gap, and no full book comes", "deribit", _gap, "have a hole|did not come", _ANEW),
        Scene("gap, and REST answers 503", "binance", _gap_without_rest,
              "have a hole|did not come|as much was asked", f"{_ANEW}|goes on as soon"),
    ),
    (
        Scene("socket open, nothing comes", "okx", lambda p: p.fault("half_open", new=True),
              r"no byte for [\d.]+ s", _AGAIN),
        Scene("venue in maintenance: 503", "deribit",
              lambda p: _cut(p, "upgrade_error", status=503), "HTTP 503", _AGAIN),
        Scene("we are banned: 429, Retry-After 60 s", "binance",
              lambda p: _cut(p, "upgrade_error", status=429, retry_after=60), "HTTP 429", _AGAIN),
    ),
    (
        Scene("no full book at the start", "deribit", lambda p: p.of_book("no_snapshot"),
              "has just begun|did not come", "on their way|asked for again", begins=True),
        Scene("subscription refused", "okx", _refuse, "refused the subscription", "asked again",
              begins=True),
        Scene("REST answers 503 at the start", "binance",
              lambda p: p.fault("rest_error", status=503), "HTTP 503", "asked again", begins=True),
    ),
    (
        Scene("instrument halted", "okx", lambda p: p.of_book("restate", word="suspend"),
              "not open: BTC-USDT is HALTED since", ""),
        Scene("banned at the start: REST answers 429", "binance",
              lambda p: p.fault("rest_error", status=429, retry_after=60), "HTTP 429",
              "asked again at [0-9:]+ UTC", begins=True),
        Scene("acknowledged, and nothing comes", "bybit-linear", lambda p: p.of_book("dumb"),
              "has not come", "subscribed to anew", begins=True),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """`said`: word for word; `after_s`: when all three had said it, from the fault, or from when
    its process was there."""

    scene: Scene
    after_s: float
    said: Said

    def missing(self) -> list[str]:
        """What a screen leaves out."""
        return [
            f"{screen} does not say {pattern!r}: {self.said.get(screen)!r}"
            for screen in SCREENS
            for pattern in self.scene.lacks(self.said.get(screen, ""))
        ]


@contextmanager
def _feed(act: Sequence[Scene]) -> Iterator[tuple[Rig, str]]:
    """A feed that runs, with the faults of its beginning; and the address of its page."""
    venues = [scene.venue for scene in act]
    with rig(*venues, checksums=True) as r, Path(os.devnull).open("wb") as log:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        r.config = msgspec.structs.replace(r.config, status_address=f"127.0.0.1:{port}")
        for scene in act:
            if scene.begins:
                scene.make(Place(r, scene.venue))
        r.supervisor(log)
        until(lambda: _answers(r.namespace), "the supervisor answers")
        for scene in act:
            if not scene.begins:
                r.attach(scene.venue)
        yield r, f"http://127.0.0.1:{port}"


def _answers(namespace: str) -> bool:
    try:
        return bool(request(namespace, {"do": "status"})["venues"])
    except NotRunning:
        return False


def play(act: Sequence[Scene]) -> list[Shown]:
    """Each scene of an act, and what was said of it. Raises AssertionError: a screen did not say
    it in time."""

    async def run(r: Rig, page: str) -> list[Shown]:
        async with screens(r.namespace, page) as on:
            for scene in act:
                if not scene.begins:
                    scene.make(Place(r, scene.venue))
            return await _watch(act, on)

    with _feed(act) as (r, page):
        return asyncio.run(run(r, page))


async def _watch(act: Sequence[Scene], on: Screens) -> list[Shown]:
    found, now = dict[str, Shown](), time.monotonic()
    kept: dict[str, Said] = {scene.venue: {} for scene in act}  # each screen, when it said it all
    began = {scene.venue: now for scene in act}
    while len(found) < len(act):
        asked, said = time.monotonic(), await on.say()
        for scene in act:
            words = said.get(scene.venue, {})
            if scene.begins and scene.venue not in found and not words.get("top"):
                began[scene.venue] = asked  # its process has not begun
            after = time.monotonic() - began[scene.venue]
            kept[scene.venue] |= {at: its for at, its in words.items() if not scene.lacks(its)}
            shown = Shown(scene, after, words | kept[scene.venue])
            if scene.venue not in found and not shown.missing():
                found[scene.venue] = shown
            late = scene.venue not in found and after > LATE_S
            assert not late, (scene.fault, shown.missing())
        await asyncio.sleep(_LOOK_S)
    return [found[scene.venue] for scene in act]


def table(shown: Sequence[Shown]) -> str:
    """Three lines a fault."""
    lines = ["| fault | said after | by | in these words |", "|---|---|---|---|"]
    for each in shown:
        first = f"{each.scene.fault} | {each.after_s:.1f} s"
        for screen in SCREENS:
            words = each.said[screen].replace("|", "\\|")
            lines.append(f"| {first} | {screen} | {words} |")
            first = " | "
    return "\n".join(lines).replace("|  |", "| |") + "\n"


@tool()
def main(write: bool) -> None:
    with TemporaryDirectory() as state:
        os.environ["FEEDHANDLER_STATE"] = state
        os.environ["FEEDHANDLER_BUDGETS"] = leftovers.memory(f"test-screens-{os.getpid()}", "")
        try:
            text = table([shown for act in ACTS for shown in play(act)])
        finally:
            Path("/dev/shm", os.environ["FEEDHANDLER_BUDGETS"]).unlink(missing_ok=True)
    print(text)
    if write:
        document = DOCUMENT.read_text("utf-8")
        DOCUMENT.write_text(_PLACE.sub(lambda at: at[1] + text + at[2], document), "utf-8")


if __name__ == "__main__":
    main("--write" in sys.argv)
