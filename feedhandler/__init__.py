"""The writers of a feed, from the supervisor down to the bytes of a frame, and the simulator.

docs/architecture.md has the rooms in their order: each uses those below it and none above.
"""

import shm as _shm


def _check_shm(module: object) -> None:
    """Raise ImportError if `module`, which `import shm` found, is not the one of this package.

    Its name is short, and Python takes the first on its path: a file `shm.py` in the directory of
    a script comes before what is installed.
    """
    if not hasattr(module, "attach") or not hasattr(module, "Feed"):
        where = getattr(module, "__file__", None) or "?"
        raise ImportError(
            f"`import shm` finds {where}, which is not feedhandler's: rename that file, or take "
            "its directory off Python's path (PYTHONPATH, the directory of the script)"
        )


_check_shm(_shm)
