"""A feed of simulated venues that take orders, and examples as their users run them."""

from __future__ import annotations

import importlib
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest

import shm
from feedhandler.sim.runner import SimEndpoint, SimOptions
from tests.cli.support import spawn, until
from tests.conftest import remove_objects
from tests.kit.rig import ForkedSims

EXAMPLES = Path(__file__).parents[2] / "scripts" / "examples"
DEADLINE = 90.0
CONFIG = """
status_address = ""
[venues.deribit]
instruments = ["BTC-PERPETUAL", "future:BTC-USD:*", "option:BTC-USD:*"]
ws_url = "{deribit.ws_url}"
rest_url = "{deribit.rest_url}/api/v2"
[venues.okx]
instruments = ["BTC-USD-SWAP"]
ws_url = "{okx.ws_url}"
rest_url = "{okx.rest_url}"
"""


class World:
    """The feed's namespace, and the simulators' control."""

    def __init__(self, namespace: str, endpoints: dict[str, SimEndpoint]) -> None:
        self.namespace = namespace
        self._endpoints = endpoints

    def ask(self, venue: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET, or POST where there is a body."""
        url = f"{self._endpoints[venue].control_url}/{path}"
        data = None if body is None else orjson.dumps(body)
        with urllib.request.urlopen(url, data, DEADLINE) as answer:
            return orjson.loads(answer.read())

    def order(self, venue: str, kind: str, **more: Any) -> int:
        return int(self.ask(venue, "fault", {"kind": kind, **more})["id"])

    def end(self, venue: str, number: int) -> None:
        self.order(venue, "none", id=number)

    def levels(self, venue: str, symbol: str, side: str) -> list[tuple[float, float]]:
        """The venue's own "bids" or "asks": (price, size), best first."""
        book = self.ask(venue, f"book?symbol={symbol}")
        return [(float(price), float(size)) for price, size in book[side]]

    def touch(self, venue: str, symbol: str) -> tuple[float, float]:
        """The venue's own best bid and ask."""
        return (
            self.levels(venue, symbol, "bids")[0][0],
            self.levels(venue, symbol, "asks")[0][0],
        )

    def attach(self, venue: str) -> shm.Feed:
        return shm.attach(venue, namespace=self.namespace)


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Deribit and OKX, LIVE."""
    name = f"examples-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("world")
    with ForkedSims(["deribit", "okx"], SimOptions(rate=300.0, batch_interval=0.1)) as sims:
        (folder / "feed.toml").write_text(CONFIG.format(**sims.endpoints))
        with (folder / "log").open("w") as log:
            process = spawn(
                "start", str(folder / "feed.toml"),
                namespace=name, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                until(lambda: _live(name, process), "both venues LIVE", DEADLINE)
                yield World(name, dict(sims.endpoints))
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(45.0)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                remove_objects(name)


def _live(namespace: str, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, "the feed ended"
    try:
        for venue, least in (("deribit", 10), ("okx", 1)):
            with shm.attach(venue, namespace=namespace, timeout=0) as feed:
                board = feed.board()
                if feed.state[0] is not shm.State.LIVE or board.live.sum() < least:
                    return False
    except shm.ShmError:
        return False
    return True


class Example:
    """A running example; a context manager that ends it."""

    def __init__(self, world: World, name: str, *arguments: str) -> None:
        """`name`: of a file in scripts/examples; or "-c", and the program itself is an argument."""
        program = name if name == "-c" else str(EXAMPLES / name)
        self.process = subprocess.Popen(
            [sys.executable, "-u", program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"FEEDHANDLER_NAMESPACE": world.namespace},
        )
        self.text = ""

    def lines(self, wanted: str, count: int = 1) -> list[str]:
        """Wait for so many lines that match; all lines so far."""
        deadline = time.monotonic() + DEADLINE
        while len(re.findall(wanted, self.text, re.MULTILINE)) < count:
            assert time.monotonic() < deadline, f"no {wanted!r} in {self.text!r}"
            assert self._read(deadline) or re.search(wanted, self.text, re.MULTILINE), (
                f"ended without {wanted!r}: {self.text}"
            )
        return self.text.splitlines()

    def _read(self, deadline: float) -> bool:
        """Take what has come, for a moment; False at the end."""
        assert self.process.stdout is not None
        patience = max(0.0, min(1.0, deadline - time.monotonic()))
        if not select.select([self.process.stdout], [], [], patience)[0]:
            return True
        some = os.read(self.process.stdout.fileno(), 1 << 16)
        self.text += some.decode()
        return bool(some)

    def so_far(self) -> str:
        """All that it has said by now."""
        assert self.process.stdout is not None
        while select.select([self.process.stdout], [], [], 0)[0] and self._read(time.monotonic()):
            continue
        return self.text

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It sees nothing of what happens meanwhile, only what has become of it."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def finish(self) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            assert time.monotonic() < deadline, f"has not ended: {self.text}"
        return self.process.wait(DEADLINE)

    def interrupt(self) -> None:
        """Ctrl-C: it ends at once, and no traceback is left on the terminal."""
        self.process.send_signal(signal.SIGINT)
        code = self.finish()
        assert code in (0, 130, -signal.SIGINT), self.text
        assert "Traceback" not in self.text, self.text

    def __enter__(self) -> Example:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def run_blocks(world: World, blocks: Sequence[str], **names: str) -> str:
    """What a document's blocks of Python print, each run to its end by itself, with these names."""
    whole = "\n".join(
        f"exec({block!r}, {names!r})\nprint('done', {n})" for n, block in enumerate(blocks)
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", whole],
        env=os.environ | {"FEEDHANDLER_NAMESPACE": world.namespace},
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("done")] == [
        f"done {n}" for n in range(len(blocks))
    ]
    return done.stdout


def example_module(name: str) -> ModuleType:
    """An example as a module: the folder is no package, it is what its programs start in."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(EXAMPLES))
