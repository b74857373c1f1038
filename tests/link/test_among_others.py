"""Of several venues, of ends that do not answer, and of who is asked in vain: one at a time."""

from __future__ import annotations

import logging
import threading
from typing import Any

import msgspec
import pytest

import shm
from feedhandler.cli.main import main
from feedhandler.link import asking, serving
from feedhandler.link.mirroring import Mirroring, VenueMirror
from feedhandler.link.names import Ask, Clock, key
from feedhandler.link.serving import Serving
from feedhandler.link.session import engine
from shm.segment import create
from tests.kit.patience import DEADLINE_S
from tests.link.ends import sessions, wanted
from tests.link.links import LIVE, Flow, attached, states, until
from tests.link.pairs import Pair, hello_of
from tests.recording.market import VENUE, Market


def test_who_waits_for_an_answer_ends_all_the_same(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that says who it is, and then nothing more, for longer than this test may take."""
    monkeypatch.setattr(asking, "_REPAIR_S", 100 * DEADLINE_S)
    unanswered: list[Any] = []
    with Market(namespace), shm.attach(VENUE, namespace=namespace) as feed, sessions() as ends:
        assert feed.segment is not None
        hello = msgspec.json.encode(hello_of(feed.segment))

        def asked(query: Any) -> None:
            ask = msgspec.json.decode(bytes(query.payload), type=Ask)
            if ask.do == "repair":
                unanswered.append(query)
                return
            said = msgspec.json.encode(Clock(1, 1)) if ask.do == "clock" else hello
            with query:
                query.reply(query.key_expr, said)

        ends[0].declare_queryable(
            key("here", namespace, VENUE, "ask"), engine().handlers.Callback(asked), complete=True
        )
        mirroring = Mirroring(ends[1], [VENUE], wanted(namespace))
        try:
            until(lambda: bool(unanswered), "it asks for what is missing")
        finally:
            closing = threading.Thread(target=mirroring.close, daemon=True)
            closing.start()
            closing.join(DEADLINE_S)
        assert not closing.is_alive()
        unanswered.clear()


def test_a_venue_that_another_serves_is_refused_alone(
    namespace: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It came later: the others go on, and it is served as soon as nobody else does."""
    monkeypatch.setattr(serving, "_CLAIMED_S", 0.0)
    geometry: dict[str, Any] = {"instruments": 16, "depth": 8, "ring_slots": 1024}
    with Market(namespace), sessions() as ends:
        here = Serving(ends[0], "here", namespace, (), 48 << 10)
        try:
            here.look()
            assert list(here.venues) == [VENUE]
            claim = key("here", namespace, "other", "alive")
            token = ends[1].liveliness().declare_token(claim)
            until(lambda: bool(list(ends[0].liveliness().get(claim, timeout=1.0))), "it is claimed")
            with create("other", namespace=namespace, **geometry), caplog.at_level(logging.WARNING):
                here.look()
                here.look()
                assert list(here.venues) == [VENUE]
                said = [line for line in caplog.messages if "other of" in line]
                assert len(said) == 1
                assert "is served as here already" in said[0]
                assert "--name" in said[0]
                token.undeclare()

                def served() -> bool:
                    here.look()
                    return list(here.venues) == [VENUE, "other"]

                until(served, "nobody else serves it")
        finally:
            here.close()


def test_a_sign_of_life_survives_what_cannot_be_said(
    namespace: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        Market(namespace) as market,
        Flow(market, pause_s=0.02),
        sessions() as ends,
        caplog.at_level(logging.WARNING),
    ):
        source = Serving(ends[0], "here", namespace, (), 48 << 10)
        source.look()
        its = VenueMirror(ends[1], VENUE, wanted(namespace))
        try:
            mirror = attached(f"{namespace}m")
            until(lambda: states(mirror) == LIVE, "LIVE")
            assert its.copy is not None
            segment = mirror.segment
            assert segment is not None
            with monkeypatch.context() as patched:

                def beat(*_: object) -> None:
                    raise OverflowError("value too large")

                patched.setattr(its.copy, "beat", beat)
                until(lambda: "OverflowError: value too large" in caplog.text, "it is said")
            before = segment.heartbeat_ns
            until(lambda: segment.heartbeat_ns > before, "signs of life")
        finally:
            its.close()
            source.close()


@pytest.mark.parametrize(
    "words",
    [("stop",), ("reload",), ("subscribe", VENUE, "BTC-USD"), ("unsubscribe", VENUE, "BTC-USD")],
)
def test_what_is_asked_of_a_mirror_names_its_source(
    namespace: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of ours is to be started: its feed runs elsewhere."""
    pair = Pair(namespace)
    try:
        pair.held.writer.mirrors(
            1,
            "tokyo/feedhandler",
            "tcp/10.0.0.5:7447",
            clock_offset_ns=0,
            clock_error_ns=0,
            late_ns=0,
            heard_ns=0,
            lost=0,
            repaired=0,
        )
        pid = pair.mirror.segment.life[1] if pair.mirror.segment else 0
        assert main([*words, "--namespace", f"{namespace}m"]) == 3
        said = capsys.readouterr().err
        assert f"process {pid} mirrors {VENUE} of tokyo/feedhandler over tcp/10.0.0.5:7447" in said
        assert "source" in said
        assert f"kill {pid}" in said
        assert "start it" not in said
        assert main([*words, "--namespace", namespace]) == 3
        said = capsys.readouterr().err
        assert "mirror" not in said
        assert "start it" in said
    finally:
        pair.close()
