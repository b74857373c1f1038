"""The keys of the table `[serve]`: what other hosts may mirror of a feed, and how they reach it."""

from typing import Annotated

import msgspec

from feedhandler.config import values
from feedhandler.config.key import Key
from feedhandler.config.places import Places
from feedhandler.config.values import integer


class ServeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[serve]`, defaults filled in."""

    only: Annotated[
        tuple[str, ...],
        Key(
            "the venues to serve",
            values.strings("a list of venues of this file"),
            default="all of them",
            example='["NAME"]',
        ),
    ] = ()
    name: Annotated[
        str,
        Key(
            "what this feed is called by those who mirror it",
            values.source_name(),
            default="the host's name",
            example='"tokyo-1"',
        ),
    ] = ""
    listen: Annotated[
        tuple[str, ...],
        Key(
            "where mirrors reach it: endpoints as Zenoh writes them",
            values.strings("a list of endpoints"),
            default='["tcp/127.0.0.1:7447"], or none if it connects, or has a file of Zenoh\'s',
            example='["tcp/10.0.0.5:7447"]',
        ),
    ] = ()
    connect: Annotated[
        tuple[str, ...],
        Key(
            "routers that it connects to",
            values.strings("a list of endpoints"),
            default="none",
            example='["tls/router.example:7447"]',
        ),
    ] = ()
    zenoh: Annotated[
        str | None,
        Key(
            "a configuration file of Zenoh's own: TLS, who may connect, what they may read",
            values.file(),
            default="none",
            example='"/etc/feedhandler/zenoh.json5"',
        ),
    ] = None
    batch_kib: Annotated[
        int,
        Key("how many KiB of records go together at most", integer(1, 1024)),
    ] = 48
    cpu: Annotated[
        int | None,
        Key("the CPU that it is pinned to", values.cpu(), "none", example="3"),
    ] = None
    places: Places = Places()  #: of these values in the file
