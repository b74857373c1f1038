"""A program of the tests' own that somebody runs by hand, and may end at any time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from feedhandler.bench.kit import leftovers
from feedhandler.ending import Ended, unwinding


@contextmanager
def tool() -> Iterator[None]:
    """Nothing of it is left, whether it ends by itself, by a signal or by a mistake of its own.
    Memory of a rig is known; what else there is, `leftovers` has to be told."""
    try:
        with unwinding(), leftovers.none():
            yield
    except Ended as ended:
        sys.exit(ended.exit_code)
