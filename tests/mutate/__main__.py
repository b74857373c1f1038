"""See the package: `python -m tests.mutate [FILE ...] [--only TEXT] [--jobs N]`."""

from __future__ import annotations

import sys

from tests.mutate.report import main

if __name__ == "__main__":
    sys.exit(main())
