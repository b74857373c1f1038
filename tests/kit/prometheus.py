"""A Prometheus of a test's own on loopback, with the rules that people get, only quicker."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.kit import tools
from tests.kit.rig import until

MISSING = tools.missing("prometheus", "promtool")
DEPLOY: Final = Path(__file__).parents[2] / "deploy"
RULES: Final = DEPLOY / "prometheus" / "feedhandler.rules.yml"
_EVERY: Final = "500ms"
T = TypeVar("T")


def hasty(rules: str) -> str:
    """The same alerts after a second or two instead of minutes."""
    return re.sub(r"(?m)^( +for:) .*", r"\1 1s", rules).replace("> 60", "> 2")


class Prometheus:
    """What its HTTP API says."""

    def __init__(self, url: str) -> None:
        self._url = url

    def _ask(self, path: str, **query: str) -> Any:
        with urlopen(f"{self._url}/api/v1/{path}?{urlencode(query)}", timeout=20) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Of a vector: its rows. Raises HTTPError for what is no expression."""
        found: list[dict[str, Any]] = self._ask("query", query=expression)["result"]
        return found

    def names(self) -> set[str]:
        """Of all metrics that it has."""
        return set(self._ask("label/__name__/values"))

    def soon(self, condition: Callable[[], T]) -> T:
        """What it gives; while that is nothing, after a moment: it knows no more before."""
        found = condition()
        if not found:
            time.sleep(0.2)
        return found

    def firing(self) -> dict[str, dict[str, Any]]:
        """Alerts by name."""
        return {
            each["labels"]["alertname"]: each
            for each in self._ask("alerts")["alerts"]
            if each["state"] == "firing"
        }


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    """One that asks `target` (host:port) twice a second, as a job of the name `feedhandler`."""
    example = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    config = re.sub(r"(_interval:) \w+", rf"\1 {_EVERY}", example).replace("127.0.0.1:8787", target)
    (folder / "prometheus.yml").write_text(config)
    (folder / RULES.name).write_text(hasty(RULES.read_text()))
    log = folder / "log"
    with log.open("w") as said:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdout=said,
            stderr=said,
        )

    def listens() -> str:
        assert process.poll() is None, log.read_text()
        found = re.search(r'"Listening on" address=(\S+)', log.read_text())
        return f"http://{found[1]}" if found and "ready to receive" in log.read_text() else ""

    try:
        yield Prometheus(until(listens, "Prometheus listens"))
    finally:
        process.terminate()
        process.wait(45)
