"""Peers benchmark: what others spend on the same frames, from the same server.

Each peer runs in a virtual environment of its own, of its own Python, made on request. It gets the
book frames of `wire`, plain, over a WebSocket on loopback, keeps the books, and its CPU time a
frame is taken from outside, as that of the IO process. The "floor" of a peer's figure is the IO
process on the same frames in the same turns, so that the ratio says how many times ours the peer
spends. Nobody's figure counts unless the books are right at the end: ten levels of each side of
every book are compared with a fresh engine's.

What each does is told by its program, in `programs/`. A recording of OKX from before its
sequence numbers gets them, and loses its empty updates, since not every peer takes such frames; for
all alike. Checksums are 0, and not looked at by anybody.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import urlsplit

import msgspec

from feedhandler import venues
from feedhandler.bench.figures.wire import Cost, blasted, engine_cost, scenario_of
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.frames import Case, by_kind, recorded, recordings
from feedhandler.bench.kit.receiving import expect, line
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.scenario import Scenario
from feedhandler.bench.kit.server import Server, ServerError
from feedhandler.bench.kit.stage import StageError, end, until
from feedhandler.bench.kit.synthetic import synthetic
from feedhandler.bench.peers.books import Books, expected, same
from feedhandler.bench.peers.homes import NoPeer, default_folder, interpreter
from feedhandler.sim.server.frames import encode

BENCH = "peers"
FRAMES = 20_000
_DEPTH = 10
_EMPTY = b'"asks":[],"bids":[]'
_LEVELS = 400  # of a topic that does not say how many
_PROGRAMS = Path(__file__).parent / "programs"
_READY_S = 60.0
_DONE_S = 300.0


@dataclass(frozen=True)
class Peer:
    """`requirement`: as pip takes it; `python`: the oldest minor version of 3 that it runs on;
    `program`: a path, or the name of one of ours; `beside`: what makes it faster if installed."""

    name: str
    requirement: str
    python: int
    program: str
    venues: tuple[str, ...] = ("okx", "bybit-linear", "bybit-spot")
    beside: tuple[str, ...] = ()


PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("cryptofeed", "cryptofeed==3.0.1", 13, "run_cryptofeed.py"),
        Peer("ccxt", "ccxt==4.5.90", 11, "run_ccxt.py", beside=("orjson", "uvloop")),
        Peer("nautilus_trader", "nautilus_trader==1.231.0", 12, "run_nautilus.py"),
    )
}


def case_of(venue: str, folder: Path | None, frames: int) -> Case:
    """The venue's book frames: recorded, or made in code."""
    whole = recorded(venue, folder)
    books = [] if whole is None else [part for part in by_kind(whole) if part.kind == "book"]
    if not books:
        return synthetic(venue, count=frames)
    return replace(books[0], frames=[frame for frame in books[0].frames if _EMPTY not in frame])


def order(scenario: Scenario, url: str) -> bytes:
    """What the peer's program is told: a line, see `programs/words.py`."""
    topic = re.search(rb'"orderbook\.(\d+)\.', scenario.case.frames[0])
    told = {
        "url": url,
        "venue": scenario.case.venue,
        "warm": scenario.warm,
        "count": len(scenario.measured),
        "depth": _DEPTH,
        "levels": int(topic[1]) if topic else _LEVELS,
        "instruments": msgspec.to_builtins(scenario.instruments),
    }
    return json.dumps(told).encode() + b"\n"


