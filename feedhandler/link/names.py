"""What is asked and answered over a link, and under which keys."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated

import msgspec

from shm import Kind

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
ALL_KINDS = (1 << 64) - 1


_Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_Pattern = Annotated[str, msgspec.Meta(max_length=256)]
_Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class Follower(msgspec.Struct, frozen=True):
    """What a mirror says of itself to who serves it, for people who look there."""

    host: _Word
    namespace: _Word
    pid: _Number
    late_ns: _Number
    lost: _Number
    repaired: _Number


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """`do`: "hello" (who serves this, and which stream has these instruments and kinds), "repair"
    (of the stream: what it brought after batch `since`, and records from `first` on), "clock"."""

    do: str
    only: Annotated[tuple[_Pattern, ...], msgspec.Meta(max_length=256)] = ()
    kinds: Annotated[tuple[_Pattern, ...], msgspec.Meta(max_length=64)] = ()
    stream: _Pattern = ""
    life: int = 0
    first: int = 0
    since: int = 0
    follower: Follower | None = None  #: with "clock"


class Hello(msgspec.Struct, frozen=True):
    """Who serves a venue, what of, and in which stream."""

    wire: int  #: of the format of messages
    contract: tuple[int, int]
    layout: int
    name: str
    namespace: str
    venue: str
    host: str
    pid: int
    life: int
    epoch: int
    instruments: int
    depth: int
    ring_slots: int
    connections: int
    stream: str
    carried: int  #: instruments that the filter takes, of those that are there
    there: int


class Clock(msgspec.Struct, frozen=True):
    """When a question came and when it was answered, by the clock there."""

    came_ns: int
    left_ns: int


def own_name() -> str:
    """This host's, as far as a key may have it."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "host"


def checked_name(name: str) -> str:
    """Raises ValueError for what is no name of a source."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: letters, digits, '.', '_' and '-', at most 64 of them")
    return name


def key(name: str, namespace: str, venue: str, what: str) -> str:
    """`name` may be "*"."""
    return f"feedhandler/{name}/{namespace}/{venue}/{what}"


def stream_name(only: Sequence[str], kinds: Sequence[str]) -> str:
    """The same for the same filter, whoever asks."""
    if not only and not kinds:
        return "all"
    text = msgspec.json.encode([list(only), sorted(kinds)])
    return "f" + blake2b(text, digest_size=8).hexdigest()


def kind_bits(kinds: Sequence[str]) -> int:
    """Raises ValueError for a word that is no kind of record."""
    bits = 0
    for kind in kinds:
        try:
            bits |= 1 << Kind[kind.upper()]
        except KeyError:
            known = ", ".join(each.name.lower() for each in Kind)
            raise ValueError(f"no kind {kind!r}: {known}") from None
    if bits >> Kind.LEVEL & 1:
        bits |= 1 << Kind.CLEAR
    return bits or ALL_KINDS


def endpoint(text: str) -> str:
    """As Zenoh writes it: HOST:PORT is TCP, and the port 7447 if there is none."""
    if "/" in text:
        return text
    return f"tcp/{text}" if ":" in text else f"tcp/{text}:7447"
