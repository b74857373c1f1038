"""`feedhandler top`: what it shows, its keys, a feed that dies and returns."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from feedhandler import venues
from feedhandler.cli.top.app import Top
from feedhandler.cli.top.connection import ConnectionScreen
from feedhandler.cli.top.help import TEXT, Help
from feedhandler.cli.top.instrument import InstrumentScreen
from feedhandler.cli.top.overview import Overview
from feedhandler.cli.top.readers import ReadersScreen
from feedhandler.cli.top.rows import READERS, VENUES
from feedhandler.cli.top.table import LineTable
from feedhandler.cli.top.venue import VenueScreen
from feedhandler.view.instruments import Instruments
from shm import Kind, State
from shm.memory import Memory
from shm.segment import WriterSegment, create
from tests.cli.support import COMMAND, _environment, until
from tests.shm.support import kill, other_writer

SMALL: dict[str, Any] = {"instruments": 64, "depth": 5, "ring_slots": 256, "connections": 4}
ODD = ("BTC-USDT", "币安人生USDT", "xyz:CL", "PURR/USDC", "@107", "ETH-USDT")
_WELL = (
    "w.set_state(2, 0)\nw.heartbeat()\n"
    "w.directory_add({'symbol': b'BTC-USDT', 'name': b'BTC-USDT'})\n"
    "w.quote_store(0, {'state': 2, 'bid_price': 7, 'ask_price': 9})\n"
    "import threading\n"
    "beat = lambda: [w.heartbeat() or time.sleep(0.05) for _ in iter(int, 1)]\n"
    "threading.Thread(target=beat, daemon=True).start()"
)


def fill(owner: WriterSegment) -> None:
    """A venue that is well, with instruments of odd names, one of them not live."""
    writer, now = owner.writer, time.time_ns()
    writer.set_state(int(State.LIVE), 0)
    writer.heartbeat(now)
    for at, symbol in enumerate(ODD):
        name = symbol.encode()
        writer.directory_add({"symbol": name, "name": name, "has_book": 1})
        state = int(State.STALE if symbol == "@107" else State.LIVE)
        prices = {"bid_price": 100 - at, "ask_price": 200 + at, "bid_size": 1, "ask_size": 2}
        writer.quote_store(at, {"state": state, "data_ns": now, "reason": 0, **prices})
    writer.book_store(0, {"state": int(State.LIVE), "receive_ns": now}, [(100, 1)], [(200, 2)])
    writer.message(0, [(int(Kind.TRADE), 0, 150, 3)])
    writer.message(0, [(int(Kind.STATE), 0, int(State.LIVE), 0)])
    writer.publish()
    writer.connection_store(
        0, id=0, state=int(State.LIVE), url=b"wss://venue/ws", since_ns=now, connected_ns=now
    )


def screen_text(pilot: Pilot[None]) -> str:
    """All that is on the screen."""
    return "\n".join(
        "".join(segment.text for segment in strip)
        for strip in pilot.app.screen._compositor.render_strips()
    )


async def see(pilot: Pilot[None], *texts: str) -> None:
    """Wait until all of these are on the screen."""
    end = time.monotonic() + 60
    while not all(text in screen_text(pilot) for text in texts):
        assert time.monotonic() < end, (texts, screen_text(pilot))
        await pilot.pause(0.02)


def drive(
    namespace: str,
    steps: Callable[[Pilot[None]], Awaitable[None]],
    size: tuple[int, int],
    owner: WriterSegment | None = None,
    every_s: float = 0.2,
) -> None:
    """`owner`: the writer that goes on meanwhile; `every_s`: from one look to the next."""

    async def beat() -> None:
        while owner is not None:
            owner.writer.heartbeat()
            await asyncio.sleep(0.1)

    async def run() -> None:
        beating = asyncio.create_task(beat())
        async with Top(namespace, every_s).run_test(size=size) as pilot:
            await steps(pilot)
        beating.cancel()

    asyncio.run(run())


def marked(table: LineTable) -> object:
    """The row that is marked now."""
    return table.marked


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_every_screen_and_its_keys(namespace: str, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await see(pilot, "1 of 1 venue LIVE, 5 of 6 instruments", "okx", "nothing is wrong")
        await pilot.press("question_mark")
        await see(pilot, "KEYS", "sort by the next")
        assert max(map(len, TEXT.splitlines())) <= 76  # of 80, beside a scroll bar
        assert isinstance(pilot.app.screen, Help)
        await pilot.press("escape", "r")
        assert isinstance(pilot.app.screen, ReadersScreen)
        await see(pilot, "nobody is registered")
        await pilot.press("escape", "enter")
        assert isinstance(pilot.app.screen, VenueScreen)
        await see(pilot, "币安人生USDT", "xyz:CL", "PURR/USDC", "@107", "STALE")
        await pilot.press("c")
        await see(pilot, "1 of 1 connection")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, ConnectionScreen)
        await see(pilot, "wss://venue/ws", "round trip")
        await pilot.press("escape", "i", "enter")
        assert isinstance(pilot.app.screen, InstrumentScreen)
        await see(pilot, "BTC-USDT", "BID", "ASK", "100", "200", "150 x 3")
        await pilot.press("escape", "escape", "escape")
        assert isinstance(pilot.app.screen, Overview)

    with create("okx", namespace=namespace, **SMALL) as owner:
        fill(owner)
        drive(namespace, steps, size, owner)


def test_what_a_venue_says_does_nothing_to_a_narrow_terminal(namespace: str) -> None:
    """Names and causes are the venue's words: no screen hands a control of a terminal on."""

    def printable(pilot: Pilot[None]) -> None:
        lines = screen_text(pilot).split("\n")
        assert all(line.isprintable() for line in lines), lines
        assert len(lines) == 10

    async def steps(pilot: Pilot[None]) -> None:
        await see(pilot, "7/8", "okx", "LIVE")
        printable(pilot)
        await pilot.press("enter", "end")
        await see(pilot, "a?[2J", "LIVE")
        printable(pilot)
        await pilot.press("c")
        await see(pilot, "ROW")
        printable(pilot)
        await pilot.press("enter")
        await see(pilot, "address", "wss://venue")
        printable(pilot)
        await pilot.press("escape", "i", "enter")
        await see(pilot, "okx: a?[2J")
        printable(pilot)

    with create("okx", namespace=namespace, **SMALL) as owner:
        fill(owner)
        owner.writer.set_state(int(State.LIVE), 0, "\x1b[2J\x1b]0;title\x07")
        for at, symbol in enumerate((b"\xc2\x9b2J<b>[bold]", b"a\x1b[2J\n\x07\xe2\x80\xaeb")):
            row = len(ODD) + at
            owner.writer.directory_add({"symbol": symbol, "name": symbol, "has_book": 1})
            owner.writer.quote_store(row, {"state": int(State.LIVE), "bid_price": 1})
        owner.writer.connection_store(
            0, id=0, state=int(State.LIVE), url=b"wss://venue/\x1b[2J", detail=b"x\x1b[2J\ny\x07"
        )
        drive(namespace, steps, (40, 10), owner)


