"""The points of a process: `shm._native` compiled with `points.h`, and lines of Python files."""

from __future__ import annotations

import ctypes
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, NoReturn

from tests.kit.natives import ROOT, build

ACTIONS = {"kill": 0, "stop": 1, "leave": 2}
LEFT = 7  # exit status of "leave"
FILES = (
    *("attach", "clean", "control_object", "dev_shm", "epoch", "events", "feed"),
    *("readers_object", "segment", "writer_lock"),
)


def build_with_points(module: str = "shm._native", tree: Path = ROOT) -> Path:
    """A native module with a point before each word that goes to shared memory."""
    points = Path(__file__).with_name("points.h")
    return build(module, "-O0", f'-DFH_KILL_POINTS="{points}"', tree=tree)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds native modules at other places."""

    def __init__(self, places: dict[str, Path]) -> None:
        self.places = places

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        place = self.places.get(fullname)
        return importlib.util.spec_from_file_location(fullname, place) if place else None


def replace(places: dict[str, Path]) -> None:
    """Import these modules from there. Before anything has imported them."""
    assert not set(places) & set(sys.modules)
    sys.meta_path.insert(0, _Finder(places))


class Points:
    """The points of this process. `native`: the shared object that `replace` put in place."""

    def __init__(self, native: Path) -> None:
        self.library = ctypes.CDLL(str(native))
        self.library.fh_points_traced.restype = ctypes.c_char_p
        self.library.fh_points_passed.restype = ctypes.c_uint64
        self.lines = Lines()

    def trace(self, lines: bool) -> None:
        """Note every point that is passed from now on."""
        self.library.fh_points_trace()
        if lines:
            self.lines.start(None, 0, "")

    def traced(self) -> list[str]:
        """The points noted, native ones before lines."""
        native = self.library.fh_points_traced().decode().split("\n")[:-1]
        return [*native, *self.lines.names]

    def arm(self, name: str, nth: int, action: str) -> None:
        """Do `action` at the `nth` pass of a point from now on; of any point if name is ""."""
        if name.startswith("line "):
            self.lines.start(name, nth, action)
        else:
            self.library.fh_points_arm(name.encode(), nth, ACTIONS[action])

    def leave_out(self, name: str) -> None:
        """The mutation: this word is never stored, or never loaded again."""
        self.library.fh_points_break(name.encode())

    def off(self) -> None:
        """Pass by whatever comes."""
        self.lines.stop()
        self.library.fh_points_off()


class Lines:
    """The lines of the memory's Python files, as points called `line FILE FUNCTION: SOURCE`."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._codes: dict[CodeType, bool] = {}
        self._wanted: str | None = None
        self._left = 0
        self._action = ""

    def start(self, wanted: str | None, nth: int, action: str) -> None:
        self.names = []
        self._wanted, self._left, self._action = wanted, nth, action
        sys.settrace(self._call)

    def stop(self) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, _event: str, _: Any) -> Any:
        code = frame.f_code
        if code not in self._codes:
            path = Path(code.co_filename)
            self._codes[code] = path.parent == ROOT / "shm" and path.stem in FILES
        return self._line if self._codes[code] else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            code = frame.f_code
            source = linecache.getline(code.co_filename, frame.f_lineno).strip()
            self._pass(f"line {Path(code.co_filename).name} {code.co_name}: {source}")
        return self._line

    def _pass(self, name: str) -> None:
        if self._wanted is None:
            self.names.append(name)
        elif name == self._wanted:
            self._left -= 1
            if self._left == 0:
                self.stop()
                act(self._action)


def act(action: str) -> None:
    """Kill, stop or leave this process."""
    if action == "leave":
        _leave()
    os.kill(os.getpid(), signal.SIGSTOP if action == "stop" else signal.SIGKILL)


def _leave() -> NoReturn:
    os._exit(LEFT)
