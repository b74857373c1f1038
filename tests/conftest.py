"""What all tests share: a namespace of a test's own, and the folder of recorded captures."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # As a shell has it for what runs in its background; our processes would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("untimed", deadline=None)  # a busy machine is no finding
settings.load_profile("untimed")

#: rooms whose files take longest: dealt out first, so that none still runs at the end
_LONGEST_FIRST = (
    *("soak", "torture", "healing", "proof", "feed", "examples", "connection", "fleet", "shm"),
    *("view", "supervisor", "io_process", "recording", "venues"),
)
#: files for which their package starts the same: dealt out as one
_TOGETHER = {
    f"tests/{room}/test_{name}.py": room
    for room, names in {
        "examples": ("cookbook", "document", "options", "readers", "research", "strategies"),
        "venues": ("contracts", "never_open", "odd_answers"),
    }.items()
    for name in names
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Who deals out files deals out those together."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    dealt = LoadFileScheduling(config, log)
    file_of = dealt._split_scope
    dealt._split_scope = lambda test: _TOGETHER.get(file_of(test), file_of(test))
    return dealt  # type: ignore[no-any-return]


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """One of several workers begins with files of its own: what pytest makes of their assertions
    is kept, and each would make it of all, in the same order and at the same time."""
    told = getattr(session.config, "workerinput", None)
    if told is None or session.config.args != session.config.getini("testpaths"):
        return
    root = session.config.rootpath
    files = sorted((root / "tests").rglob("test_*.py"))
    for path in files[int(told["workerid"][2:]) :: told["workercount"]]:
        with suppress(Exception, pytest.skip.Exception):  # said when it is collected
            import_module(".".join(path.relative_to(root).with_suffix("").parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "soak" not in config.option.markexpr:
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="long; run with -m soak"))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """When a test's file is dealt out; files of one turn keep their order."""
    room = item.path.parent.name
    return _LONGEST_FIRST.index(room) if room in _LONGEST_FIRST else len(_LONGEST_FIRST)


def remove_objects(namespace: str) -> None:
    """Remove whatever a namespace has left in shared memory."""
    for left in Path("/dev/shm").glob(f"{namespace}.*"):
        left.unlink(missing_ok=True)


@pytest.fixture(scope="session", autouse=True)
def budgets() -> Iterator[str]:
    """Budgets of the tests' own, for all processes that they start."""
    name = f"test-budgets-{os.getpid()}"
    os.environ["FEEDHANDLER_BUDGETS"] = name
    try:
        yield name
    finally:
        del os.environ["FEEDHANDLER_BUDGETS"]
        Path("/dev/shm", name).unlink(missing_ok=True)


@pytest.fixture(scope="session", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all processes that tests start keep what outlives them."""
    path = tmp_path_factory.mktemp("state")
    os.environ["FEEDHANDLER_STATE"] = str(path)
    try:
        yield path
    finally:
        del os.environ["FEEDHANDLER_STATE"]


@pytest.fixture
def namespace() -> Iterator[str]:
    """A shared-memory namespace of one test's own, gone afterwards whatever happened."""
    name = f"test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        yield name
    finally:
        remove_objects(name)