def test_filter_sort_and_mouse(namespace: str) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        table = pilot.app.screen.query_one("#instruments", LineTable)
        await see(pilot, "ETH-USDT")
        await pilot.press("slash", *"usdt", "enter")
        await see(pilot, "币安人生USDT")
        assert "PURR" not in screen_text(pilot)
        assert marked(table) == "BTC-USDT"
        await pilot.press("down", "down")
        assert marked(table) == "ETH-USDT"
        await pilot.press("s")  # by symbol
        await pilot.pause()
        assert marked(table) == "ETH-USDT"  # it stays marked, wherever it goes
        await pilot.press("S", "home")
        assert marked(table) == "币安人生USDT"
        await pilot.press("escape")
        await see(pilot, "PURR/USDC")
        bid = screen_text(pilot).split("\n")[1].index("BID")
        await pilot.click("#instruments", offset=(bid, 0))
        await pilot.pause()
        assert table.descending
        await pilot.click("#instruments", offset=(2, 6))
        assert marked(table) == "ETH-USDT"  # the lowest bid

    with create("okx", namespace=namespace, **SMALL) as owner:
        fill(owner)
        drive(namespace, steps, (120, 30), owner)


def test_a_feed_that_is_not_there_dies_and_returns(namespace: str) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await see(pilot, "nothing is in shared memory", "feedhandler start")
        first = other_writer(namespace, "okx", _WELL)
        try:
            await see(pilot, "okx", "LIVE")
            await pilot.press("enter")
            await see(pilot, "BTC-USDT", "LIVE")
        finally:
            kill(first)
        await see(pilot, "okx: STALE", "FAILED for", "its IO process died")
        second = other_writer(namespace, "okx", _WELL)
        try:
            await see(pilot, "okx: LIVE, 1 of 1 instrument")
        finally:
            kill(second)

    drive(namespace, steps, (100, 30))


