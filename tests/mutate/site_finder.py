"""For the processes of a mutant: modules of the project from elsewhere, or from other text.

`FH_MUTATE` in the environment says which: `{"shm.x": "/…/x.so", "shm.clean": "/…/clean.py"}`.
A Python file keeps the name of the one whose place it takes, in tracebacks and for the points of
`tests/torture`. Every Python process that a test starts runs this file's text first, by
`site/sitecustomize.py`; hence it imports nothing of the project.
"""

import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import ClassVar


class _Edited(importlib.machinery.SourceFileLoader):
    """A module of the project, from the text of another file."""

    edited = ""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        code: CodeType = compile(
            Path(self.edited).read_bytes(), self.path, "exec", dont_inherit=True
        )
        return code


class Finder:
    places: ClassVar[dict[str, str]] = json.loads(os.environ.get("FH_MUTATE", "{}"))

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        place = self.places.get(name)
        if place is None:
            return None
        if not place.endswith(".py"):
            return importlib.util.spec_from_file_location(name, place)
        own = Path(next(iter(path or sys.path))) / f"{name.rpartition('.')[2]}.py"
        loader = _Edited(name, str(own))
        loader.edited = place
        return importlib.util.spec_from_file_location(name, str(own), loader=loader)


def install() -> None:
    """Look there first, from now on."""
    sys.meta_path.insert(0, Finder())
