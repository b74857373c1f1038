"""The pictures of the documents: the page in Chromium, light, dark and on a phone; `top` as SVG.

    python -m tests.page.screenshots        all of them, into docs/img/

They show simulated venues, so nobody's market data is in them.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import msgspec
from selenium import webdriver
from textual.pilot import Pilot

from feedhandler.bench.kit import leftovers
from feedhandler.cli.top.app import Top
from tests.kit import browser
from tests.kit.rig import Rig, rig, until
from tests.kit.tool import tool

FOLDER = Path(__file__).parents[2] / "docs" / "img"
NAMESPACE = "pictures"
VENUES = ("deribit", "okx", "binance")
CHAIN = "BTC-USD:BTC"
BOOK = "BTC-PERPETUAL"
_MOVED_S = 12.0  # charts and sparks have something to show
#: name: (dark, on a phone, where)
PAGES: dict[str, tuple[bool, bool, tuple[str, ...]]] = {
    "page-venues": (False, False, ()),
    "page-venue": (True, False, ("venue", "deribit")),
    "page-book": (True, True, ("book", "deribit", BOOK)),
    "page-chain": (False, False, ("chain", "deribit", CHAIN)),
}
TOPS: dict[str, tuple[str, ...]] = {
    "top-venues": ("end",),
    "top-instruments": ("home", "down", "enter"),
}


def _look(driver: webdriver.Chrome, *, dark: bool, phone: bool) -> None:
    if phone:
        browser.phone(driver, dark=dark)
        return
    size = {"width": 1100, "height": 460, "deviceScaleFactor": 1, "mobile": False}
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})


def pages(url: str) -> None:
    """Each of PAGES as a PNG."""
    with browser.chromium(1100, 800) as driver:
        for name, (dark, phone, steps) in PAGES.items():
            _look(driver, dark=dark, phone=phone)
            driver.get("about:blank")
            driver.get(f"{url}#/{'/'.join(quote(step, safe='') for step in steps)}")
            until(lambda: driver.execute_script("return !!document.querySelector('td')"), name)
            time.sleep(2.5)  # two events: bars and charts are drawn
            driver.save_screenshot(str(FOLDER / f"{name}.png"))


def tops(namespace: str) -> None:
    """Each of TOPS as an SVG."""

    async def run() -> None:
        async with Top(namespace, 0.5).run_test(size=(110, 16)) as pilot:
            await asyncio.sleep(_MOVED_S)
            for name, keys in TOPS.items():
                await pilot.press(*keys)
                await asyncio.sleep(1.0)
                await pilot.pause()
                (FOLDER / f"{name}.svg").write_text(_svg(pilot), "utf-8")

    asyncio.run(run())


def _svg(pilot: Pilot[None]) -> str:
    """Without the library's fonts from elsewhere: a picture in a document asks nobody."""
    made = pilot.app.export_screenshot(title="feedhandler top")
    return re.sub(r"@font-face \{.*?\}\s*", "", made, flags=re.DOTALL)


def _feed(r: Rig) -> str:
    """Started; the address of its page. One venue is not well, for there to be something to say."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    r.namespace = NAMESPACE
    address = f"127.0.0.1:{port}"
    r.config = msgspec.structs.replace(r.config, status_address=address, namespace=NAMESPACE)
    r.change("deribit", instruments=(BOOK, "ETH-PERPETUAL", "option:BTC-USD:*"))
    r.supervisor()
    for venue in VENUES:
        r.attach(venue).close()
    r.sims["okx"].fault("refuse")
    r.sims["okx"].fault("drop")
    return f"http://127.0.0.1:{port}/"


@tool()
def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as state:
        os.environ["FEEDHANDLER_STATE"] = state
        os.environ["FEEDHANDLER_BUDGETS"] = leftovers.memory(f"test-pictures-{os.getpid()}", "")
        try:
            with rig(*VENUES) as r:
                url = _feed(r)
                tops(r.namespace)
                pages(url)
        finally:
            Path("/dev/shm", os.environ["FEEDHANDLER_BUDGETS"]).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
