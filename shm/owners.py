"""Whom a reader believes. /dev/shm is everybody's: who makes `/dev/shm/<namespace>.<venue>` first,
whoever it is, would otherwise be the feed for all."""

from __future__ import annotations

import os
import pwd

from shm.errors import BadName, NotTrusted

ENVIRONMENT = "FEEDHANDLER_OWNER"
ROOT = 0


def believed(owner: str | int | None = None) -> frozenset[int]:
    """The users whose feeds are believed: `owner`, a name or a number; else FEEDHANDLER_OWNER's;
    else this process's user, and root. Raises :class:`BadName`: there is no such user."""
    named = owner if owner is not None else os.environ.get(ENVIRONMENT) or None
    if named is None:
        return frozenset((os.geteuid(), ROOT))
    if isinstance(named, int):
        return frozenset((named,))
    if named.isdecimal():
        return frozenset((int(named),))
    try:
        return frozenset((pwd.getpwnam(named).pw_uid,))
    except KeyError:
        raise BadName(f"owner {named!r}: there is no such user here") from None


def user_name(uid: int) -> str:
    """As people know him: "eve (1001)", or the number alone."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} ({uid})"
    except KeyError:
        return str(uid)


def check_believed(uid: int, whom: frozenset[int], path: str) -> None:
    """Raises :class:`NotTrusted` unless the owner of an object is one of these."""
    if uid in whom:
        return
    others = ", ".join(user_name(each) for each in sorted(whom))
    raise NotTrusted(
        f"{path} belongs to user {user_name(uid)}; this reader believes {others}. If that is the "
        f'feed\'s user: attach(..., owner="{uid}"), or {ENVIRONMENT}={uid}',
        uid,
    )
