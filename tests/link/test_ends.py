"""Either end can be ended at any moment, also while nobody is there to be connected to."""

from __future__ import annotations

import struct

import pytest

from feedhandler.cli.main import main
from feedhandler.link.asking import _text
from tests.link.links import Process, free_port, same, until
from tests.link.pairs import Pair, joined


@pytest.mark.parametrize("words", [("mirror", "sim", "--from"), ("serve", "--connect")])
def test_who_waits_for_somebody_says_so_and_ends_when_told(
    words: tuple[str, ...], namespace: str
) -> None:
    process = Process(*words, f"127.0.0.1:{free_port()}", "--namespace", namespace)
    try:
        until(lambda: process.said("not connected yet"), "it says what it waits for", process)
        assert process.stop() == 0
    finally:
        if process.process.poll() is None:
            process.kill()
        process.close()


def test_who_does_not_answer_is_said_in_words() -> None:
    """Of an engine whose own word for it is one."""
    assert "has not answered within 2 s" in _text(b"Timeout", 2.0)
    assert _text(b"no such stream", 2.0) == "no such stream"


def test_a_pattern_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """With the option that had it."""
    assert main(["mirror", "sim", "--from", "here", "--only", "!"]) == 2
    assert "--only '!'" in capsys.readouterr().err


def test_a_number_that_was_never_sent_is_not_waited_for(namespace: str) -> None:
    """A batch far ahead is asked for once, and then forgotten."""
    pair = Pair(namespace)
    try:
        copy = joined(pair)
        pair.market.step()
        data = bytearray(pair.one())
        struct.pack_into("<Q", data, 24, 10**6)
        assert not copy.take(bytes(data))
        assert copy.gap
        first, since, early = copy.missing()
        copy.mend(pair.source.repair(first, since, 0), counts=True)
        assert copy.forget(early) == 1
        assert not copy.gap
        pair.market.step()
        assert copy.take(pair.one())
        assert same(pair.feed, pair.mirror)
    finally:
        pair.close()
