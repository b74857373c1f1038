"""Why this user may not touch a file, and what would help."""

from __future__ import annotations

import grp
import os
from pathlib import Path

from shm.owners import user_name


def group_name(gid: int) -> str:
    """As people know it, or the number alone."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def whose(path: str | Path) -> str:
    """Whose a file is and whose this process, in words; of a file that is not there, or that
    cannot be seen, the directory above it that can."""
    wanted = there = Path(path)
    while True:
        try:
            found = there.stat()
            break
        except OSError:
            if there == there.parent:
                return f"this is user {user_name(os.geteuid())}"
            there = there.parent
    its = "it" if there == wanted else str(there)
    owner = f"user {user_name(found.st_uid)}, group {group_name(found.st_gid)}"
    mode = f"mode {found.st_mode & 0o7777:04o}"
    return f"{its} belongs to {owner}, {mode}; this is user {user_name(os.geteuid())}"
