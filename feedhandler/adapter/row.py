"""One row of a venue's list of instruments, read field by field.

A field that is not what it has to be is a ValueError that names it and shows what it had.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from feedhandler.adapter import names
from shm import Status

T = TypeVar("T")
_SHOWN = 40  # characters of what a field had


class Row:
    """`fields`: of the venue. What is null or an empty text counts as not there, where a field
    need not be."""

    def __init__(self, fields: Any) -> None:
        if not isinstance(fields, dict):
            raise ValueError(f"no object: {shown(fields)}")
        self.fields: Mapping[str, Any] = fields

    def has(self, key: str) -> bool:
        """Whether the field is there, whatever it has."""
        return key in self.fields

    def text(self, key: str, default: str | None = None) -> str:
        """A text; `default` for one that is not there, if it need not be."""
        value = self.fields.get(key)
        if default is not None and (value is None or value == ""):
            return default
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "a text")
        return value

    def number(self, key: str, default: Decimal | None = None) -> Decimal:
        """A decimal, 0 or above; `default` for one that is not there, if it need not be."""
        value = self.fields.get(key)
        if value is None or value == "":
            if default is None:
                raise self._wrong(key, "a number")
            return default
        try:
            number = names.decimal(value)
        except ValueError:
            raise self._wrong(key, "a number") from None
        if number < 0:
            raise self._wrong(key, "a number of 0 or above")
        return number

    def expiry_ns(self, key: str) -> int:
        """A time in unix ms, as text or number, in ns."""
        try:
            return names.expiry_ns(self.fields.get(key))
        except ValueError:
            raise self._wrong(key, "a time") from None

    def end_ns(self, key: str) -> int:
        """The same where there need be no end: 0."""
        try:
            return names.end_ns(self.fields.get(key))
        except ValueError:
            raise self._wrong(key, "a time") from None

    def status(self, key: str, words: Mapping[str, Status]) -> Status:
        """What the venue's word means; what is no word of the venue's is never open."""
        return names.status(words, self.fields.get(key))

    def word(self, key: str) -> str:
        """The venue's own word, to be shown; "" for what is none."""
        value = self.fields.get(key)
        return value if isinstance(value, str) else ""

    def flag(self, key: str, default: bool) -> bool:
        """True or false; `default` for a field that is not there."""
        value = self.fields.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def one_of(self, key: str, meanings: Mapping[str, T]) -> T:
        """What the field's text means."""
        text = self.text(key)
        if text not in meanings:
            raise self._wrong(key, f"one of {', '.join(meanings)}")
        return meanings[text]

    def rows(self, key: str) -> "list[Row]":
        """A list of objects; empty if it is not there."""
        value = self.fields.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return [Row(each) for each in value]

    def row(self, key: str) -> "Row":
        """An object; an empty one if it is not there."""
        value = self.fields.get(key)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return Row(value or {})

    def _wrong(self, key: str, wanted: str) -> ValueError:
        had = shown(self.fields[key]) if key in self.fields else "missing"
        return ValueError(f"{key}: {had}, not {wanted}")


def shown(value: Any) -> str:
    """What a field had, in a few characters, whatever it was."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return repr(value[:_SHOWN])
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value)[:_SHOWN]
