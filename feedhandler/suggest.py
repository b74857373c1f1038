"""What somebody may have meant by a name that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint to append to an error: the known name most like it, and all that are known."""
    names = list(known)
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"{meant}; known are {', '.join(names)}"
