"""Connections that do not come up: rows of the fault table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

import shm
from feedhandler.budgets.shared_budget import bans
from feedhandler.cli.simulated import at_host
from feedhandler.network.connect_failure import CONNECT_TIMEOUT_S
from feedhandler.venues import load
from feedhandler.view.status import venue_status
from shm import Reason
from tests.feed.fault_table import Row, row
from tests.kit.outage import Watched, healed, undergo, watched
from tests.kit.patience import SLACK_S
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, Rig, assert_true_book, end, rig, until
from tests.kit.unshared import NAMES, needs_own, own_names, run
from tests.sim.harness import needs_openssl

CHOSEN = SYMBOLS | {"binance": SYMBOLS["binance"][:1]}
DROP = {"kind": "drop"}
NAME = "venue.test"


@pytest.fixture(scope="module")
def r() -> Iterator[Rig]:
    with rig(*SYMBOLS, rate=50.0) as made:
        yield made


def cut_off(
    its: Row,
    all_watched: list[Watched],
    *steps: tuple[Callable[[Watched], str], Callable[[Watched], Any]],
    give_back: Callable[[Watched], Any] = lambda each: each.sim.fault("none"),
) -> None:
    """No connection can be had: the table says why; when one can, it is soon there. `steps`: what
    the connection says, and what makes it."""
    for each in all_watched:
        each.forget()
    for number, (says, take_away) in enumerate(steps):
        for each in all_watched:
            take_away(each)
            if not number:
                each.sim.fault("drop")
        for each in all_watched:
            text = says(each)
            each.until(lambda it, text=text: text in it.detail, f"it says {text!r}", 15.0)  # type: ignore[misc]
            assert {each.said(symbol)[0] for symbol in each.symbols} == {its.sees[0]}
    over = {}
    for each in all_watched:  # all of them, before one is waited for: delays grow meanwhile
        give_back(each)
        each.sim.fault("unsilence")  # nothing: when it was, by the simulator's clock
        over[each.venue] = each.sim.stats()["faults"][-1]["began_ns"]
    for each in all_watched:
        healed(its, each, over[each.venue])


def test_refused(r: Rig) -> None:
    """However long nobody listens, a try is never far away; where somebody refuses, it may be."""
    tries = 6  # without a bound of its own the next delay would be up to 30 s

    def tried(each: Watched) -> None:
        each.until(lambda it: it.connection()["transitions"] >= 2 * tries + 4, "it tries", 14.0)
        each.sim.fault("none")

    with watched(r, CHOSEN) as all_watched:
        step = lambda _: "refused", lambda each: each.sim.fault("refuse")
        cut_off(row("nobody listens"), all_watched, step, give_back=tried)
        unavailable = {"kind": "upgrade_error", "status": 503, "count": 2}
        undergo(row("handshake refused (503)"), all_watched, unavailable, DROP, ends=True)


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(MORE_SYMBOLS, id="some"),
        pytest.param(SYMBOLS | MORE_SYMBOLS, id="all", marks=pytest.mark.soak),
    ],
)
def test_sent_on(chosen: Mapping[str, tuple[str, ...]]) -> None:
    """To where the same books would be had."""
    with rig(*chosen, rate=50.0) as r, watched(r, chosen) as all_watched:
        step = lambda _: "sent on to ws://localhost", lambda each: each.sim.fault("redirect")
        cut_off(row("sent on to another host"), all_watched, step)


def test_bad_session(r: Rig) -> None:
    """A wrong handshake, and first bytes that are no frames: said as what they are."""
    bad = {
        "deribit": ("garbage", "Received frame with invalid opcode"),
        "okx": ("masked", "Received masked frame"),
        "binance": ("accept", "a wrong WebSocket handshake"),
    }
    with watched(r, CHOSEN) as all_watched:
        cut_off(
            row("a session begins with what it may not"),
            all_watched,
            (
                lambda each: bad[each.venue][1],
                lambda each: each.sim.fault("bad_session", begins=bad[each.venue][0]),
            ),
            (
                lambda _: "Received fragmented control frame",
                lambda each: each.sim.fault("bad_session", begins="http"),
            ),
        )


def ban_left(each: Watched) -> float:
    """Seconds that the connects of the venue's host are held, for all processes."""
    host = urlsplit(each.sim.endpoint.ws_url).netloc
    return max(left for name, (left, _) in bans().items() if name.startswith(f"{host} connects"))


def refused_once(each: Watched, **keys: Any) -> int:
    """Cut, and refused when it comes again; when that was, unix ns."""
    number = each.sim.fault("upgrade_error", **keys)
    each.sim.fault("drop")
    each.until(lambda it: bool(it.sim.told(number)["hits"]), "it is refused", 3.0)
    return int(each.sim.told(number)["first_ns"])


