"""The instruments of a venue as rules: patterns that take up, and `!pattern`s that leave out.

The last rule that matches decides, so that `["option:BTC-USD:*", "!*-P"]` means the calls, and what
is subscribed or unsubscribed at run time is a rule more.
"""

from collections.abc import Iterable, Sequence

from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.select import UnknownSymbol, select
from feedhandler.adapter.venue import InstrumentSpec

NOT = "!"


def check(rule: str) -> None:
    """Raises ValueError for what is no rule."""
    Pattern.parse(rule.removeprefix(NOT))


def patterns(rules: Iterable[str]) -> list[str]:
    """What a venue has to be asked for."""
    return [rule for rule in rules if not rule.startswith(NOT)]


def choose(
    rules: Iterable[str], specs: Sequence[InstrumentSpec]
) -> tuple[list[InstrumentSpec], list[UnknownSymbol]]:
    """What the rules mean, in their order, and the patterns that mean nothing.

    What is left out need not be listed. Raises ValueError for what is no rule.
    """
    chosen: dict[str, InstrumentSpec] = {}
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
    rules: Sequence[str], less: Sequence[str], specs: Sequence[InstrumentSpec]
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
