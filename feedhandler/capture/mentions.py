"""Which of the listed instruments a frame is about, found without decoding it."""

import re
from collections.abc import Mapping

from feedhandler.adapter.venue import InstrumentSpec


class Mentions:
    """Finds the listed instruments that frames are about, so that only those are added.

    A venue lists thousands. What stands before a payload's `"data"` names the instrument, or none
    where the payload is about several: then the whole of it is searched, each time.
    """

    _STRING = re.compile(rb'"([^"\\]{2,80})"')
    _PART = re.compile(rb"[.@:]")
    _FAMILY = re.compile(rb'"instFamily"\s*:\s*"[^"]*"')  # may look like an instrument's name

    def __init__(self, specs: Mapping[str, InstrumentSpec]) -> None:
        self._symbols = {symbol.encode(): symbol for symbol in specs}
        self._symbols |= {symbol.lower().encode(): symbol for symbol in specs}
        self._heads: set[bytes] = set()
        self._added: set[str] = set()

    def new(self, payload: bytes) -> list[str]:
        """Symbols in this payload that no earlier one named."""
        if not self._symbols:
            return []
        end = payload.find(b'"data"')
        head = payload[:end] if end > 0 else b""
        if head in self._heads:
            return []
        found = self._in(self._FAMILY.sub(b"", head))
        if found:
            self._heads.add(head)
        else:
            found = self._in(payload)
        fresh = [symbol for symbol in found if symbol not in self._added]
        self._added.update(fresh)
        return fresh

    def _in(self, text: bytes) -> list[str]:
        found: dict[str, None] = {}
        for name in self._STRING.findall(text):
            for part in (name, *self._PART.split(name)):
                if (symbol := self._symbols.get(part)) is not None:
                    found[symbol] = None
        return list(found)