def test_four_thousand_rows_cost_what_is_seen(namespace: str) -> None:
    drawn: list[object] = []

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        await see(pilot, "S-0")
        table = pilot.app.screen.query_one("#instruments", LineTable)
        inner = table._cells
        table._cells = lambda row: drawn.append(row) or inner(row)  # type: ignore[func-returns-value]
        await see(pilot, " AGE ")  # whole, beside the scroll bar
        await pilot.press("end")
        assert marked(table) == "S-3999"
        await see(pilot, "S-3999")

    with create("okx", namespace=namespace, **SMALL | {"instruments": 4000}) as owner:
        for at in range(4000):
            owner.writer.directory_add({"symbol": b"S-%d" % at, "name": b"S-%d" % at})
        owner.writer.heartbeat()
        drive(namespace, steps, (80, 24), owner)
    assert len(set(drawn)) < 100


def test_a_key_that_moves_the_mark_costs_two_lines(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a look at thousands of quotes, nor a whole screen: the next key would have to wait."""
    drawn, looks = list[object](), list[object]()
    inner = Instruments.look

    def look(self: Instruments, memory: Memory) -> None:
        looks.append(memory)
        inner(self, memory)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        await see(pilot, "S-0", " AGE ")
        table = pilot.app.screen.query_one("#instruments", LineTable)
        cells = table._cells
        table._cells = lambda row: drawn.append(row) or cells(row)  # type: ignore[func-returns-value]
        await pilot.pause(0.1)
        drawn.clear()
        before = len(looks)
        for _ in range(3):
            await pilot.press("down")
            await pilot.pause(0.1)
        assert marked(table) == "S-3"
        assert len(looks) == before
        assert 4 <= len(drawn) <= 6
        assert set(drawn) == {"S-0", "S-1", "S-2", "S-3"}

    monkeypatch.setattr(Instruments, "look", look)
    with create("okx", namespace=namespace, **SMALL | {"instruments": 100}) as owner:
        for at in range(100):
            owner.writer.directory_add({"symbol": b"S-%d" % at, "name": b"S-%d" % at})
        owner.writer.heartbeat()
        drive(namespace, steps, (80, 24), owner, every_s=600.0)


def test_the_name_of_every_venue_has_room() -> None:
    longest = max(map(len, venues.names()))
    (its,) = {one.width for one in (*VENUES, *READERS) if one.title == "VENUE"}
    assert longest <= its


def test_without_a_terminal_it_says_what_programs_use(namespace: str) -> None:
    from tests.cli.support import run

    result = run("top", namespace=namespace)
    assert result.returncode == 2
    assert "feedhandler status --json" in result.stderr


TMUX = shutil.which("tmux")


@pytest.mark.skipif(TMUX is None, reason="no tmux: apt-get install tmux")
@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 50), (40, 12)])
@pytest.mark.parametrize("plain", [False, True])
def test_in_a_real_terminal(namespace: str, columns: int, lines: int, plain: bool) -> None:
    server = f"test-{os.getpid()}-{columns}-{plain}"
    environment = _environment(FEEDHANDLER_NAMESPACE=namespace, TERM="xterm-256color")
    if plain:
        environment |= {"NO_COLOR": "1"}

    def tmux(*arguments: str) -> str:
        command = [str(TMUX), "-L", server, "-f", "/dev/null", *arguments]
        result = subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, timeout=60
        )
        return result.stdout

    def shown(text: str) -> str | None:
        owner.writer.heartbeat()
        screen = tmux("capture-pane", "-p", "-e")
        return screen if text in screen else None

    with create("okx", namespace=namespace, **SMALL) as owner:
        fill(owner)
        try:
            size = ("-x", str(columns), "-y", str(lines))
            tmux("new-session", "-d", *size, *COMMAND, "top", "--every", "0.2")
            first = until(lambda: shown("okx") and shown("VENUE"), "it is drawn")
            tmux("send-keys", "Enter")
            until(lambda: shown("SYMBOL"), "the venue is shown")
            tmux("send-keys", "q")
            until(lambda: not tmux("list-sessions"), "it has left")
        finally:
            tmux("kill-server")
    assert all(len(line) <= columns for line in _plain(first).split("\n"))
    if plain:
        assert not any(f"\x1b[{code}m" in first for code in (31, 32, 33))


def _plain(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)
