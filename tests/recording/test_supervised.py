"""A feed with a table [record]: its supervisor keeps a recorder, whatever becomes of that."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import msgspec

from feedhandler.config.record_keys import RecordConfig
from feedhandler.status_file import recorders
from feedhandler.supervisor.control_socket import NotRunning, request
from shm.recording import manifest
from tests.cli.support import run
from tests.kit.rig import Rig, rig, until


def _recorder(r: Rig) -> dict[str, Any]:
    try:
        found: list[dict[str, Any]] = request(r.namespace, {"do": "status"})["recorders"]
    except NotRunning:
        return {"state": "", "pid": 0, "venues": []}
    return found[0]


def _records(r: Rig) -> int:
    return sum(venue["records"] for venue in _recorder(r)["venues"])


def test_a_recorder_is_started_restarted_shown_and_stopped(tmp_path: Path) -> None:
    with rig("deribit", "okx") as r:
        record = RecordConfig(to=str(tmp_path / "kept"), rotate_s=1.0, mark_s=0.5, free_mib=1)
        r.config = msgspec.structs.replace(r.config, record=record)
        supervisor = r.supervisor()
        until(lambda: _records(r) > 1000, "records")
        first = _recorder(r)
        assert first["state"] == "RECORDING"
        assert recorders(r.namespace)[0]["pid"] == first["pid"]
        shown = run("status", namespace=r.namespace).stdout
        assert f"recorder {first['pid']} to {tmp_path / 'kept'}: RECORDING" in shown
        assert re.search(r"RECORDING  [\d,]+ records, [\d,]+/s, ", shown)
        until(lambda: _recorder(r)["venues"][0]["segments"] > 0, "a segment")
        os.kill(first["pid"], signal.SIGKILL)
        until(lambda: _recorder(r)["pid"] not in (0, first["pid"]), "another one")
        until(lambda: _records(r) > 1000, "records")
        again = _recorder(r)
        assert again["restarts"] == 1
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(45) == 0
        assert recorders(r.namespace) == []
    found = manifest.read(tmp_path / "kept")
    assert found.venues() == ["deribit", "okx"]
    for venue in found.venues():
        assert list(manifest.holes(found, venue)) == []  # the ring had what the dead one had not
        assert found.losses(venue) == []
        segments = found.segments(venue)
        assert segments[0].first == 1
        assert segments[-1].last == found.ends(venue)[segments[-1].epoch].last
    assert [type(line).__name__ for line in found.lines][-1] == "Stop"


def test_a_directory_that_is_refused_is_said_and_the_feed_runs(tmp_path: Path) -> None:
    (tmp_path / "venue=x").mkdir()
    with rig("okx") as r:
        record = RecordConfig(to=str(tmp_path))
        r.config = msgspec.structs.replace(r.config, record=record)
        r.supervisor()
        r.attach("okx").close()

        def said() -> bool:
            found = _recorder(r)
            return found.get("state") == "ENDED" and "refused" in found["detail"]

        until(said, "it is said")
