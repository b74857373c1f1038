"""What lies where somebody types a command is not run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import shm
from tests.cli.support import until


def test_modules_that_lie_there_are_not_imported(namespace: str, tmp_path: Path) -> None:
    for name in ("shm.py", "feedhandler.py", "orjson.py", "json.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\n")
    config = tmp_path / "feed.toml"
    config.write_text('status_address = ""\n[venues.okx]\ninstruments = ["BTC-USDT"]\n')
    process = subprocess.Popen(
        [Path(sys.executable).with_name("feedhandler"), "start", "--sim", config],
        cwd=tmp_path,
        env={name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        | {"FEEDHANDLER_NAMESPACE": namespace},
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        with shm.attach("okx", namespace=namespace, timeout=60.0) as feed:
            until(lambda: feed.state[0] is shm.State.LIVE, "the venue is LIVE")
        assert not (tmp_path / "was-run").exists()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(45)
