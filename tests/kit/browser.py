"""A headless Chromium that tests drive: what is on its page, and what it complains about."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.kit import tools

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = tools.missing("chromium", "chromedriver")
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium(width: int = 1300, height: int = 900) -> Iterator[webdriver.Chrome]:
    """One of the test's own, with an empty profile."""
    options = Options()
    options.binary_location = str(CHROMIUM)
    for argument in (*_ARGUMENTS, f"--window-size={width},{height}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


def phone(driver: webdriver.Chrome, *, dark: bool) -> None:
    """As narrow as a phone, in the look that its owner wishes."""
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    look = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": look})


def complaints(driver: webdriver.Chrome) -> list[str]:
    """What stands in its console."""
    return [str(each["message"]) for each in _logged(driver, "browser")]


def requested(driver: webdriver.Chrome) -> set[str]:
    """The addresses that its pages have asked for."""
    found = set()
    for each in _logged(driver, "performance"):
        message = json.loads(each["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.add(str(message["params"]["request"]["url"]))
    return found


def _logged(driver: webdriver.Chrome, kind: str) -> list[dict[str, Any]]:
    """What was logged since it was asked for last."""
    found: list[dict[str, Any]] = driver.get_log(kind)  # type: ignore[no-untyped-call]
    return found
