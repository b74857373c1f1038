"""Which of a venue's listed instruments the configuration means.

Rules are patterns that take up, and `!pattern`s that leave out. The last rule that matches decides,
so that `["option:BTC-USD:*", "!*-P"]` means the calls, and what is subscribed or unsubscribed at
run time is a rule more.
"""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from functools import cached_property, partial

from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.venue import ListedInstrument

NOT = "!"
_NEAR = 5


class UnknownSymbol(ValueError):  # noqa: N818
    """A pattern that no listed instrument matches."""

    def __init__(self, pattern: str, near: Callable[[], Sequence[str]] = tuple) -> None:
        super().__init__(pattern)
        self.pattern = pattern
        self._near = near

    @cached_property
    def near(self) -> tuple[str, ...]:
        """Listed names most like it: looked for when asked, of thousands that takes a while."""
        return tuple(self._near())

    def __str__(self) -> str:
        hint = f"; did you mean {' or '.join(self.near)}?" if self.near else ""
        return f"no listed instrument is called or matches {self.pattern!r}{hint}"


def select(patterns: Iterable[str], specs: Iterable[ListedInstrument]) -> list[ListedInstrument]:
    """The instruments that the patterns mean, each once, in the order of patterns and listing.

    A pattern is the venue's name, the normalised name, a glob over both, `KIND:GLOB` or
    `KIND:UNDERLYING:GLOB` (:class:`feedhandler.adapter.pattern.Pattern`). The venue's name wins
    where a normalised name looks like it. Globs skip instruments that are not open; a name does
    not. Raises :class:`UnknownSymbol` for the first pattern without a match, ValueError for one
    that is not a pattern.
    """
    listed = list(specs)
    by_symbol = {spec.symbol: spec for spec in listed}
    chosen: dict[str, ListedInstrument] = {}
    for text in patterns:
        pattern = Pattern.parse(text)
        named = by_symbol.get(pattern.glob) if pattern.exact else None
        if named is not None and pattern.matches(named):
            found = [named]
        else:
            found = [spec for spec in listed if pattern.matches(spec)]
        if not found:
            raise UnknownSymbol(text, partial(_near, pattern, listed))
        for spec in found:
            chosen.setdefault(spec.symbol, spec)
    return list(chosen.values())


def _near(pattern: Pattern, listed: Sequence[ListedInstrument]) -> list[str]:
    """Listed names like a pattern's, in the form that was likely meant."""
    candidates = [spec for spec in listed if pattern.kind in (None, spec.kind)] or listed
    names: dict[str, str] = {}
    for spec in candidates:
        names.setdefault(spec.symbol.upper(), spec.symbol)
        names.setdefault(spec.name.upper(), spec.name)
    wanted = f"{pattern.underlying}-{pattern.glob}" if pattern.underlying else pattern.glob
    wanted = wanted.strip("*?-").upper()
    if wanted in names:
        return [names[wanted]]
    prefixed = [name for upper, name in names.items() if wanted and upper.startswith(wanted)]
    close = get_close_matches(wanted, names, n=_NEAR, cutoff=0.6)
    return list(dict.fromkeys([*(names[upper] for upper in close), *prefixed]))[:_NEAR]


def check(rule: str) -> None:
    """Raises ValueError for what is no rule."""
    Pattern.parse(rule.removeprefix(NOT))


def patterns(rules: Iterable[str]) -> list[str]:
    """What a venue has to be asked for."""
    return [rule for rule in rules if not rule.startswith(NOT)]


def choose(
    rules: Iterable[str], specs: Sequence[ListedInstrument]
) -> tuple[list[ListedInstrument], list[UnknownSymbol]]:
    """What the rules mean, in their order, and the patterns that mean nothing.

    What is left out need not be listed. Raises ValueError for what is no rule.
    """
    chosen: dict[str, ListedInstrument] = {}
    unknown = []
    for rule in rules:
        leave = rule.startswith(NOT)
        try:
            found = select([rule.removeprefix(NOT)], specs)
        except UnknownSymbol as error:
            if not leave:
                unknown.append(error)
            continue
        for spec in found:
            if leave:
                chosen.pop(spec.symbol, None)
            else:
                chosen.setdefault(spec.symbol, spec)
    return list(chosen.values()), unknown


def with_more(rules: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """The rules with these patterns subscribed to."""
    gone = {*more, *(NOT + pattern for pattern in more)}
    return (*(rule for rule in rules if rule not in gone), *dict.fromkeys(more))


def without(
    rules: Sequence[str], less: Sequence[str], specs: Sequence[ListedInstrument]
) -> tuple[str, ...]:
    """The rules with these patterns left out; `specs`: what the venue lists.

    A pattern that is a rule goes; `!pattern` comes where another rule still means some of it.
    """
    gone = {*less, *(NOT + pattern for pattern in less)}
    left = tuple(rule for rule in rules if rule not in gone)
    still = {spec.symbol for spec in choose(left, specs)[0]}
    more = [
        NOT + pattern
        for pattern in dict.fromkeys(less)
        if any(spec.symbol in still for spec in choose([pattern], specs)[0])
    ]
    return (*left, *more)
