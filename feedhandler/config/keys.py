"""The keys of the configuration file: what stands here of a key, stands nowhere else.

A key is a field. Its name, type and default are the field's; what it may be, and what is said of it
in documents, by `feedhandler config` and in errors, is its `Key`. To add one: a field here, its use
where it belongs, and `scripts/dev tables`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, get_type_hints

import msgspec

from feedhandler import venues as registry
from feedhandler.adapter.venue import CHANNELS
from feedhandler.config import values
from feedhandler.config.key import Key
from feedhandler.config.places import Places
from feedhandler.config.record_keys import RecordConfig
from feedhandler.config.serve_keys import ServeConfig
from feedhandler.config.values import Allowed, integer, seconds
from feedhandler.log_lines import FORMATS
from shm.object_names import DEFAULT_NAMESPACE

DEFAULT_CHANNELS = ("book", "trades", "ticker")
WS_URL = values.url("ws", "wss")


def _others(text: str) -> Allowed:
    """What only who reads it can judge, with the venue at hand."""
    return Allowed(lambda _: True, text)


class VenueConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[venues.NAME]` of one venue, defaults filled in."""

    instruments: Annotated[
        tuple[str, ...],
        Key(
            "what to follow, now and when it is listed later; the last rule that matches decides",
            values.strings("a list of names and patterns"),
            default="a set per venue",
            was="symbols",
            example='["BTC-USD-PERP", "option:BTC-USD:*", "!BTC-USD-*-P"]',
        ),
    ]
    channels: Annotated[
        tuple[str, ...],
        Key(
            "what to subscribe to for each instrument; quote where the venue has it",
            values.strings(f"a list of some of {', '.join(CHANNELS)}", tuple(CHANNELS)),
        ),
    ] = DEFAULT_CHANNELS
    depth: Annotated[
        int,
        Key(
            "levels a side in the shared book; the full one stays in the IO process",
            integer(1, 1000),
        ),
    ] = 50
    ring_slots: Annotated[
        int,
        Key("records in the event ring, 64 bytes each", values.power_of_two(1 << 10, 1 << 26)),
    ] = 131_072
    directory_rows: Annotated[
        int,
        Key(
            "how many instruments there is room for, with those that have ended since the start",
            integer(1, 100_000),
            was="capacity",
        ),
    ] = 2048
    cpu: Annotated[
        int | None,
        Key("the CPU that the IO process is pinned to", values.cpu(), "none", example="1"),
    ] = None
    spin: Annotated[
        bool,
        Key("never sleep in the kernel: less latency, a whole core", values.flag()),
    ] = False
    realtime: Annotated[
        int,
        Key(
            "real-time priority (SCHED_FIFO), before processes without one; 0: none; not with spin",
            integer(0, 99),
        ),
    ] = 0
    lock_memory: Annotated[
        bool,
        Key("keep its pages in memory (mlockall): none is ever swapped out", values.flag()),
    ] = False
    behind_s: Annotated[
        float,
        Key(
            "a connection counts as behind when its messages arrive this much later than usual",
            seconds(0.05, 60.0),
        ),
    ] = 0.5
    split_after_s: Annotated[
        float,
        Key(
            "a connection that has been behind for this long is split over two",
            seconds(0.5, 86_400.0, never=True),
        ),
    ] = 10.0
    silence_s: Annotated[
        float,
        Key("a busy socket without a byte for this long is dead", seconds(1.0, 3600.0)),
    ] = 5.0
    rhythm_floor_s: Annotated[
        float,
        Key("no subscription is suspected after a shorter silence", seconds(1.0, 3600.0)),
    ] = 10.0
    rhythm_ceiling_s: Annotated[
        float,
        Key("every subscription is suspected after a longer silence", seconds(1.0, 3600.0)),
    ] = 600.0
    proxy: Annotated[
        str | None,
        Key(
            "the way for streams and REST alike",
            values.proxy(),
            default="none",
            example='"socks5://10.0.0.1:1080"',
        ),
    ] = None
    ca_file: Annotated[
        str | None,
        Key(
            "trust the authorities in this file, and no others",
            values.ca_file(),
            default="the system's",
            example='"/etc/desk/ca.pem"',
        ),
    ] = None
    compression: Annotated[
        bool,
        Key("offer permessage-deflate: fewer bytes, more CPU and latency", values.flag()),
    ] = False
    redundancy: Annotated[
        int,
        Key("connections that carry each subscription; the first copy counts", integer(1, 4)),
    ] = 1
    rotate_at: Annotated[
        str,
        Key(
            "sessions are renewed in the hour that begins then, make before break",
            values.utc(),
            default="when due",
            example='"03:00"',
        ),
    ] = ""
    lifetime_s: Annotated[
        float | None,
        Key(
            "after how long the venue ends a session, if the built-in time is wrong",
            seconds(5.0, 1e7),
            default="the venue's",
            example="86400.0",
        ),
    ] = None
    audit_s: Annotated[
        float,
        Key(
            "how often one book, each in its turn, is compared with a snapshot",
            seconds(0.5, 86_400.0, never=True),
        ),
    ] = 60.0
    degraded_after_s: Annotated[
        float,
        Key(
            "without a connection for this long, books are polled over REST",
            seconds(0.5, 86_400.0, never=True),
        ),
    ] = 30.0
    refresh_s: Annotated[
        float,
        Key("how often the venue's list of instruments is read again", seconds(1.0, 3600.0)),
    ] = 300.0
    ws_url: Annotated[
        str | dict[str, str],
        Key(
            "another WebSocket endpoint",
            _others("a ws:// or wss:// URL, or a table of such by endpoint"),
            default="the venue's",
            example='"wss://..."',
        ),
    ]
    ws_alternatives: Annotated[
        dict[str, tuple[str, ...]],
        Key(
            "where else to connect, if subscriptions stay silent on a new connection, too",
            _others("a list of ws:// or wss:// URLs, or a table of such by endpoint"),
            default="the venue's; none with a ws_url",
            example='["wss://..."]',
        ),
    ] = msgspec.field(default_factory=dict)
    rest_url: Annotated[
        str,
        Key(
            "another REST endpoint",
            values.url("http", "https", take=lambda value: value.rstrip("/")),
            default="the venue's",
            example='"https://..."',
        ),
    ]

    places: Places = Places()  #: of these values in the file

    def url(self, endpoint: str) -> str:
        """The WebSocket URL of one of the venue's endpoints."""
        return self.ws_url if isinstance(self.ws_url, str) else self.ws_url[endpoint]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration; `venues` in the order of the file."""

    namespace: Annotated[
        str,
        Key("prefix of the shared-memory objects", values.namespace()),
    ] = DEFAULT_NAMESPACE
    status_address: Annotated[
        str,
        Key("where status is served over HTTP", values.address(), was="status"),
    ] = "127.0.0.1:8787"
    address_named: bool = False  #: by the file: where it cannot be had, nothing starts
    places: Places = Places()  #: of the values beside the tables in the file
    log: Annotated[
        str,
        Key(
            "how the log is written: lines for people, or one JSON object a line for machines",
            values.one_of(*FORMATS),
            default="text, or FEEDHANDLER_LOG_FORMAT",
            example='"json"',
        ),
    ] = ""
    metrics_per_symbol: Annotated[
        bool,
        Key(
            "state, best prices and quality of each instrument in /metrics: five series for each",
            values.flag(),
        ),
    ] = False
    group: Annotated[
        int,
        Key(
            "the Unix group whose members may read and be woken",
            values.group(),
            default="that of the feed's process",
            example='"desk"',
        ),
    ] = -1
    record: Annotated[
        RecordConfig | None,
        Key(
            "keep what the feed carries, by a process of its own",
            _others("a table [record]"),
            default="nothing is kept",
            example="{}",
        ),
    ] = None
    serve: Annotated[
        ServeConfig | None,
        Key(
            "let other hosts mirror the feed, by a process of its own",
            _others("a table [serve]"),
            default="nobody can",
            example="{}",
        ),
    ] = None
    venues: Annotated[
        dict[str, VenueConfig],
        Key(
            "a venue that runs; with any such table, only those named",
            _others("a table [venues.NAME] for each venue"),
            default=", ".join(registry.defaults()),
            example="{}",
        ),
    ]


@cache
def keys(of: type[msgspec.Struct]) -> Mapping[str, Key]:
    """The keys of a table, by name: of `Config`, `RecordConfig`, `ServeConfig` or
    `VenueConfig`."""
    return {
        name: extra
        for name, hint in get_type_hints(of, include_extras=True).items()
        for extra in getattr(hint, "__metadata__", ())
        if isinstance(extra, Key)
    }


@dataclass(frozen=True, slots=True)
class Told:
    """A key in words. `value`: its default as the file would have it, else an example."""

    table: str  #: "" for those at the top, else `record`, `serve` or `venues.NAME`
    name: str
    meaning: str
    allowed: str
    default: str
    value: str


def told() -> list[Told]:
    """Every key, in the order in which they are declared; `venues.NAME`, `record` and `serve` are
    the tables themselves, before their keys."""
    found = []
    for key in _told(Config, ""):
        found.append(key)
        if key.name == "record":
            found += _told(RecordConfig, "record")
        elif key.name == "serve":
            found += _told(ServeConfig, "serve")
        elif key.name == "venues":
            found += _told(VenueConfig, "venues.NAME")
    return found


def _told(of: type[msgspec.Struct], table: str) -> Iterator[Told]:
    fields = {each.name: each.default for each in msgspec.structs.fields(of)}
    for name, key in keys(of).items():
        value = key.example or _as_toml(fields[name])
        yield Told(
            table=table,
            name=name,
            meaning=key.meaning,
            allowed=key.allowed.text,
            default=key.default or value,
            value=value,
        )


def _as_toml(value: object) -> str:
    """A text, number, truth value or list of texts."""
    return msgspec.json.encode(value).decode().replace('","', '", "')
