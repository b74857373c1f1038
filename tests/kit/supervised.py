"""A supervisor of the configuration that comes as JSON: `python -m tests.kit.supervised`."""

import sys

import msgspec

from feedhandler.config.keys import Config
from feedhandler.supervisor import supervisor

if __name__ == "__main__":
    sys.exit(supervisor.run(msgspec.json.decode(sys.stdin.buffer.read(), type=Config)))
