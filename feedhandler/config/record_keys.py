"""The keys of the table `[record]`: what is kept of a feed, and where."""

from typing import Annotated

import msgspec

from feedhandler.config import values
from feedhandler.config.key import Key
from feedhandler.config.places import Places
from feedhandler.config.values import integer, seconds


class RecordConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[record]`, defaults filled in."""

    to: Annotated[
        str,
        Key(
            "the directory of the recording; made if it is not there",
            values.directory(),
            default="must be given",
            example='"/data/feed"',
        ),
    ]
    only: Annotated[
        tuple[str, ...],
        Key(
            "the venues to record",
            values.strings("a list of venues of this file"),
            default="all of them",
            example='["NAME"]',
        ),
    ] = ()
    rotate_s: Annotated[
        float,
        Key(
            "how old files become before they are finished and count",
            seconds(1.0, 86_400.0),
        ),
    ] = 300.0
    rotate_mib: Annotated[
        int,
        Key(
            "how many MiB a venue's open files may have together before they are finished",
            integer(1, 65_536),
        ),
    ] = 256
    base_s: Annotated[
        float,
        Key(
            "how often all books are written whole, so that a reader need not begin at midnight",
            seconds(1.0, 86_400.0),
        ),
    ] = 900.0
    mark_s: Annotated[
        float,
        Key(
            "how often digests of all books are written, which `feedhandler verify` compares",
            seconds(0.1, 86_400.0),
        ),
    ] = 10.0
    buffer_mib: Annotated[
        int,
        Key(
            "how many MiB of records wait in memory for a slow disk; the others in the rings",
            integer(1, 65_536),
        ),
    ] = 64
    free_mib: Annotated[
        int,
        Key(
            "recording pauses while fewer MiB of the disk are free",
            integer(1, 1 << 30),
        ),
    ] = 512
    compact: Annotated[
        bool,
        Key("make few files of the many of a finished day", values.flag()),
    ] = True
    cpu: Annotated[
        int | None,
        Key("the CPU that the recorder is pinned to", values.cpu(), "none", example="3"),
    ] = None
    places: Places = Places()  #: of these values in the file