def peer_cost(
    peer: Peer, python: Path, scenario: Scenario, right: Books, where: cores.Cores
) -> Cost:
    """One process of the peer, from start to end.

    Raises StageError where it does not do its part, and where its books are not the `right` ones.
    """
    subscribed = threading.Event()

    def answers(_: str) -> Sequence[bytes]:
        subscribed.set()
        return ()

    # They look at the path, as of the venue's own address, for what is traded there.
    path = urlsplit(next(iter(venues.load(scenario.case.venue).ws_urls.values()))).path
    command = ["taskset", "-c", str(where.writer), str(python), str(_PROGRAMS / peer.program)]
    with Server(answers=answers) as server, TemporaryFile() as said:
        child = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        try:
            assert child.stdin is not None
            child.stdin.write(order(scenario, server.url("ws", path)))
            expect(child, "ready", _READY_S)
            session = server.session(_READY_S)
            until(subscribed.is_set, f"{peer.name} subscribes", _READY_S)
            session.send(*(encode(frame) for frame in scenario.warming))
            expect(child, "warm", _DONE_S)
            cost = blasted(session, scenario, child.pid, lambda: expect(child, "done", _DONE_S))
            child.stdin.write(b"books\n")
            if wrong := same(json.loads(line(child, _READY_S)), right):
                raise StageError(wrong)
            return cost
        except (StageError, ServerError, BrokenPipeError, ValueError) as error:
            raise StageError(f"{peer.requirement}: {error}{_last_words(said)}") from None
        finally:
            end(child)


def _last_words(said: IO[bytes]) -> str:
    """The last line of a program's standard error."""
    said.seek(0)
    lines = said.read().decode(errors="replace").split("\n")
    return next((f"; it said: {line.strip()}" for line in reversed(lines) if line.strip()), "")


def run(
    findings: Findings,
    *,
    folder: Path | None = None,
    environments: Path | None = None,
    install: bool = False,
    chosen: Sequence[str] = (),
    chosen_venues: Sequence[str] = (),
    repetitions: int = 3,
    frames: int = FRAMES,
    peers: Mapping[str, Peer] = PEERS,
) -> None:
    """Every peer, or the `chosen` ones, on every venue that it and we have."""
    pythons: dict[str, Path] = {}
    for name, peer in peers.items():
        if chosen and name not in chosen:
            continue
        findings.progress(f"peers: {peer.requirement}")
        home = (environments or default_folder()) / peer.requirement
        try:
            pythons[name] = interpreter(
                home, peer.requirement, *peer.beside, least=peer.python, install=install
            )
        except NoPeer as error:
            findings.note(f"peers without {name}: {error}")
    folder = recordings(folder)
    for venue in dict.fromkeys(venue for name in pythons for venue in peers[name].venues):
        if chosen_venues and venue not in chosen_venues:
            continue
        here = {name: at for name, at in pythons.items() if venue in peers[name].venues}
        for name in pythons.keys() - here.keys():
            findings.note(f"peers: {name} has no {venue}")
        these = {peers[name]: python for name, python in here.items()}
        measure(
            findings, case_of(venue, folder, frames), these, repetitions=repetitions, frames=frames
        )


def measure(
    findings: Findings, case: Case, pythons: Mapping[Peer, Path], *, repetitions: int, frames: int
) -> None:
    """One stream: every peer, in turns with the IO process. A peer that fails is a note."""
    where = cores.choose()
    scenario = scenario_of(case, frames)
    right = expected(scenario, _DEPTH)
    failed: dict[Peer, str] = {}

    def one(peer: Peer, python: Path) -> Cost | None:
        if peer in failed:
            return None
        try:
            return peer_cost(peer, python, scenario, right, where)
        except StageError as error:
            failed[peer] = str(error)
            return None

    sides: dict[str, Callable[[], Cost | None]] = {
        "": partial(engine_cost, scenario, where, tls=False)
    }
    sides |= {peer.name: partial(one, peer, python) for peer, python in pythons.items()}
    with cores.pinned(where.sender):
        taken = policy.in_turns(
            sides, repetitions, lambda n: findings.progress(f"peers, {case.name} {n}/{repetitions}")
        )
    ours = [cost for cost in taken[""] if cost is not None]
    for peer in pythons:
        if peer in failed:
            findings.note(f"peers without {peer.name} on {case.name}: {failed[peer]}")
            continue
        costs = zip(taken[peer.name], ours, strict=True)
        pairs = [(theirs.cpu, own.cpu) for theirs, own in costs if theirs is not None]
        what = (BENCH, f"{case.name} {peer.requirement}", "CPU per frame", "ns")
        findings.results.append(policy.summary(*what, pairs))
