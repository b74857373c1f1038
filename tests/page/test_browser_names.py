"""The page in a real Chromium: whatever venues call their instruments, and thirty venues."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from feedhandler import venues
from feedhandler.supervisor.status_http import StatusServer
from feedhandler.view.status import namespace_status
from shm import NONE, Flag, Kind, Reason, State
from shm.segment import create
from tests.kit import browser
from tests.kit.rig import until
from tests.page.test_browser import driver, go, says

pytestmark = pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING)
__all__ = ["driver"]
NAMES = (
    "币安人生USDT", "xyz:CL", "PURR/USDC", "@107", "a<b>&\"'c", "../../x", "BTC USD 100%",
    "#1?x=y&z", "é" * 31,
)  # fmt: skip
_EXPONENTS = {"price_exponents": [-2] * 8, "size_exponents": [-3] * 8}
_CELL = {"price_exponent": -2, "size_exponent": -3}


@contextmanager
def page(namespace: str) -> Iterator[str]:
    """Of a namespace, in a thread; its address."""
    loop, over, found = asyncio.new_event_loop(), asyncio.Event(), list[str]()
    ready = threading.Event()

    async def serve() -> None:
        server = StatusServer("127.0.0.1:0", lambda: namespace_status(namespace))
        await server.start()
        found.append(f"{server.url}/")
        ready.set()
        await over.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@contextmanager
def memories(namespace: str, names: dict[str, tuple[str, ...]]) -> Iterator[None]:
    """Of venues with these instruments, each with a book; their hearts beat."""
    over = threading.Event()
    with ExitStack() as stack:
        writers = []
        for venue, symbols in names.items():
            held = stack.enter_context(create(venue, namespace=namespace, instruments=16, depth=5))
            writers.append(held.writer)
            for at, symbol in enumerate(symbols):
                row = held.writer.directory_add(
                    {"symbol": symbol.encode(), "kind": 1, "has_book": 1} | _EXPONENTS
                )
                sides = [(0, 10_000 + at, 5), (1, 10_001 + at, 7)]
                levels = [(Kind.LEVEL, *each) for each in sides]
                last = held.writer.message(
                    row, [(Kind.CLEAR, 0, 0, 0), *levels], flags=Flag.SNAPSHOT
                )
                state = {"state": State.LIVE, "reason": Reason.NONE, "ring_sequence": last}
                bids, asks = ([each[1:]] for each in sides)
                totals = {"receive_ns": 1, "bids_total": 1, "asks_total": 1}
                held.writer.book_store(row, _CELL | state | totals, bids, asks)
                tops = {"bid_price": bids[0][0], "ask_price": asks[0][0], "last_price": NONE}
                held.writer.quote_store(row, _CELL | state | tops)
            held.writer.set_state(State.LIVE, Reason.NONE)
            held.writer.publish()

        def beat() -> None:
            while not over.wait(0.05):
                for writer in writers:
                    writer.heartbeat()

        heart = threading.Thread(target=beat)
        heart.start()
        try:
            yield
        finally:
            over.set()
            heart.join()


def _fresh(driver: webdriver.Chrome) -> None:
    """Without the page of the test before, whose server is gone."""
    driver.get("about:blank")
    browser.complaints(driver)


def wide(driver: webdriver.Chrome) -> int:
    return int(driver.execute_script("return document.documentElement.scrollWidth"))


def test_a_name_of_any_kind_leads_to_its_book(namespace: str, driver: webdriver.Chrome) -> None:
    with memories(namespace, {"okx": NAMES}), page(namespace) as url:
        _fresh(driver)
        for name in NAMES:
            go(driver, url, "venue", "okx")
            says(driver, *(each for each in NAMES))
            found = driver.find_elements(By.CSS_SELECTOR, "#instruments tbody a")
            [link] = [each for each in found if each.text == name]
            link.click()
            says(driver, f"{name}: LIVE", f"{100.01 + NAMES.index(name) / 100:.2f}")
            driver.refresh()  # the address alone leads there, too
            says(driver, f"{name}: LIVE", "Bid", "Ask")
        assert driver.find_elements(By.CSS_SELECTOR, "main b") == []
        assert browser.complaints(driver) == []


def test_thirty_venues_fit_on_a_screen_and_on_a_phone(
    namespace: str, driver: webdriver.Chrome
) -> None:
    names = venues.names()
    assert len(names) >= 30
    with memories(namespace, dict.fromkeys(names, ("BTC-USDT",))), page(namespace) as url:
        try:
            _fresh(driver)
            go(driver, url)
            says(driver, f"of {len(names)} venues LIVE", *names)
            assert wide(driver) <= driver.execute_script("return innerWidth")
            browser.phone(driver, dark=True)
            go(driver, url)
            says(driver, *names)
            until(lambda: wide(driver) <= 390, "it is as wide as the phone")
        finally:
            driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert browser.complaints(driver) == []
