"""`shm` by another name: `from feedhandler import shm` gives the module that `import shm` does."""

import sys

import shm
from shm import *  # noqa: F403 - for type checkers

sys.modules[__name__] = shm
