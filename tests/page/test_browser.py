"""The page in a real Chromium: every view, live, while a venue dies and heals."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

import msgspec
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from feedhandler.supervisor.control_socket import request
from tests.kit import browser
from tests.kit.rig import Rig, rig, until

pytestmark = pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING)
VENUES = ("deribit", "okx")


@pytest.fixture(scope="module")
def feed() -> Iterator[tuple[Rig, str]]:
    """A whole feed, and the address of its page."""
    with rig(*VENUES) as r:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        r.config = msgspec.structs.replace(r.config, status_address=f"127.0.0.1:{port}")
        r.change("deribit", instruments=("BTC-PERPETUAL", "option:BTC-USD:*"))
        r.supervisor()
        for venue in VENUES:
            r.attach(venue).close()
        yield r, f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    with browser.chromium() as found:
        yield found


def says(driver: webdriver.Chrome, *texts: str, where: str = "main") -> None:
    """Wait until all of these are there to read."""

    def there() -> bool:
        shown = driver.find_element(By.CSS_SELECTOR, where).text
        return all(text in shown for text in texts)

    until(there, f"{texts} in {where}")


def go(driver: webdriver.Chrome, url: str, *steps: str) -> None:
    driver.get(url)
    if steps:
        place = "/".join(quote(step, safe="") for step in steps)
        driver.execute_script("location.hash = arguments[0]", f"#/{place}")


def test_every_view_is_live_and_complains_of_nothing(
    feed: tuple[Rig, str], driver: webdriver.Chrome
) -> None:
    _, url = feed
    browser.requested(driver)  # of tests before
    go(driver, url)
    says(driver, "2 of 2 venues LIVE", "deribit", "okx")
    go(driver, url, "venue", "deribit")
    says(driver, "deribit: LIVE", "Nothing is wrong.", "BTC-PERPETUAL", "Connections")
    until(lambda: len(driver.find_elements(By.CSS_SELECTOR, ".chart canvas")) >= 4, "charts")
    go(driver, url, "book", "deribit", "BTC-PERPETUAL")
    says(driver, "BTC-PERPETUAL: LIVE", "Bid", "Ask", "Trades")
    first = driver.find_element(By.ID, "ladder").text
    until(lambda: driver.find_element(By.ID, "ladder").text != first, "the ladder moves")
    go(driver, url, "chain", "deribit", "BTC-USD:BTC")
    says(driver, "Options on BTC-USD:BTC", "Strike", "IV %", "Calls left, puts right")
    assert len(driver.find_elements(By.CSS_SELECTOR, "tr.money")) == 1
    go(driver, url, "readers")
    says(driver, "0 readers")
    go(driver, url, "book", "deribit", "NO:SUCH/@ONE <b>")
    says(driver, "Not there", "NO:SUCH/@ONE <b>")
    assert browser.complaints(driver) == []
    asked = {each for each in browser.requested(driver) if not each.startswith("data:")}
    assert asked
    assert all(each.startswith(url) for each in asked), asked


def test_filter_sort_and_keyboard_alone(feed: tuple[Rig, str], driver: webdriver.Chrome) -> None:
    _, url = feed
    go(driver, url)
    says(driver, "deribit")
    keys = webdriver.ActionChains(driver)
    until(lambda: driver.find_elements(By.CSS_SELECTOR, "#venues a"), "links")
    names = []
    for _ in range(8):
        keys.send_keys(Keys.TAB).perform()
        names.append(driver.switch_to.active_element.text)
        if names[-1] == "deribit":
            break
    assert names[-1] == "deribit", names
    keys.send_keys(Keys.ENTER).perform()
    says(driver, "deribit: LIVE", "BTC-PERPETUAL")
    field = driver.find_element(By.ID, "filter")
    field.send_keys("perp")
    until(lambda: len(driver.find_elements(By.CSS_SELECTOR, "#instruments tbody tr")) == 1, "one")
    field.clear()
    field.send_keys("-C")
    head = "#instruments button[data-name=bid]"
    for order in ("ascending", "descending"):
        driver.find_element(By.CSS_SELECTOR, head).send_keys(Keys.ENTER)
        until(
            lambda o=order: driver.find_elements(  # type: ignore[misc]
                By.CSS_SELECTOR, f"#instruments th[aria-sort={o}]"
            ),
            order,
        )
        assert driver.switch_to.active_element.get_attribute("data-name") == "bid"

    def bids() -> list[float]:
        cells = "document.querySelectorAll('#instruments tbody tr td:nth-child(3)')"
        texts = driver.execute_script(f"return [...{cells}].map(cell => cell.innerText)")
        return [float(text) for text in texts if text != "-"]

    until(lambda: len(bids()) > 2 and bids() == sorted(bids(), reverse=True), "from the highest")


def test_on_a_phone_in_both_looks(feed: tuple[Rig, str], driver: webdriver.Chrome) -> None:
    _, url = feed
    backs = set()
    try:
        for dark in (False, True):
            browser.phone(driver, dark=dark)
            for steps in ((), ("venue", "deribit"), ("book", "deribit", "BTC-PERPETUAL")):
                go(driver, url, *steps)
                says(driver, "LIVE")
                width = driver.execute_script("return document.documentElement.scrollWidth")
                assert width <= 390, steps
            backs.add(driver.execute_script("return getComputedStyle(document.body).background"))
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert len(backs) == 2


def test_a_venue_that_is_killed_is_seen_to_heal(
    feed: tuple[Rig, str], driver: webdriver.Chrome
) -> None:
    r, url = feed
    go(driver, url)
    says(driver, "2 of 2 venues LIVE")
    killed = set[int]()

    def killed_and_shown() -> bool:
        """Each death makes the next start later, until it is late enough to be seen."""
        venues = request(r.namespace, {"do": "status"})["venues"]
        pid = next(each["pid"] for each in venues if each["venue"] == "okx")
        if pid and pid not in killed:
            killed.add(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shown = driver.find_element(By.TAG_NAME, "main").text
        wanted = "1 of 2 venues LIVE", "okx: STALE: FAILED for", "killed by SIGKILL"
        return all(text in shown for text in wanted)

    until(killed_and_shown, "a venue that was killed is shown")
    says(driver, "2 of 2 venues LIVE")
    assert "started again: killed by SIGKILL" in driver.find_element(By.ID, "troubles").text
