"""Either end can be ended at any moment, also while nobody is there to be connected to."""

from __future__ import annotations

import pytest

from tests.link.links import Process, free_port, until


@pytest.mark.parametrize("words", [("mirror", "sim", "--from"), ("serve", "--connect")])
def test_who_waits_for_somebody_says_so_and_ends_when_told(
    words: tuple[str, ...], namespace: str
) -> None:
    process = Process(*words, f"127.0.0.1:{free_port()}", "--namespace", namespace)
    try:
        until(lambda: process.said("nobody is there yet"), "it says what it waits for", process)
        assert process.stop() == 0
    finally:
        if process.process.poll() is None:
            process.kill()
        process.close()
