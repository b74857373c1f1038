"""A desk: strategies run as other users, who share a group with the feed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import shm
from tests.cli.support import until
from tests.shm.users import STRANGER, as_user, needs_root

DESK = 54321


@needs_root
def test_the_groups_members_read_what_the_feed_writes(namespace: str, tmp_path: Path) -> None:
    config = tmp_path / "feed.toml"
    config.write_text(
        f'status_address = ""\ngroup = {DESK}\n[venues.okx]\ninstruments = ["BTC-USDT"]\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "feedhandler", "start", "--sim", str(config)],
        env=os.environ | {"FEEDHANDLER_NAMESPACE": namespace},
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    code = (
        f"feed = shm.attach('okx', namespace={namespace!r}, owner='root')\n"
        "print(feed.quote('BTC-USDT').state.name, feed.segment.can_wake)"
    )
    try:
        with shm.attach("okx", namespace=namespace, timeout=60.0) as feed:
            until(lambda: feed.state[0] is shm.State.LIVE, "the venue is LIVE")
        assert as_user(code, gid=DESK) == "LIVE True"
        assert as_user(f"try:\n    {code.splitlines()[0]}\nexcept shm.PermissionDenied:\n"
                       "    print('denied')", gid=STRANGER) == "denied"  # fmt: skip
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(45)
