"""Refuses an interpreter without a global interpreter lock, as soon as `shm` is imported.

What is written here about threads rests on that lock: a native call is one step to all other
threads. A free-threaded build (3.13t, 3.14t) takes the lock up by itself when it loads a native
module that does not do without, for the whole process and with no more than a warning; that is
for its user to decide.
"""

from __future__ import annotations

import sys

if not getattr(sys, "_is_gil_enabled", lambda: True)():
    raise ImportError(
        "shm does not support Python without the global interpreter lock: run this free-threaded "
        "build with PYTHON_GIL=1 or -X gil=1, or use an ordinary build"
    )
