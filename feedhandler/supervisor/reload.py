"""What has to be done to get from one configuration to another."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from feedhandler.config.document import ConfigError
from feedhandler.config.keys import Config
from feedhandler.config.values import shown

SETTLE_S = 0.25  #: a file that reads alike after so long is not being written any more
SETTLE_MOST_S = 5.0


async def read_settled(load: Callable[[], Config]) -> Config:
    """The configuration, once two readings of it are alike. Raises what `load` raises."""
    deadline = asyncio.get_running_loop().time() + SETTLE_MOST_S
    last = _attempt(load)
    while True:
        await asyncio.sleep(SETTLE_S)
        before, last = last, _attempt(load)
        alike = last == before or (str(last) == str(before) and isinstance(last, Exception))
        if alike or asyncio.get_running_loop().time() > deadline:
            break
    if isinstance(last, Exception):
        raise last
    return last


def _attempt(load: Callable[[], Config]) -> Config | Exception:
    try:
        return load()
    except (ConfigError, OSError) as error:
        return error


#: processes beside the venues', by their table: what the log calls them
HELPERS = {"record": "recorder", "serve": "serve"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Venues to start and to end, to start again, and those with nothing but other instruments."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    restarted: tuple[str, ...]
    rules: tuple[str, ...]

    def fresh(self, config: Config) -> Config:
        """The part of the new configuration that has to be checked."""
        names = {*self.added, *self.restarted, *self.rules}
        venues = {name: one for name, one in config.venues.items() if name in names}
        return msgspec.structs.replace(config, venues=venues)

    def helper(self, table: str, old: Config, new: Config) -> bool:
        """Whether the process of the table "record" or "serve" has to start again: other settings,
        or other venues."""
        now = getattr(new, table)
        others = bool(self.added or self.removed)
        return getattr(old, table) != now or (now is not None and others)

    def __str__(self) -> str:
        parts = {
            "added": self.added,
            "removed": self.removed,
            "started again": self.restarted,
            "other instruments": self.rules,
        }
        said = [f"{what} {', '.join(names)}" for what, names in parts.items() if names]
        return "; ".join(said) or "no venue changed"


def difference(old: Config, new: Config) -> Difference:
    """Raises ConfigError for what a running supervisor cannot change."""
    if new.namespace != old.namespace:
        text = f"{new.namespace!r}: it runs as {old.namespace!r}; stop it to change that"
        raise ConfigError([f"{new.places.of('namespace')}: {text}"])
    if new.group != old.group:
        text = f"{new.group}: it runs with {old.group}; stop it to change that"
        raise ConfigError([f"{new.places.of('group')}: {text}"])
    if new.log != old.log:
        words = [f'"{each}"' if each else "none" for each in (new.log, old.log)]
        text = f"{words[0]}: it runs with {words[1]}; stop it to change that"
        raise ConfigError([f"{new.places.of('log')}: {text}"])
    both = [name for name in new.venues if name in old.venues]
    restarted, rules = [], []
    for name in both:
        was, is_ = old.venues[name], new.venues[name]
        if msgspec.structs.replace(was, instruments=is_.instruments) != is_:
            restarted.append(name)
        elif was.instruments != is_.instruments:
            rules.append(name)
    return Difference(
        added=tuple(name for name in new.venues if name not in old.venues),
        removed=tuple(name for name in old.venues if name not in new.venues),
        restarted=tuple(restarted),
        rules=tuple(rules),
    )


def in_words(change: Difference, old: Config, new: Config) -> list[str]:
    """What another configuration changes, a line each; empty: nothing."""
    lines = [f"{name}: added" for name in change.added]
    lines += [f"{name}: no longer configured: ended" for name in change.removed]
    for name in change.rules:
        was, now = old.venues[name].instruments, new.venues[name].instruments
        more = [rule for rule in now if rule not in was]
        less = [rule for rule in was if rule not in now]
        parts = [
            f"{sign} {', '.join(rules)}" for sign, rules in (("+", more), ("-", less)) if rules
        ]
        lines.append(f"{name}: instruments {' '.join(parts) or 'in another order'}")
    for name in change.restarted:
        parts = list(_changes(old.venues[name], new.venues[name]))
        lines.append(f"{name}: its process started again: {'; '.join(parts)}")
    lines += list(_changes(old, new, but=("venues", "record", "serve", "address_named")))
    for table, name in HELPERS.items():
        was, now = getattr(old, table), getattr(new, table)
        if was != now and was is not None and now is not None:
            lines.append(f"{name}: started again: {'; '.join(_changes(was, now))}")
        elif was != now:
            lines.append(f"{name}: started" if was is None else f"{name}: ended")
        elif change.helper(table, old, new):
            lines.append(f"{name}: started again, for other venues")
    return lines


def _changes(old: msgspec.Struct, new: msgspec.Struct, but: tuple[str, ...] = ()) -> Iterator[str]:
    """depth 50 -> 100"""
    for name in new.__struct_fields__:
        was, now = getattr(old, name), getattr(new, name)
        if was != now and name not in but:
            yield f"{name} {_value(was)} -> {_value(now)}"


def _value(value: Any) -> str:
    if value is None or value == "":
        return "none"
    return shown(list(value) if isinstance(value, tuple) else value)
