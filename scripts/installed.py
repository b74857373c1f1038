"""Whether an installed feedhandler works: simulated venues, a strategy, and the screens.

    python scripts/installed.py

Runs the `feedhandler` of the Python that runs this, in a namespace of its own, and says what it
saw. It ends with 0 after some seconds, or with 1 and what was wrong.
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import feedhandler
import shm

FEED = [sys.executable, "-P", "-m", "feedhandler"]
NAMESPACE = f"installed-{os.getpid()}"
DEADLINE_S = 90.0


def said(*arguments: str) -> str:
    return subprocess.run([*FEED, *arguments], capture_output=True, text=True, check=True).stdout


def live_books(feed: shm.Feed) -> int:
    """How many books are LIVE, and read whole."""
    instruments = [one for one in feed.instruments() if one.has_book]
    books = [feed.book(one) for one in instruments]
    return sum(book.state is shm.State.LIVE and len(book.bids) > 0 for book in books)


def all_live() -> bool:
    """Whether `feedhandler status` comes to say so: it looks at a venue's every instrument."""
    status = [*FEED, "status", "--namespace", NAMESPACE, "--json"]
    end = time.monotonic() + DEADLINE_S
    while subprocess.run(status, capture_output=True).returncode != 0:
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def top_draws() -> bool:
    """Whether `feedhandler top` draws a venue on a terminal, and ends with q."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    top = subprocess.Popen(
        [*FEED, "top", "--namespace", NAMESPACE], stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    os.set_blocking(screen, False)
    drawn, end = b"", time.monotonic() + DEADLINE_S
    try:
        while time.monotonic() < end:
            try:
                drawn += os.read(screen, 65536)
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:  # it has ended
                break
            if b"deribit" in drawn:
                os.write(screen, b"q")
        return b"deribit" in drawn and top.wait(10) == 0
    finally:
        top.kill()
        top.wait()
        os.close(screen)


def main() -> int:
    started = time.monotonic()
    print(f"{said('--version').strip()} in {Path(feedhandler.__file__).parent}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FEEDHANDLER_STATE"] = folder
        os.environ["FEEDHANDLER_BUDGETS"] = f"{NAMESPACE}-budgets"
        command = [*FEED, "start", "--sim", "--namespace", NAMESPACE]
        config = Path(folder, "feed.toml")
        config.write_text('status_address = ""\n\n[venues.deribit]\n\n[venues.okx]\n')
        with Path(folder, "log").open("w+") as log:
            feed = subprocess.Popen([*command, str(config)], stdout=log, stderr=log)
            try:
                seen = watched(started)
            finally:
                feed.send_signal(signal.SIGINT)
                code = feed.wait(20)
                log.seek(0)
                told = log.read()
    Path("/dev/shm", f"{NAMESPACE}-budgets").unlink(missing_ok=True)
    if not seen or code != 0:
        print(told, f"\nfeedhandler start ended with {code}", file=sys.stderr)
        return 1
    left = list(Path("/dev/shm").glob(f"{NAMESPACE}*"))
    print(f"stopped in order, nothing left behind: {not left}")
    return 1 if left else 0


def watched(started: float) -> bool:
    """The feed from its beginning, as strategies and people see it."""
    for venue in ("deribit", "okx"):
        feed = shm.attach(venue, namespace=NAMESPACE, timeout=DEADLINE_S)
        end = time.monotonic() + DEADLINE_S
        while not (books := live_books(feed)):
            if time.monotonic() > end:
                print(f"{venue}: no book is LIVE", file=sys.stderr)
                return False
            time.sleep(0.1)
        batch = next(feed.events(start="oldest"))
        took = time.monotonic() - started
        print(f"{venue}: {books} books LIVE after {took:.1f} s, {len(batch)} records read")
    if not all_live():
        print("feedhandler status: not everything is LIVE", file=sys.stderr)
        return False
    drawn = top_draws()
    print(f"top draws: {drawn}")
    return drawn


if __name__ == "__main__":
    sys.exit(main())
