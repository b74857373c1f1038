"""What the replay tests share: recordings, namespaces, captures written by hand."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.kit import recordings
from tests.kit.recordings import recorded

FOLDERS = {
    "deribit": "deribit",
    "okx": "okx",
    "binance": "binance_spot",
    "binance-usdm": "binance_usdm",
    "bybit-linear": "bybit",
    "bybit-spot": "bybit",
    "bybit-option": "bybit",
}
#: those of which whole sessions were recorded, not single frames only
RECORDED = ("deribit", "okx", "binance", "binance-usdm", "bybit-linear", "bybit-spot")


def recording(venue: str, name: str) -> Path:
    """One file of the recordings; the test is skipped where it is not there."""
    return recorded(f"{FOLDERS[venue]}/{name}")


def recording_names() -> list[tuple[str, str]]:
    """(venue, file under the venue's folder) of every recording and sample there is."""
    found = []
    for venue, folder in FOLDERS.items():
        root = recordings.folder() / folder
        paths = [*root.glob("*.ndjson.gz"), *root.glob("samples/*.ndjson.gz")]
        found += [
            (venue, str(path.relative_to(root)))
            for path in sorted(paths)
            if folder != "bybit" or ("options" in path.name) == (venue == "bybit-option")
        ]
    return found


def write_capture(path: Path, frames: Iterable[dict[str, Any] | str]) -> Path:
    """A capture of these lines; `data` that is not a text is written as JSON first."""
    with path.open("w") as out:
        for frame in frames:
            if isinstance(frame, dict):
                data = frame.get("data")
                if data is not None and not isinstance(data, str):
                    frame = {**frame, "data": json.dumps(data)}
                frame = json.dumps(frame)
            out.write(frame + "\n")
    return path
