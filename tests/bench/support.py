"""What every benchmark must yield."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feedhandler.bench.kit.result import Findings, Result


def well_formed(findings: Findings, bench: str) -> dict[tuple[str, str], Result]:
    """Checks all results and answers with them by (case, metric)."""
    assert findings.results
    for result in findings.results:
        assert result.bench == bench
        assert result.case
        assert result.metric
        assert result.unit
        assert math.isfinite(result.value)
        assert result.spread >= 0
        assert (result.floor is None) == (result.ratio is None)
        if result.ratio is not None:
            assert result.ratio >= 0  # 0: it did not happen at all
    by_name = {(result.case, result.metric): result for result in findings.results}
    assert len(by_name) == len(findings.results), "two results of one name"
    return by_name


@contextmanager
def nothing_left() -> Iterator[None]:
    """No shared memory of this process's benchmarks is there afterwards."""
    yield
    assert not list(Path("/dev/shm").glob(f"bench{os.getpid()}*"))
