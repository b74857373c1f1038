"""Messages that are of the right stream and true of nothing: refused, and no batch later so."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from feedhandler.link._link import BadMessage, Lapped
from feedhandler.link.asking import Asking, LinkRefused, Wanted, _hello
from feedhandler.link.clock import ClockOffset
from feedhandler.link.copy import Copy
from feedhandler.link.names import Clock
from shm._native import DTYPES
from tests.link.links import same
from tests.link.pairs import LIMIT, Pair, joined

_HEAD = struct.Struct("<IHBBQQQQQQQqIIII")
_FIRST, _LAST, _UNTIL, _BYTES, _RECORDS, _RUNS, _IMAGES = 7, 8, 9, 12, 13, 14, 15
FAR = 1 << 40


@pytest.fixture
def pair(namespace: str) -> Iterator[Pair]:
    made = Pair(namespace)
    yield made
    made.close()


def forged(data: bytes, body: bytes = b"", **changed: int) -> bytes:
    """The head of a batch, of no records but with that after it; see `_HEAD`."""
    words = list(_HEAD.unpack_from(data))
    words[_LAST] = words[_UNTIL] = words[_FIRST] - 1
    words[_BYTES] = _HEAD.size + len(body)
    words[_RECORDS] = words[_RUNS] = 0
    words[_IMAGES] = 1 if body else 0
    names = {"first": _FIRST, "last": _LAST, "until": _UNTIL}
    for name, value in changed.items():
        words[names[name]] = value
    return _HEAD.pack(*words) + body


def mended(pair: Pair, copy: Copy) -> int:
    """What is missing is had; how much was early and never sent."""
    assert copy.gap
    first, since, early = copy.missing()
    assert copy.mend(pair.source.repair(first, since, 0), counts=True)
    return copy.forget(early)


def test_a_batch_skips_no_records(pair: Pair) -> None:
    """One that begins far ahead is asked about: the source has never sent it."""
    copy = joined(pair)
    pair.market.step()
    batch = pair.one()
    published = pair.mirror.segment.published if pair.mirror.segment else 0
    far = forged(batch, first=FAR, last=FAR - 1, until=FAR - 1)
    assert not copy.take(far)
    assert pair.mirror.segment is not None
    assert pair.mirror.segment.published == published
    assert mended(pair, copy) == 0  # a repair as of the batch that has that number
    assert same(pair.feed, pair.mirror)
    next_ = list(_HEAD.unpack_from(far))
    next_[6] += 1  # its number
    assert not copy.take(_HEAD.pack(*next_))
    assert mended(pair, copy) == 1
    assert not copy.gap
    assert copy.lost == 0
    pair.market.step()
    assert copy.take(pair.one())
    assert same(pair.feed, pair.mirror)


def test_what_came_while_an_answer_was_awaited_is_newer_than_it(pair: Pair) -> None:
    """So it is written after it, whichever comes first."""
    copy = joined(pair)
    pair.market.step()
    refused = forged(pair.one(), struct.pack("<BBHIQQ", 9, 0, 0, 0, 0, 1))
    with pytest.raises(BadMessage):
        copy.take(refused)
    first, since, early = copy.missing()
    assert since == 0  # nobody knows what else was forged
    answer = pair.source.repair(first, since, 0)
    pair.market.step(40)
    assert copy.take(pair.one())
    assert copy.gap
    assert copy.mend(answer, counts=True)
    assert copy.forget(early) == 0
    assert not copy.gap
    assert same(pair.feed, pair.mirror)
    assert copy.number == pair.source.number


@pytest.mark.parametrize(
    "changed",
    [
        {"first": FAR},
        {"first": 0, "last": (1 << 64) - 1, "until": (1 << 64) - 1},
        {"until": FAR},
        {"last": FAR},
    ],
)
def test_a_batch_that_no_source_can_send_is_refused(pair: Pair, changed: dict[str, int]) -> None:
    copy = joined(pair)
    pair.market.step()
    batch = pair.one()
    with pytest.raises(BadMessage):
        copy.take(forged(batch, b"", **changed))
    assert not copy.gap
    assert copy.take(batch)
    assert same(pair.feed, pair.mirror)


def test_an_answer_skips_only_what_the_source_has(pair: Pair) -> None:
    copy = joined(pair)
    pair.market.step()
    pair.one()
    (*_, last) = pair.source.repair(copy.next_sequence, copy.number, 0)
    published = pair.market.published
    for first in (published + 2, FAR):
        with pytest.raises(BadMessage):
            copy.mend([forged(last, first=first, last=first - 1, until=published)], counts=True)
    assert copy.lost == 0
    assert copy.mend(pair.source.repair(copy.next_sequence, copy.number, 0), counts=True)
    assert same(pair.feed, pair.mirror)


def test_a_server_that_was_too_late_is_believed_when_asked(namespace: str) -> None:
    """Its batch begins ahead: an answer says how many are gone."""
    pair = Pair(namespace, slots=512)
    try:
        copy = joined(pair)
        before = copy.next_sequence
        for _ in range(200):
            pair.market.step()
        with pytest.raises(Lapped):
            pair.source.batch(LIMIT)
        left_out = pair.source.go_on()
        for data in pair.batches(beat=True):
            assert not copy.take(data)
        assert copy.next_sequence == before
        assert mended(pair, copy) == 0
        assert copy.lost == left_out > 0
        assert same(pair.feed, pair.mirror)
    finally:
        pair.close()


# ---- numbers that nothing has

_VENUE = 5
_STATE, _VERDICT, _OFFSET, _ERROR, _LATE = 1, 4, 5, 6, 7  # words of the header's image
MOST = (1 << 63) - 1


@pytest.mark.parametrize(
    ("word", "value"),
    [
        (_STATE, 0xFF),
        (_STATE, 0xFF << 32),
        (_VERDICT, 0xFF),
        (_VERDICT, 0xFFFFFFFF << 32),
        (_OFFSET, MOST),
        (_OFFSET, -MOST),
        (_ERROR, MOST),
        (_ERROR, -1),
        (_LATE, MOST),
        (_LATE, -MOST),
    ],
)
def test_a_header_with_what_no_header_has_is_refused(pair: Pair, word: int, value: int) -> None:
    """Before it can be added to anything: the sign of life goes on."""
    copy = joined(pair)
    pair.market.step()
    batch = pair.one()
    span = struct.pack("<HHHH", word, 1, 0, 0) + struct.pack("<Q", value & (1 << 64) - 1)
    image = struct.pack("<BBHIQQ", _VENUE, 1, 1, 0, 0, 12_345) + span
    with pytest.raises(BadMessage, match="what no header has"):
        copy.take(forged(batch, image))
    copy.beat("tcp/there", 1)
    assert mended(pair, copy) == 0
    assert same(pair.feed, pair.mirror)


@pytest.mark.parametrize("field", ["state", "reason"])
@pytest.mark.parametrize(("what", "region"), [("quote", 1), ("book", 2)])
def test_a_cell_with_a_state_that_is_none_is_refused(
    pair: Pair, what: str, region: int, field: str
) -> None:
    copy = joined(pair)
    pair.market.step()
    batch = pair.one()
    fields = DTYPES[what].fields
    assert fields is not None
    word, byte = divmod(int(fields[field][1]), 8)
    span = struct.pack("<HHHH", word, 1, 0, 0) + struct.pack("<Q", 0xEE << 8 * byte)
    image = struct.pack("<BBHIQQ", region, 1, 1, 0, 0, 12_345) + span
    with pytest.raises(BadMessage, match=f"a {what} with a state that is none"):
        copy.take(forged(batch, image))
    assert mended(pair, copy) == 0
    assert same(pair.feed, pair.mirror)


@pytest.mark.parametrize("its", [Clock(1 << 63, 1 << 63), Clock(-1, 5), Clock(5, 4)])
def test_a_time_that_is_none_is_no_answer(its: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    class Reply:
        ok: Any = type("Sample", (), {"payload": msgspec.json.encode(its)})

    wanted = Wanted("*", "feed", "copy", (), (), 1_000_000_000, "there")
    asking = Asking(None, "sim", wanted)
    monkeypatch.setattr(asking, "_get", lambda *_: [Reply])
    clock = ClockOffset()
    with pytest.raises(LinkRefused, match="a time that is none"):
        asking.clock("here", clock)
    assert clock.now() is None


def test_an_answer_that_is_nested_without_end_is_refused() -> None:
    """The reader of JSON gives up on it by another error than on nonsense."""
    with pytest.raises(LinkRefused, match="an answer that is none"):
        _hello(b'{"name":"here","more":' + b"[" * 100_000)
