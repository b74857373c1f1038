"""A session's bytes into the engine, however the socket cuts them."""

from __future__ import annotations

import asyncio
import gc
import random
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.connection.frame_listener import FrameListener
from feedhandler.engine import _engine as native
from feedhandler.sim.server.frames import BINARY, PING, PONG, TEXT, encode, encode_fragmented
from tests.feed.fault_table import row

from . import support

LONGEST = 1 << 20
CLOSE = 0x8


class Session:
    """Notes what it is told: ("said", message), ("pong", payload), ("garbled", why), ...

    It takes what the engine calls attention to: until somebody has, every frame is shown at once.
    """

    def __init__(self, engine: native.Engine) -> None:
        self.engine = engine
        self.told: list[tuple[str, Any]] = []

    def on_control(self, frame: bytes) -> None:
        self.told.append(("said", frame))

    def on_attention(self) -> None:
        self.engine.attention()

    def on_malformed(self) -> None: ...
    def on_gap(self) -> None: ...

    def on_pong(self, payload: bytes) -> None:
        self.told.append(("pong", payload))

    def on_close(self, code: int, text: str) -> None:
        self.told.append(("close", (code, text)))

    def on_garbled(self, text: str) -> None:
        self.told.append(("garbled", text))

    def on_error(self, error: Exception) -> None:
        self.told.append(("error", error))

    def on_lost(self, listener: FrameListener) -> None: ...


class Before(asyncio.Protocol):
    """Who read before, and is told of the end."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.listener: FrameListener | None = None

    def eof_received(self) -> bool:
        self.told.append("eof")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.told.append(f"lost: {error}")
        if self.listener is not None:
            self.listener.on_ws_disconnected(cast("Any", None))

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


class Taken:
    """An engine behind a receiver."""

    def __init__(self, engine: native.Engine, longest: int = LONGEST) -> None:
        self.engine = engine
        self.connection = self.engine.connection(0)
        self.session, self.before = Session(engine), Before()
        self.listener = FrameListener(self.session, self.connection.feed, self.connection.flush)
        self.receiver = self.connection.receiver(self.listener, self.before, longest)

    def read(self, data: bytes) -> None:
        """As a transport does: into the room that there is."""
        while data:
            buffer = memoryview(self.receiver.get_buffer(-1))
            assert len(buffer) > 0
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            self.receiver.buffer_updated(size)
            data = data[size:]

    def read_in_pieces(self, data: bytes, rng: random.Random, longest: int) -> None:
        while data:
            size = rng.randint(1, longest)
            self.read(data[:size])
            data = data[size:]


def message(rng: random.Random, size: int) -> bytes:
    """Nothing that the venue's decoder takes for market data."""
    return b'{"event":"notice","msg":"%b"}' % bytes(rng.choices(b"abcdefgh", k=size))


@contextmanager
def taken_over(longest: int = LONGEST) -> Iterator[Taken]:
    with support.engine("okx") as engine:
        yield Taken(engine, longest)


SIZES = [0, 60, 93, 94, 95, 120, 500, 65_500, 65_502, 65_503, 65_504, 65_510, 300_000]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("tbfcpo"), st.sampled_from(SIZES)), max_size=12),
    st.integers(0, 2**32),
    st.sampled_from([1, 7, 100, 4096, 1 << 20]),
)
def test_what_was_sent_arrives(events: list[tuple[str, int]], seed: int, cut: int) -> None:
    rng = random.Random(seed)
    data, sent, pings = b"", [], 0
    for kind, size in events:
        whole = message(rng, min(size, 3000) if cut < 100 else size)
        if kind == "p":
            data += encode(bytes(rng.randrange(126)), PING)
            pings += 1
        elif kind == "o":
            data += encode(b"pong", PONG)
            sent.append(("pong", b"pong"))
        elif kind == "c":  # a control frame between the parts of a message (RFC 6455, 5.4)
            first, rest = encode(whole[:20]), encode(whole[20:])
            data += b"\x01" + first[1:] + encode(b"between", PONG) + b"\x80" + rest[1:]
            sent += [("pong", b"between"), ("said", whole)]
        else:
            parts = rng.randint(2, 5) if kind == "f" else 1
            data += encode_fragmented(whole, parts, BINARY if kind == "b" else TEXT)
            sent.append(("said", whole))
    with taken_over() as taken:
        taken.read_in_pieces(data, rng, cut)
        assert taken.session.told == sent
        assert taken.listener.small_frames == pings + sum(what == "pong" for what, _ in sent)
        assert taken.connection.frames == sum(what == "said" for what, _ in sent)


def test_market_data_is_what_it_is_when_it_is_fed() -> None:
    rng = random.Random(5)
    frames = [
        support.okx_book(100, -1, bids=[["100", "1"]], asks=[["101", "1"]], action="snapshot")
    ]
    for n in range(500):
        price = str(90 + rng.randrange(10))
        frames.append(support.okx_book(101 + n, 100 + n, bids=[[price, str(n + 1)]]))
    with support.engine("okx") as fed, taken_over() as taken:
        for frame in frames:
            fed.connection(0).feed(frame)
        taken.read_in_pieces(b"".join(map(encode, frames)), rng, 5000)
        assert support.memory(taken.engine).records() == support.memory(fed).records()
        assert support.engine_book(taken.engine, 0) == support.engine_book(fed, 0)
        assert taken.connection.frames == len(frames)
        assert taken.connection.bytes == sum(map(len, frames))
        assert taken.session.told == []


