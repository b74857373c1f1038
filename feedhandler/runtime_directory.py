"""Where a user's supervisors have their sockets and locks: a directory that is his alone."""

import os
import stat
from pathlib import Path


def runtime_directory() -> Path:
    """`feedhandler-<uid>` in $XDG_RUNTIME_DIR, /run/user/<uid> or /tmp, whichever is there first.

    Raises PermissionError if somebody else has taken its place, with the cure.
    """
    uid = os.getuid()
    path = _base(uid) / f"feedhandler-{uid}"
    cure = f"remove it, or set XDG_RUNTIME_DIR to a directory of user {uid}"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise PermissionError(f"{path} is no directory: {cure}") from None
    except OSError as error:
        cure = f"set XDG_RUNTIME_DIR to a directory that user {uid} may write to"
        raise PermissionError(f"{path}: {error.strerror}: {cure}") from None
    found = path.lstat()
    if found.st_uid != uid or not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{path} belongs to user {found.st_uid}: {cure}")
    if found.st_mode & 0o077:
        path.chmod(0o700)
    return path


def _base(uid: int) -> Path:
    """The same for a shell and for a service of that user, which often lacks the variable."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    if named:
        return Path(named)
    usual = Path(f"/run/user/{uid}")
    return usual if usual.is_dir() and usual.stat().st_uid == uid else Path("/tmp")
