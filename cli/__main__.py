"""`python -m cli`: the same as `feedhandler`."""

import sys

from cli.main import main

sys.exit(main())