def test_mute_feeds_nothing_more() -> None:
    with taken_over() as taken:
        taken.read(encode(message(random.Random(1), 10)))
        taken.listener._receiver = taken.receiver
        taken.listener.mute()
        taken.read(encode(message(random.Random(1), 10)) + encode(b"x", PONG))
        assert [what for what, _ in taken.session.told] == ["said", "pong"]
        assert taken.connection.frames == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (b"\xc1\x00", "reserved bits"),
        (b"\x91\x00", "reserved bits"),
        (b"\x81\x81abcd", "masked"),
        (b"\x83\x00", "unknown kind"),
        (b"\x8b\x00", "unknown kind"),
        (b"\x09\x00", "control frame"),
        (b"\x89\x7e\x00\x7e", "control frame"),
        (b"\x82\x7f\x80" + bytes(7), "64 bits"),
    ],
)
@pytest.mark.parametrize("cut", [1, 100])
def test_what_no_server_may_send_ends_the_reading(wrong: bytes, why: str, cut: int) -> None:
    with taken_over() as taken:
        good = encode(message(random.Random(1), 10))
        taken.read_in_pieces(good + wrong + good, random.Random(2), cut)
        assert [what for what, _ in taken.session.told] == ["said", "garbled"]
        assert why in taken.session.told[1][1]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x01\x01{" + encode(b"{}"), "within another"),
        (b"\x01\x01{" + b"\x01\x01{", "within another"),
        (b"\x80\x01}", "had not begun"),
        (encode(b"{}") + b"\x00\x01{", "had not begun"),
    ],
)
def test_a_part_that_is_lost_ends_the_session(data: bytes, why: str) -> None:
    """It may have been of a book whose venue numbers nothing."""
    its = row("a message begins within another, or goes on that never began")
    assert its.sees[0] == ("STALE", "MALFORMED")  # as of all that is garbled
    with taken_over() as taken:
        taken.read(data)
        what, said = taken.session.told[-1]
        assert what == "garbled"
        assert why in said


def test_a_message_in_parts_without_end_ends_the_session() -> None:
    """Each part costs a call: a venue that sends nothing else would keep the process from all."""
    with taken_over() as taken:
        taken.read(b"\x01\x01[" + (1 << 16) * b"\x00\x00")
        assert taken.session.told == [
            ("garbled", "the venue sent a message in more than 65,536 parts")
        ]


def test_pings_are_answered_as_long_as_somebody_reads_the_answers() -> None:
    class Transport:
        unread = 0
        sent = 0

        @property
        def underlying_transport(self) -> Transport:
            return self

        def get_write_buffer_size(self) -> int:
            return self.unread

        def send_pong(self, _: bytes) -> None:
            self.sent += 1

    with taken_over() as taken:
        transport = Transport()
        taken.listener._transport = cast("Any", transport)
        for unread, answers in ((0, 1), (1 << 20, 1), (0, 2)):
            transport.unread = unread
            taken.read(encode(b"x", PING))
            assert transport.sent == answers
        taken.listener._transport = None


def test_a_frame_that_is_too_long_ends_the_reading() -> None:
    with taken_over(1000) as taken:
        rng = random.Random(1)
        taken.read(encode(message(rng, 900)))
        taken.read(encode(message(rng, 1001))[:200])
        taken.read(encode(message(rng, 10)))
        assert [what for what, _ in taken.session.told] == ["said", "garbled"]
        assert taken.session.told[1][1] == "a message of more than 64 MiB"


def test_the_room_grows_for_a_long_frame_and_shrinks_again() -> None:
    with taken_over(64 << 20) as taken:
        usual = len(memoryview(taken.receiver.get_buffer(-1)))
        long = message(random.Random(1), 5 << 20)
        taken.read(encode(long))
        assert taken.session.told == [("said", long)]
        assert len(memoryview(taken.receiver.get_buffer(-1))) == usual


def test_a_mistake_costs_one_frame() -> None:
    with taken_over() as taken:
        real, taken.session.on_control = taken.session.on_control, lambda _: 1 / 0  # type: ignore[method-assign,assignment]
        rng = random.Random(1)
        taken.read(encode(message(rng, 10)) + encode(b"x", PONG))
        taken.session.on_control = real  # type: ignore[method-assign]
        taken.read(encode(message(rng, 10)))
        assert [what for what, _ in taken.session.told] == ["error", "pong", "said"]


def test_the_close_frame_and_the_end_of_the_session() -> None:
    with taken_over() as taken:
        taken.read(encode((1001).to_bytes(2) + b"going away", CLOSE))
        assert taken.session.told == [("close", (1001, "going away"))]
        taken.receiver.pause_writing()
        taken.receiver.resume_writing()
        assert taken.receiver.eof_received() is False
        taken.receiver.connection_lost(None)
        assert taken.before.told == ["pause", "resume", "eof", "lost: None"]
        taken.read(encode(message(random.Random(1), 10)))  # nobody is there to take it
        assert len(taken.session.told) == 1


def test_nothing_is_left_of_a_session_without_a_collector() -> None:
    """The IO process does not look for cycles."""
    gc.disable()
    try:
        with support.engine("okx") as engine:
            taken = Taken(engine)
            taken.listener._receiver = taken.receiver
            taken.listener._transport = cast("Any", [taken.receiver])  # as a real one does
            taken.before.listener = taken.listener
            left = weakref.ref(taken.listener)
            taken.receiver.connection_lost(None)
            del taken
            assert left() is None
            read_by_the_library = Taken(engine).listener
            read_by_the_library._transport = cast("Any", [read_by_the_library])
            left = weakref.ref(read_by_the_library)
            read_by_the_library.on_ws_disconnected(cast("Any", None))
            del read_by_the_library
            assert left() is None
    finally:
        gc.enable()


def test_text_and_binary_are_the_same() -> None:
    for kind in (TEXT, BINARY):
        with taken_over() as taken:
            taken.read(encode(b'{"event":"subscribe"}', kind))
            assert taken.session.told == [("said", b'{"event":"subscribe"}')]
