"""What somebody may have meant by a name that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def near(name: str, known: Iterable[str]) -> str:
    """A hint to append to an error: the known name most like it; "" without any."""
    found = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The same, and all names that are known."""
    names = list(known)
    return f"{near(name, names) or ';'} known are {', '.join(names)}"
