"""The configuration is read from a file: each mistake in it is named, with its place and its cure.

Which keys there are and what each may be, `feedhandler.config.keys` says.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from feedhandler import venues as registry
from feedhandler.config.document import ConfigError, read
from feedhandler.config.keys import Config, VenueConfig, keys
from feedhandler.config.line_numbers import LineNumbers
from feedhandler.config.of_venue import VenueTable
from feedhandler.config.places import Places, places
from feedhandler.config.record_keys import RecordConfig
from feedhandler.config.serve_keys import ServeConfig
from feedhandler.config.values import shown
from feedhandler.suggest import did_you_mean, near

_FORMER = {key.was: now for of in (Config, VenueConfig) for now, key in keys(of).items() if key.was}


def load(
    path: Path | None,
    *,
    venues: Sequence[str] = (),
    symbols: Sequence[str] = (),
    namespace: str | None = None,
    running: bool = False,
) -> Config:
    """Read a file, or start from the defaults where `path` is None.

    `venues` picks venues, with the file's table or the defaults; without it and without a table
    `feedhandler.venues.defaults`. `symbols` replaces the instruments of all of them; `namespace`
    the namespace. `running`: it is read again, for a feed that runs by it: a file without a table
    of a venue is a mistake then, and not the defaults. Raises :class:`ConfigError` with every
    mistake found. Whether a venue lists the instruments, `adapter.selection` says later.
    """
    reader = _Reader(str(path) if path is not None else "command line")
    document = reader.document(path)
    tables = reader.tables(document)
    chosen = list(dict.fromkeys(venues)) or list(tables) or registry.defaults()
    known = [name for name in chosen if reader.venue_name(name, "--venue")]
    if namespace is not None:
        document["namespace"] = namespace
        reader.not_in_file("namespace")
    config = Config(
        **reader.values("", document, Config, but={"venues", "record", "serve"}),
        places=reader.places(
            "", document, {} if namespace is None else {"namespace": "--namespace"}
        ),
        address_named="status_address" in document,
        record=reader.record(document, known),
        serve=reader.serve(document, known),
        venues={name: reader.venue(name, tables.get(name, {}), symbols) for name in known},
    )
    if running and path is not None and not tables:
        text = "there is no table [venues.NAME] in it: `feedhandler stop` ends a feed"
        reader.problems.append(f"{path}: {text}")
    if reader.problems:
        raise ConfigError(reader.problems)
    return config


def names_venues(path: Path) -> bool:
    """Whether a file has a table of a venue. Raises ConfigError."""
    reader = _Reader(str(path))
    return bool(reader.tables(reader.document(path)))


class _Reader:
    """Walks the document and gathers what is wrong with it; what is wrong reads as its default."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[str] = []
        self._lines = LineNumbers("")

    def not_in_file(self, key: str) -> None:
        """A key that the command line has the last word on."""
        self._lines.forget(key)

    def places(
        self,
        table: str,
        values: Mapping[str, Any],
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> Places:
        """Where they stand, for errors that are found later. `options`: see :class:`Places`."""
        return places(
            self._lines, self.source, table, values, lists=("instruments",), options=options
        )

    def say(self, key: str, problem: str, element: object = None) -> None:
        """What is wrong with a key, or with an element of its list."""
        line = self._lines.of(key, element)
        where = f"{self.source}: line {line}" if line else self.source
        self.problems.append(f"{where}: {key}: {problem}")

    def document(self, path: Path | None) -> dict[str, Any]:
        if path is not None and str(path) in registry.names() and not path.exists():
            raise ConfigError([f"{path}: no such file; a venue is named so: --venue {path}"])
        document: dict[str, Any] = {}
        if path is not None:
            document, text = read(path)
            self._lines = LineNumbers(text)
        for name in document:
            self.known("", name, Config)
        return document

    def known(self, path: str, name: str, table: type[msgspec.Struct]) -> None:
        """Whether there is a key in such a table; says so if there is not."""
        if name in keys(table):
            return
        if (now := _FORMER.get(name)) is not None:
            problem = f"is called {now}"
        elif table is Config and name in registry.names():
            problem = f"the table of a venue is called [venues.{name}]"
        elif table is Config and name in keys(VenueConfig):
            problem = "belongs to a venue: below its [venues.NAME]"
        elif table is VenueConfig and name in keys(Config):
            problem = "belongs to no venue: above the first [venues.NAME]"
        elif table is Config and name in keys(RecordConfig):
            problem = "belongs below [record]"
        elif table is Config and name in keys(ServeConfig):
            problem = "belongs below [serve]"
        elif table in (RecordConfig, ServeConfig) and name in keys(Config):
            where = "record" if table is RecordConfig else "serve"
            problem = f"does not belong below [{where}]: above it"
        else:
            hint = near(name, keys(table)) or ";"
            problem = f"no such key{hint} `feedhandler config` shows all"
        self.say(path + name, problem)

    def tables(self, document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        tables = document.get("venues", {})
        if not isinstance(tables, dict):
            allowed = keys(Config)["venues"].allowed.text
            self.say("venues", f"{shown(tables)} is not allowed: {allowed}")
            return {}
        found = {}
        for name, table in tables.items():
            if not self.venue_name(name, f"venues.{name}"):
                continue
            if isinstance(table, dict):
                found[name] = table
            else:
                text = f"{shown(table)} is not allowed: a table [venues.{name}]"
                self.say(f"venues.{name}", text)
        return found

    def venue_name(self, name: str, key: str) -> bool:
        if name in registry.names():
            return True
        self.say(key, f"no such venue: {name!r}{did_you_mean(name, registry.names())}")
        return False

    def values(
        self,
        path: str,
        document: Mapping[str, Any],
        table: type[msgspec.Struct],
        but: set[str],
    ) -> dict[str, Any]:
        """By key, what a table gives and may; `but` those that are judged otherwise."""
        found = {}
        for name, key in keys(table).items():
            given = name in document and name not in but
            if given and key.allowed.judges(path + name, document[name], self.say):
                found[name] = key.allowed.take(document[name])
        return found

    def record(self, document: Mapping[str, Any], venues: Sequence[str]) -> RecordConfig | None:
        """The table `[record]`, if there is one."""
        found = self._helper("record", RecordConfig, document, venues)
        if found is None:
            return None
        if "to" not in document["record"]:
            self.say("record.to", "is missing: the directory of the recording")
        return RecordConfig(**{"to": "", **found}, places=self.places("record", document["record"]))

    def serve(self, document: Mapping[str, Any], venues: Sequence[str]) -> ServeConfig | None:
        """The table `[serve]`, if there is one."""
        found = self._helper("serve", ServeConfig, document, venues)
        if found is None:
            return None
        return ServeConfig(**found, places=self.places("serve", document["serve"]))

    def _helper(
        self,
        name: str,
        of: type[msgspec.Struct],
        document: Mapping[str, Any],
        venues: Sequence[str],
    ) -> dict[str, Any] | None:
        """What the table of a process beside the venues' gives; its `only` names venues."""
        table = document.get(name)
        if table is None:
            return None
        if not isinstance(table, dict):
            self.say(name, f"{shown(table)} is not allowed: a table [{name}]")
            return None
        for key in table:
            self.known(f"{name}.", key, of)
        found = self.values(f"{name}.", table, of, but=set())
        for each in found.get("only", ()):
            if each not in venues:
                hint = did_you_mean(each, venues)
                self.say(f"{name}.only", f"no venue {each!r} is in this file{hint}", each)
        return found

    def venue(self, name: str, table: Mapping[str, Any], symbols: Sequence[str]) -> VenueConfig:
        path = f"venues.{name}."
        for key in table:
            self.known(path, key, VenueConfig)
        venue = registry.load(name)
        judged = VenueTable(venue, path, table, self.say).judged(symbols)
        plain = self.values(path, table, VenueConfig, but=set(judged))
        where = self.places(path[:-1], table, {"instruments": "--symbols"} if symbols else {})
        config = VenueConfig(**{"rest_url": venue.rest_url, **judged, **plain}, places=where)
        if config.spin and config.realtime:
            text = (
                f"{config.realtime} is not allowed with spin: a task that never sleeps must not go "
                "before all others; an isolated CPU does it"
            )
            self.say(f"{path}realtime", text)
        if config.rhythm_floor_s > config.rhythm_ceiling_s:
            text = (
                f"{config.rhythm_floor_s:g} is not allowed with rhythm_ceiling_s = "
                f"{config.rhythm_ceiling_s:g}: no more than that; raise both"
            )
            self.say(f"{path}rhythm_floor_s", text)
        return config
