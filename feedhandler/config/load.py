"""The configuration file: TOML, every key with a default, every mistake named where it stands.

```toml
namespace = "feedhandler"             # of the shared memory
status = "127.0.0.1:8787"             # status and metrics over HTTP; "" turns it off
group = "desk"                        # whose members may read; "": the feed's own group

[venues.okx]
instruments = ["BTC-USDT", "option:BTC-USD:*", "!BTC-USD-*-P"]   # the last that matches decides
channels = ["book", "trades", "ticker"]
depth = 50                            # levels a side in the shared book cell
ring_slots = 131072                   # of the event ring, a power of two, 64 bytes each
capacity = 2048                       # instruments that the directory has rows for
cpu = 1                               # pin the IO process to this CPU
spin = false                          # busy-poll the event loop
realtime = 0                          # 1 to 99: SCHED_FIFO, before all that is not; 0: not
lock_memory = false                   # none of it is ever swapped out
behind_s = 0.5                        # who reads so late does not keep up; a connection of which
split_after_s = 10.0                  # that is true for so long is split in two; 0: never
silence_s = 5.0                       # a busy socket without a byte for so long is dead
rhythm_floor_s = 10.0                 # a subscription is suspected after a silence that its own
rhythm_ceiling_s = 600.0              # rhythm makes unlikely, but not before, and not after
proxy = "socks5://10.0.0.1:1080"      # or http://, https://, socks4://; user:password@ before host
ca_file = "/etc/desk/ca.pem"          # trust these authorities instead of the system's
compression = false                   # ask the venue for permessage-deflate
audit_s = 60.0                        # seconds between two audits of a book; 0: none
degraded_after_s = 30.0               # without a connection, books are polled; 0: never
ws_url = "wss://..."                  # or a table by endpoint: {public = "wss://..."}
ws_alternatives = ["wss://..."]       # where to go if streams are silent there; or such a table
rest_url = "https://..."
redundancy = 1                        # connections that carry each key: 2 and the first copy wins
rotate_at = "03:00"                   # UTC: sessions are renewed in the hour that begins then
lifetime_s = 86400.0                  # of a session, if the venue's limit is not the known one
refresh_s = 300.0                     # how often the venue's list of instruments is read again
```
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from feedhandler import venues as registry
from feedhandler.adapter import selection as rules
from feedhandler.adapter.venue import Venue
from feedhandler.config.keys import GROUP, NAMESPACE, STATUS, WS_URL, Rule, venue_rules
from feedhandler.suggest import did_you_mean

DEFAULT_NAMESPACE = "feedhandler"
DEFAULT_STATUS = "127.0.0.1:8787"
_CHANNELS = ("book", "trades", "ticker")


class VenueConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's table, defaults filled in."""

    instruments: tuple[str, ...]
    ws_url: str | dict[str, str]  #: a table by endpoint where the venue has several
    rest_url: str
    channels: tuple[str, ...] = _CHANNELS
    depth: int = 50
    ws_alternatives: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    ring_slots: int = 131_072
    capacity: int = 2048
    cpu: int | None = None
    spin: bool = False
    realtime: int = 0  #: priority under SCHED_FIFO; 0: SCHED_OTHER
    lock_memory: bool = False
    behind_s: float = 0.5
    split_after_s: float = 10.0
    silence_s: float = 5.0
    rhythm_floor_s: float = 10.0
    rhythm_ceiling_s: float = 600.0
    refresh_s: float = 300.0
    proxy: str | None = None
    ca_file: str | None = None  #: PEM; absolute, or as seen from where the command was called
    compression: bool = False
    audit_s: float = 60.0
    degraded_after_s: float = 30.0
    redundancy: int = 1
    rotate_at: str = ""  #: HH:MM, UTC
    lifetime_s: float | None = None

    def url(self, endpoint: str) -> str:
        """The WebSocket URL of one of the venue's endpoints."""
        return self.ws_url if isinstance(self.ws_url, str) else self.ws_url[endpoint]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration; `venues` in the order of the file."""

    namespace: str = DEFAULT_NAMESPACE
    status: str = DEFAULT_STATUS
    status_asked: bool = False  #: the file names the address: without it nothing starts
    group: int = -1  #: the group's number; -1: that of the process
    venues: dict[str, VenueConfig]


class ConfigError(ValueError):
    """What is wrong with a configuration, a line a mistake: file, key, value, what is allowed."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


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
    source = str(path) if path is not None else "command line"
    reader = _Reader(source)
    document = reader.document(path)
    tables = reader.tables(document)
    chosen = list(dict.fromkeys(venues)) or list(tables) or registry.defaults()
    known = [name for name in chosen if reader.venue_name(name, "--venue")]
    chosen_namespace = namespace if namespace is not None else document.get("namespace")
    config = Config(
        namespace=reader.value("namespace", chosen_namespace, DEFAULT_NAMESPACE, NAMESPACE),
        status=reader.value("status", document.get("status"), DEFAULT_STATUS, STATUS),
        status_asked=document.get("status") is not None,
        group=reader.value("group", document.get("group"), -1, GROUP),
        venues={name: reader.venue(name, tables.get(name, {}), symbols) for name in known},
    )
    if running and path is not None and not tables:
        text = "there is no table [venues.NAME] in it: `feedhandler stop` ends a feed"
        reader.problems.append(f"{source}: {text}")
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

    def wrong(self, key: str, value: object, allowed: str) -> None:
        self.problems.append(f"{self.source}: {key}: {_shown(value)} is not allowed: {allowed}")

    def unknown(self, key: str, what: str, name: str, known: Iterable[str]) -> None:
        self.problems.append(f"{self.source}: {key}: {what}{did_you_mean(name, known)}")

    def document(self, path: Path | None) -> dict[str, Any]:
        if path is None:
            return {}
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([f"{path}: not TOML: {error}"]) from None
        except UnicodeDecodeError as error:
            raise ConfigError([f"{path}: not UTF-8: {error}"]) from None
        except OSError as error:
            raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from None
        allowed = [name for name in Config.__struct_fields__ if name != "status_asked"]
        for key in document.keys() - set(allowed):
            self.unknown(key, "no such key", key, allowed)
        return document

    def tables(self, document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        tables = document.get("venues", {})
        if not isinstance(tables, dict):
            self.wrong("venues", tables, "a table [venues.NAME] for each venue")
            return {}
        found = {}
        for name, table in tables.items():
            if not self.venue_name(name, f"venues.{name}"):
                continue
            if isinstance(table, dict):
                found[name] = table
            else:
                self.wrong(f"venues.{name}", table, f"a table [venues.{name}]")
        return found

    def venue_name(self, name: str, key: str) -> bool:
        if name in registry.names():
            return True
        self.unknown(key, f"no such venue: {name!r}", name, registry.names())
        return False

    def value(self, key: str, value: Any, default: Any, rule: Rule) -> Any:
        if value is None:
            return default
        if rule.valid(value):
            return rule.take(value)
        self.wrong(key, value, rule.allowed)
        return default

    def venue(self, name: str, table: Mapping[str, Any], symbols: Sequence[str]) -> VenueConfig:
        venue = registry.load(name)
        path = f"venues.{name}"
        for key in table.keys() - set(VenueConfig.__struct_fields__):
            self.unknown(f"{path}.{key}", "no such key", key, VenueConfig.__struct_fields__)
        given = VenueConfig(
            instruments=self.instruments(venue, path, table, symbols),
            channels=self.channels(venue, path, table),
            ws_url=self.ws_url(venue, path, table.get("ws_url")),
            ws_alternatives=self.ws_alternatives(venue, path, table),
            rest_url=venue.rest_url,
        )
        alone = {
            key: self.value(f"{path}.{key}", table.get(key), getattr(given, key), rule)
            for key, rule in venue_rules().items()
        }
        if alone["spin"] and alone["realtime"]:
            self.problems.append(
                f"{self.source}: {path}.realtime: {alone['realtime']} is not allowed with spin: "
                "a task that never sleeps must not go before all others; an isolated CPU does it"
            )
        return msgspec.structs.replace(given, **alone)

    def strings(self, key: str, value: Any, allowed: str) -> tuple[str, ...] | None:
        """The list of texts under a key, or None, reported."""
        if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            return tuple(dict.fromkeys(value))
        self.wrong(key, value, allowed)
        return None

    def instruments(
        self, venue: Venue, path: str, table: Mapping[str, Any], symbols: Sequence[str]
    ) -> tuple[str, ...]:
        key = "--symbols" if symbols else f"{path}.instruments"
        value = list(symbols) if symbols else table.get("instruments")
        if value is None:
            return venue.default_instruments
        allowed = 'a list of names and patterns, such as ["BTC-USD-PERP", "option:BTC-USD:*"]'
        patterns = self.strings(key, value, allowed) or venue.default_instruments
        for pattern in patterns:
            try:
                rules.check(pattern)
            except ValueError as error:
                self.wrong(key, pattern, str(error))
        if not rules.patterns(patterns):
            self.wrong(key, list(patterns), "at least one of them without a '!'")
        return patterns

    def channels(self, venue: Venue, path: str, table: Mapping[str, Any]) -> tuple[str, ...]:
        value = table.get("channels")
        if value is None:
            return _CHANNELS
        key = f"{path}.channels"
        allowed = f"a list of some of {', '.join(venue.channels)}"
        channels = self.strings(key, value, allowed) or _CHANNELS
        for channel in channels:
            if channel not in venue.channels:
                self.wrong(key, channel, allowed + did_you_mean(channel, venue.channels))
        return channels

    def ws_url(self, venue: Venue, path: str, value: Any) -> str | dict[str, str]:
        defaults = dict(venue.ws_urls)
        one = next(iter(defaults.values())) if len(defaults) == 1 else None
        if value is None:
            return one or defaults
        key = f"{path}.ws_url"
        if isinstance(value, dict):
            for endpoint, url in value.items():
                if endpoint not in defaults:
                    self.unknown(f"{key}.{endpoint}", "no such endpoint", endpoint, defaults)
                elif not WS_URL.valid(url):
                    self.wrong(f"{key}.{endpoint}", url, WS_URL.allowed)
            return {**defaults, **value}
        if one is None:
            endpoints = ", ".join(defaults)
            self.wrong(key, value, f"a table of URLs, since the endpoints are {endpoints}")
            return defaults
        checked: str = self.value(key, value, one, WS_URL)
        return checked

    def ws_alternatives(
        self, venue: Venue, path: str, table: Mapping[str, Any]
    ) -> dict[str, tuple[str, ...]]:
        """By endpoint; those of the venue are of use with its own endpoints only."""
        value, key = table.get("ws_alternatives"), f"{path}.ws_alternatives"
        if value is None:
            return {} if "ws_url" in table else dict(venue.ws_alternatives)
        if isinstance(value, list) and len(venue.ws_urls) == 1:
            value = {next(iter(venue.ws_urls)): value}
        if not isinstance(value, dict):
            self.wrong(key, value, f"a table of lists by endpoint: {', '.join(venue.ws_urls)}")
            return {}
        for endpoint, urls in value.items():
            if endpoint not in venue.ws_urls:
                self.unknown(f"{key}.{endpoint}", "no such endpoint", endpoint, venue.ws_urls)
            elif not isinstance(urls, list) or not all(map(WS_URL.valid, urls)):
                self.wrong(f"{key}.{endpoint}", urls, f"a list; each {WS_URL.allowed}")
        return {its: tuple(urls) for its, urls in value.items() if isinstance(urls, list)}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
