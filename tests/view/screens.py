"""What the three screens say of each venue: `status`, `top` at 80 x 24, and the page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import orjson
from textual.pilot import Pilot

from feedhandler.cli import status
from feedhandler.cli.top.app import Top
from feedhandler.cli.top.table import LineTable

SCREENS = ("status", "top", "page")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
Said = dict[str, str]  #: by screen


@dataclass
class Screens:
    """`page`: the address of the page."""

    namespace: str
    page: str
    _pilot: Pilot[None]
    _http: aiohttp.ClientSession

    async def say(self) -> dict[str, Said]:
        """What each of them says now, by venue; nothing of a venue that one does not show."""
        status_, page = await asyncio.to_thread(self._status), await self._page()
        top = await self._top()
        venues = [*status_, *(name for name in page if name not in status_)]
        found = (status_, top, page)
        return {
            venue: {screen: its.get(venue, "") for screen, its in zip(SCREENS, found, strict=True)}
            for venue in venues
        }

    def _status(self) -> dict[str, str]:
        """The lines of `feedhandler status`, without what does not concern what is wrong."""
        found = status.gather(self.namespace)
        names = [venue["venue"] for venue in found["venues"]]
        lines = [_ESCAPES.sub("", line) for line in status._view(found, self.namespace)]
        return _by_venue(lines[3:], names)

    async def _top(self) -> dict[str, str]:
        """The line that `top` has under its table for each venue when it is marked."""
        top, found = self._pilot.app, {}
        assert isinstance(top, Top)
        top.look()
        await self._pilot.press("home")
        for _ in top.sight.looks:
            await self._pilot.pause()
            marked = str(top.screen.query_one(LineTable).marked)
            found[marked] = self._words().removeprefix(f"{marked}: ")
            await self._pilot.press("down")
        return found

    def _words(self) -> str:
        """As it is drawn: what does not fit is not there."""
        screen = self._pilot.app.screen
        region = screen.query_one("#words").region
        lines = [
            "".join(segment.text for segment in strip).rstrip()
            for strip in screen._compositor.render_strips()[region.y : region.bottom]
        ]
        return " ".join(lines).strip()

    async def _page(self) -> dict[str, str]:
        """The lines at the head of the page."""
        async with self._http.get(f"{self.page}/view?view=venues") as answer:
            rows = orjson.loads(await answer.read())["venues"]
        return {row["venue"]: ": ".join(filter(None, _page_line(row))) for row in rows}


def _page_line(row: dict[str, str]) -> tuple[str, str]:
    return row["state"], row["trouble"]


def _by_venue(lines: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    now = ""
    for line in lines:
        first = line.split(" ", 1)[0]
        if first in names:
            now = first
            state = line.split()[1]
            found[now] = [f"{state}:"]
        elif now:
            found[now].append(line.strip())
    return {name: " ".join(its) for name, its in found.items()}


@asynccontextmanager
async def screens(namespace: str, page: str) -> AsyncIterator[Screens]:
    """All of them, open."""
    async with (
        aiohttp.ClientSession() as http,
        Top(namespace, 60.0).run_test(size=(80, 24)) as pilot,
    ):
        yield Screens(namespace, page, pilot, http)
