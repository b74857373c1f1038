"""When a venue sent the message of a record."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shm.names import Kind


def sent_ns(rows: NDArray[Any]) -> NDArray[np.int64]:
    """When the venue sent the message of each record, unix ns by its clock, to the microsecond.

    0: it says no other time than `exchange_ns`; and of records that are no message of the venue's,
    and of statistics. `rows`: a batch of events, or of a recording.
    """
    after = np.where(rows["kind"] <= Kind.QUOTE, rows["aux"], 0).astype(np.uint32).view(np.int32)
    return np.where(after != 0, rows["exchange_ns"] + np.int64(1000) * after, 0)
