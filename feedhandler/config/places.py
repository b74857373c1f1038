"""Where the values of a configuration stand, for an error that is found after the file was read."""

from collections.abc import Mapping, Sequence

import msgspec

from feedhandler.config.line_numbers import LineNumbers

TABLE = ""  #: in the place of a key: the table itself


class Places(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Of the keys of one table. `source`: the file. `lines`: by key, of those that are in it.

    `elements`: by key and element, of lists that may be long. `options`: keys on which the command
    line has the last word, and its option. Two configurations whose values stand in other places
    are alike, so that this is equal to whatever is compared with it.
    """

    source: str = ""
    table: str = ""
    lines: dict[str, int] = msgspec.field(default_factory=dict)
    elements: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    options: dict[str, str] = msgspec.field(default_factory=dict)

    def of(self, key: str, element: str | None = None) -> str:
        """feed.toml: line 3: venues.okx.depth; the key alone where no file has it."""
        if (option := self.options.get(key)) is not None:
            return f"{option}, {self.table}" if self.table else option
        line = self.lines.get(key) or self.lines.get(TABLE, 0)
        if element is not None:
            line = self.elements.get(key, {}).get(element, line)
        name = ".".join(filter(None, (self.table, key)))
        return f"{self.source}: line {line}: {name}" if line else name

    def first_of(self, *keys: str) -> str:
        """Of the first of these keys that the file has, or else of the last one."""
        return self.of(next((key for key in keys if key in self.lines), keys[-1]))

    def has(self, key: str, element: str) -> bool:
        """Whether that element of a list is the file's, or the command line's."""
        return key in self.options or element in self.elements.get(key, {})

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:  # a Struct has one of its own
        return False

    def __hash__(self) -> int:
        return 0


def places(
    lines: LineNumbers,
    source: str,
    table: str,
    values: Mapping[str, object],
    *,
    lists: Sequence[str] = (),
    options: Mapping[str, str],
) -> Places:
    """Of what a table has. `lists`: those of its keys whose elements are placed, too."""
    path = f"{table}." if table else ""
    elements: dict[str, dict[str, int]] = {}
    for key in lists:
        its = values.get(key)
        if isinstance(its, list):
            texts = [each for each in its if isinstance(each, str)]
            elements[key] = {each: lines.of(path + key, each) for each in texts}
    found = {key: lines.of(path + key) for key in values if lines.has(path + key)}
    if lines.has(table):
        found[TABLE] = lines.of(table)
    return Places(source=source, table=table, lines=found, elements=elements, options=dict(options))
