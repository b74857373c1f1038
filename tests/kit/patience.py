"""How long a test waits: alone as long as was promised, beside others as long as it takes.

Among others a time says nothing of the product: it is theirs as well.
"""

from __future__ import annotations

import os
from typing import Final

#: other tests run beside this one, each with processes of its own, or the machine is as busy
CROWDED: Final = "PYTEST_XDIST_WORKER" in os.environ or os.getloadavg()[0] > 1.5 * (
    os.cpu_count() or 1
)
DEADLINE_S: Final = 90.0 if CROWDED else 45.0
#: what a busy machine may add to any time that is promised
SLACK_S: Final = 45.0 if CROWDED else 6.0
#: the `silence_s` of feeds: a simulator that gets no core is silent too
SILENCE_S: Final = 8.0 if CROWDED else 2.0


def patient(deadline_s: float) -> float:
    """So many seconds; beside others no fewer than `DEADLINE_S`."""
    return max(deadline_s, DEADLINE_S) if CROWDED else deadline_s
