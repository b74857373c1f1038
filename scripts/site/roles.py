"""For the reference: docstrings as they are read, and methods that only their overloads tell of."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`~?([^`]+)`")


class Roles(griffe.Extension):
    """What docstrings name by :class:`Feed` is code; of overloads the first stands for all."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(r"`\1`", obj.docstring.value)

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        for name, functions in cls.overloads.items():
            if name not in cls.members:
                cls.set_member(name, functions[0])
                self.on_instance(obj=functions[0])
