"""Venues that are none of ours: of installed packages, and of files that a user names.

A package has an entry point of the group `feedhandler.venues`, whose name is the venue's. Files are
named by FEEDHANDLER_VENUE_FILES, which `--venue-file` sets, so that processes find what their
parents found.
"""

import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from feedhandler.adapter.declared.venue import DECLARED, DeclaredVenue
from feedhandler.adapter.venue import Venue

GROUP = "feedhandler.venues"
FILES = "FEEDHANDLER_VENUE_FILES"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_FACTS = (
    "decoder",
    "rule",
    "base",
    "ws_urls",
    "rest_url",
    "heartbeat",
    "limits",
    "default_instruments",
)


class VenueError(ValueError):
    """A venue that cannot be used; the text says of where, and why."""


def use(paths: Iterable[Path]) -> None:
    """Take these files up, in this process and those that it starts. Raises VenueError."""
    named = list(dict.fromkeys([*files(), *(path.absolute() for path in paths)]))
    for path in named:
        in_file(path)
    os.environ[FILES] = os.pathsep.join(map(str, named))


def files() -> list[Path]:
    """Those that were named."""
    return [Path(path) for path in os.environ.get(FILES, "").split(os.pathsep) if path]


def in_files() -> dict[str, type[Venue]]:
    """The venues of all files. Raises VenueError."""
    found: dict[str, type[Venue]] = {}
    for path in files():
        for name, cls in in_file(path).items():
            if found.setdefault(name, cls) is not cls:
                raise VenueError(f"{path}: {name}: another file has a venue of this name")
    return found


@cache
def installed() -> Mapping[str, EntryPoint]:
    """The venues of packages, which are imported when they are used; looked for once."""
    return {point.name: point for point in entry_points(group=GROUP)}


def find(name: str) -> type[Venue]:
    """Raises KeyError for a name that is nowhere, VenueError for a venue that cannot be used."""
    if (own := in_files().get(name)) is not None:
        return own
    return _of_package(installed()[name])


@lru_cache(maxsize=64)
def _of_package(point: EntryPoint) -> type[Venue]:
    where = f"venue {point.name} ({point.value})"
    try:
        cls = point.load()
    except Exception as error:
        raise VenueError(f"{where} cannot be imported: {_said(error)}") from error
    _judge(where, cls)
    if cls.name != point.name:
        raise VenueError(f"{where}: it calls itself {cls.name!r}")
    found: type[Venue] = cls
    return found


@lru_cache(maxsize=64)
def in_file(path: Path) -> Mapping[str, type[Venue]]:
    """The venues of one file, by name. Raises VenueError."""
    module = _imported(path)
    found: dict[str, type[Venue]] = {}
    for cls in vars(module).values():
        own = isinstance(cls, type) and cls.__module__ == module.__name__
        if not own or not issubclass(cls, Venue) or not hasattr(cls, "name"):
            continue
        _judge(f"{path}: {cls.__name__}", cls)
        if found.setdefault(cls.name, cls) is not cls:
            raise VenueError(f"{path}: {cls.__name__}: {cls.name} is the name of another one, too")
    if not found:
        raise VenueError(f"{path}: there is no venue in it: a class below Venue, with a `name`")
    return found


def _imported(path: Path) -> Any:
    name = f"feedhandler_venue_{re.sub(r'[^0-9A-Za-z]', '_', str(path))}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise VenueError(f"{path}: a file of Python, which ends in .py, has a venue")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise VenueError(f"{path}: {_said(error, path)}") from error
    return module


def _said(error: Exception, path: Path | None = None) -> str:
    """What went wrong, and in which line of the file."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    kind = "" if type(error).__module__ == "feedhandler.shape.errors" else type(error).__name__
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if path and frame.filename == str(path)]
    at = f"line {lines[-1]}: " if lines else ""
    return f"{at}{kind}: {error}" if kind else f"{at}{error}"


def _judge(where: str, cls: Any) -> None:
    """Whether it can be used as a venue. Raises VenueError."""
    if not isinstance(cls, type) or not issubclass(cls, Venue):
        raise VenueError(f"{where}: it is no class below Venue")
    if not _NAME.fullmatch(str(getattr(cls, "name", ""))):
        raise VenueError(f"{where}: a `name` of small letters, digits and '-', at most 32 of them")
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise VenueError(f"{where}: it does not say {missing}")
    facts = (*DECLARED, *_FACTS) if issubclass(cls, DeclaredVenue) else _FACTS
    if lacks := [fact for fact in facts if not hasattr(cls, fact)]:
        raise VenueError(f"{where}: it does not say {', '.join(lacks)}")
    try:
        cls().decoder  # noqa: B018
    except Exception as error:
        raise VenueError(f"{where}: {_said(error)}") from error
