"""The IO process that is measured: the real one, with a stub for its venue.

`python -m feedhandler.bench.kit.io_process [KEYS]` takes the same order on stdin as
`feedhandler.io_process.main`; KEYS: how many a connection may carry.
"""

import sys

import msgspec

from feedhandler.bench.kit.stub_venue import stub
from feedhandler.io_process.main import Order, run

if __name__ == "__main__":
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.exit(run(order, venue=stub(order.venue, keys)))
