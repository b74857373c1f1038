"""`python -m feedhandler`: the command, where no script of it is on the PATH."""

import sys

from feedhandler.cli.main import main

sys.exit(main())
