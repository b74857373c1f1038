"""The network below TCP fails: a row of the fault table, in a network of the test's own.

Everything is on its loopback interface: taken down, nothing arrives and nothing is refused, as
when a cable is pulled; a queue in front of it is a slow and lossy way. Where the kernel has `netem`
there are delay and loss at random as well.
"""

from __future__ import annotations

import time

from tests.feed.fault_table import row
from tests.kit.outage import SILENCE_S, healed, noticed, unnoticed, watched
from tests.kit.rig import SYMBOLS, rig
from tests.kit.unshared import NETWORK, needs_own, network, run

CHOSEN = SYMBOLS | {"binance": SYMBOLS["binance"][:1]}
DOWN_S = 2 * SILENCE_S + 2

pytestmark = needs_own(NETWORK)


def test_network_gone() -> None:
    run(NETWORK, network_gone)


def network_gone() -> None:
    """The cable is pulled, and put back after some seconds."""
    its = row("network gone")
    assert network("ip link set lo up")
    with rig(*SYMBOLS, rate=100.0) as r, watched(r, CHOSEN) as all_watched:
        for each in all_watched:
            each.forget()
        began = time.time_ns()
        assert network("ip link set lo down")
        for each in all_watched:
            for symbol in each.symbols:
                each.until(lambda it, s=symbol: bool(it.said(s)), "it is noticed", SILENCE_S)  # type: ignore[misc]
                assert each.said(symbol)[0] == its.sees[0]
                noticed(its, each, symbol, began)
        time.sleep(max(0.0, DOWN_S - (time.time_ns() - began) / 1e9))  # a cable's own time
        assert network("ip link set lo up")
        over = time.time_ns()
        for each in all_watched:
            healed(its, each, over)


def test_lossy_network() -> None:
    run(NETWORK, lossy_network)


def lossy_network() -> None:
    """What is lost TCP sends again: books are true, and late."""
    its = row("loss and latency below TCP")
    assert network("ip link set lo up")
    assert network("ip link set lo mtu 1500")
    with rig(*SYMBOLS, rate=100.0) as r, watched(r, CHOSEN) as all_watched:
        lossy = network("tc qdisc add dev lo root netem delay 40ms 20ms loss 2%")
        if not lossy:
            print("this kernel has no netem: a queue that overflows instead")
            assert network("tc qdisc add dev lo root tbf rate 3mbit burst 16kb limit 24kb")
        for each in all_watched:
            each.forget()
            for symbol in each.symbols:
                last = each.feed.book(symbol).venue_sequence + 300
                each.until(lambda it, s=symbol, q=last: it.feed.book(s).venue_sequence > q, "on")  # type: ignore[misc]
        assert network("tc qdisc del dev lo root")
        for each in all_watched:
            unnoticed(its, each)