def test_banned(r: Rig) -> None:
    said, unsaid = row("429 or 418 with Retry-After"), row("429 or 418 without Retry-After")
    after, statuses = 2.0, {"deribit": 418, "okx": 429, "binance": 418}
    with watched(r, CHOSEN) as all_watched:
        refused = {}
        for each in all_watched:
            each.forget()
            status = statuses[each.venue]
            refused[each.venue] = refused_once(each, status=status, retry_after=after, count=1)
        for each in all_watched:
            healed(said, each, refused[each.venue], retry_after=after)
            assert each.stamps(each.symbols[0])[-1] >= refused[each.venue] + after * 1e9
        for each in all_watched:
            refused_once(each, status=429)
            each.until(lambda it: it.connection()["reason"] == Reason.RATE_LIMIT, "it says so")
            ban = load(each.venue).limits.bans[429]
            assert ban - 10 < ban_left(each) <= ban < unsaid.healed_s(ban=ban)
            assert each.sim.stats()["faults"][-2]["hits"] == 1


@pytest.mark.soak
def test_banned_without_a_word_for_how_long(r: Rig) -> None:
    its = row("429 or 418 without Retry-After")
    with watched(r, CHOSEN) as all_watched:
        for each in all_watched:
            each.forget()
        refused = {each.venue: refused_once(each, status=429, count=1) for each in all_watched}
        for each in all_watched:
            ban = load(each.venue).limits.bans[429]
            healed(its, each, refused[each.venue], ban=ban)
            assert each.stamps(each.symbols[0])[-1] >= refused[each.venue] + ban * 1e9


def test_endless_handshake(r: Rig) -> None:
    says = f"no connection within {CONNECT_TIMEOUT_S:.0f} s"
    with watched(r, CHOSEN) as all_watched:
        step = lambda _: says, lambda each: each.sim.fault("slow_handshake")
        cut_off(row("handshake never ends"), all_watched, step)


@needs_openssl
def test_bad_tls() -> None:
    bad = {
        "deribit": ("expired", "TLS certificate refused: certificate has expired"),
        "okx": ("wrong_host", "TLS certificate refused: IP address mismatch"),
        "binance": ("untrusted", "TLS certificate refused: unable to get local issuer"),
    }
    with rig(*SYMBOLS, tls=True, rate=50.0) as r, watched(r, CHOSEN) as all_watched:
        cut_off(
            row("bad certificate, TLS refused"),
            all_watched,
            (
                lambda each: bad[each.venue][1],
                lambda each: each.sim.fault("tls", certificate=bad[each.venue][0]),
            ),
            (
                lambda _: "TLS failed: SSLV3_ALERT_HANDSHAKE_FAILURE",
                lambda each: each.sim.fault("tls", certificate="refused"),
            ),
        )


@needs_own(NAMES)
def test_without_a_name() -> None:
    run(NAMES, lose_the_name)


def lose_the_name() -> None:
    """The venues' name is lost, and found again."""
    with own_names() as names, rig(*SYMBOLS, rate=50.0) as r:
        names.set(NAME)
        for venue in SYMBOLS:
            port = urlsplit(r.sims[venue].endpoint.ws_url).port
            url = r.config.venues[venue].ws_url
            assert isinstance(url, str)
            r.change(venue, ws_url=at_host(url, f"ws://{NAME}:{port}"))
        with watched(r, CHOSEN) as all_watched:
            step = lambda _: f"the name {NAME} does not resolve", lambda _: names.set()
            its = row("the name does not resolve")
            cut_off(its, all_watched, step, give_back=lambda _: names.set(NAME))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"kind": "rest_error", "status": 503}, ("HTTP 503",)),
        (  # where options and pairs are asked for apart, a list may be empty
            {"kind": "bad_list", "rows": "empty"},
            ("the venue lists none of the configured", "the list of instruments is empty"),
        ),
    ],
)
def test_no_list(r: Rig, fault: dict[str, Any], says: tuple[str, ...]) -> None:
    """The venue does not say what it lists, when the feed starts."""
    its = row("instruments cannot be listed at the start")
    processes = []
    for venue, symbols in CHOSEN.items():
        r.change(venue, instruments=symbols)
        r.sims[venue].fault(**fault)
        processes.append(r.io_process(venue))
    for venue, symbols in CHOSEN.items():

        def told(venue: str = venue) -> dict[str, Any] | None:
            with suppress(shm.ShmError):
                status = venue_status(r.namespace, venue)
                return status if any(text in status["detail"] for text in says) else None
            return None

        status = until(told, f"{venue} says why")
        assert (status["state"], status["reason"]) == its.sees[0]
        r.sims[venue].fault("none")
        feed = r.attach(venue, its.healed_s() + SLACK_S)
        for symbol in symbols:
            assert_true_book(r.sims[venue], feed, symbol)
    for process in processes:
        end(process)
