"""What the venue tests share."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

from tests.kit.recordings import recorded


def recorded_lines(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(recorded(name), "rt") as source:
        for line in source:
            yield json.loads(line)
