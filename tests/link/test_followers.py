"""What mirrors say of themselves to who serves them: shown to people, and so bounded."""

from __future__ import annotations

import msgspec
import pytest

from feedhandler.link.followers import Followers
from feedhandler.link.names import Ask, Follower


def test_each_is_known_once_and_there_are_never_too_many() -> None:
    followers = Followers()
    for late_ns in (1, 2):
        followers.note(Follower("host", "feed", 7, late_ns, 0, 0))
    assert [(each["pid"], each["late_ns"]) for each in followers.now()] == [(7, 2)]
    for pid in range(10_000):
        followers.note(Follower("liar", "feed", pid, 0, 0, 0))
    assert len(followers.now()) == 1000
    followers.note(Follower("host", "feed", 7, 3, 0, 0))
    assert followers.now()[0]["late_ns"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "a\x1b[2J"},
        {"host": "x" * 65},
        {"namespace": "a b"},
        {"pid": -1},
        {"lost": 1 << 64},
    ],
)
def test_what_no_terminal_should_show_is_no_question(wrong: dict[str, object]) -> None:
    said = {"host": "a", "namespace": "n", "pid": 1, "late_ns": 0, "lost": 0, "repaired": 0}
    ask = {"do": "clock", "follower": said}
    assert msgspec.json.decode(msgspec.json.encode(ask), type=Ask).follower is not None
    ask = {"do": "clock", "follower": said | wrong}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(ask), type=Ask)
