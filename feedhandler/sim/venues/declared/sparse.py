"""Statistics of which the first message is whole, and later ones have only what has changed."""

from __future__ import annotations

from typing import Any

import orjson


class Sparse:
    """What those who listen to a key have been told. `sample`: what stands in a message of changes
    instead, with the object that the fields are in, and those of them that it has in any case."""

    def __init__(self, sample: str) -> None:
        said: dict[str, Any] = orjson.loads(sample)
        self._under = next(key for key, value in said.items() if isinstance(value, dict))
        self._kept = frozenset(said.pop(self._under))
        self._said = said
        self._whole = ""
        self._told: dict[str, Any] = {}

    def first(self, text: str) -> str:
        """For who has just subscribed: as the others have it by now, or as it is."""
        if not self._whole:
            self._whole, self._told = text, orjson.loads(text)[self._under]
        return self._whole

    def change(self, text: str) -> str | None:
        """What differs from what was told; None: nothing does."""
        if not self._whole:
            return self.first(text)
        message = orjson.loads(text)
        now, told = message[self._under], self._told
        changed = {
            key: value for key, value in now.items() if key in self._kept or told.get(key) != value
        }
        if changed.keys() <= self._kept:
            return None
        self._whole, self._told = text, now
        return orjson.dumps({**message, **self._said, self._under: changed}).decode()
