"""The writers of a feed, from the supervisor down to the bytes of a frame, and the simulator.

docs/architecture.md has the rooms in their order: each uses those below it and none above.
"""

from importlib.util import find_spec
from pathlib import Path


def _check_shm() -> None:
    """Raise ImportError if `import shm` would find another module than that of this package.

    Its name is short, and Python takes the first on its path: a file `shm.py` in the directory of
    a script comes before what is installed. It is looked for, not imported: `feedhandler --help`
    needs none of it.
    """
    found = find_spec("shm")
    where = found.origin if found is not None else None
    if where is None or not Path(where).with_name("include").is_dir():
        raise ImportError(
            f"`import shm` finds {where or 'nothing'}, which is not feedhandler's: rename that "
            "file, or take its directory off Python's path (PYTHONPATH, or that of the script)"
        )


_check_shm()
