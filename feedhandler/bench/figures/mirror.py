"""Mirror benchmark: from a record's publication at its source to a reader on another host.

Hosts are network namespaces that a bridge joins (hosts.py); without them all is on loopback, and a
note says so. The source is an option board through the engine; `serve` shares its core, the mirror
and its reader have another. Where a reader that polls shares the mirror's core, it has what the
mirror leaves of it, and so has somebody who only spins beside bare Zenoh and TCP.

Bare Zenoh sends batches of as many bytes at the same times, from Python to Python, and is the floor
of the mirror; its own floor is a message in C over TCP.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec

import numpy as np

from feedhandler.bench.figures.mirror_writer import writer_cost
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.board_frames import VENUE
from feedhandler.bench.kit.children import followers
from feedhandler.bench.kit.mirror_floors import Bare, Batches, tcp, zenoh
from feedhandler.bench.kit.mirror_stage import Run, Stage, Times, mirror_stage, net
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.native import programs

BENCH = "mirror"
RATES = (1_000, 20_000, 200_000)  #: records a second
MIRRORS = (1, 16)
SECONDS = 1.0
PERCENTILES = (50.0, 99.0)
_BATCH_S = 0.001
#: of the runs with several mirrors: what two cores can carry
_FAN_RATE, _FAN_BATCH_S, _FAN_SLOTS = 2_000, 0.01, 1 << 15
Figures = dict[str, float]


def run(
    findings: Findings,
    *,
    rates: Sequence[int] = RATES,
    mirrors: Sequence[int] = MIRRORS,
    seconds: float = SECONDS,
    repetitions: int = 1,
) -> None:
    """Each rate beside its floors, what serving costs the writer, and each number of `mirrors`, if
    there are any."""
    if find_spec("zenoh") is None:
        findings.note("no mirror without eclipse-zenoh: pip install 'feedhandler[mirror]'")
        return
    try:
        programs.build("mirror_reader")
    except programs.NoProgram as error:
        findings.note(f"no mirror: {error}")
        return
    where = cores.choose()
    findings.note(f"mirror: source and serve on CPU {where.writer}, mirrors on {where.reader}")
    with net(1) as (on, why):
        if why:
            findings.note(f"mirror over loopback and not between namespaces: {why}")
        with mirror_stage(on, where) as stage:
            for rate in rates:
                _one_rate(findings, stage, rate, seconds, repetitions)
        findings.progress("mirror: what it costs the writer")
        writer_cost(findings, on, where, seconds, repetitions)
    for routed in (False, True) if mirrors else ():
        _fan_out(findings, where, mirrors, seconds, repetitions, routed)


def _one_rate(
    findings: Findings, stage: Stage, rate: int, seconds: float, repetitions: int
) -> None:
    on, where = stage.net, stage.where
    ours: list[Run] = []
    asleep: list[Run] = []
    bare: list[Bare] = []
    alike: list[Bare] = []
    ways: list[Times] = []
    findings.progress(f"mirror {rate:,} records/s")
    stage.warm(rate, _BATCH_S)
    spins = partial(followers, stage.space, VENUE, stage.polls, int(where.shared), where.reader)
    batches = Batches(1, 1, 1)
    for number in range(repetitions):
        told = f"mirror {rate:,} records/s, {number + 1} of {repetitions}"
        findings.progress(told)
        ours.append(stage.run(rate, seconds, _BATCH_S))
        asleep.append(stage.run(rate, seconds, _BATCH_S, asleep=True))
        batches = _alike(ours[0], rate / stage.records, seconds)
        findings.progress(f"{told}: bare Zenoh, and TCP")
        with spins():
            bare.append(zenoh(on, where, batches))
            alike.append(zenoh(on, where, batches, ours=True))
            ways.append(tcp(on, where, batches))
    case = f"{rate:,} records/s"
    for percent in PERCENTILES:
        own, held, least, tuned, wire = (
            [float(np.percentile(one, percent)) / 1e3 for one in taken]
            for taken in (
                *([one.took for one in each] for each in (ours, asleep, bare, alike)),
                ways,
            )
        )
        _add(findings, case, f"p{percent:g}", "us", own, least)
        _add(findings, case, f"p{percent:g}, reader asleep", "us", held, least)
        _add(findings, case, f"p{percent:g} of bare Zenoh", "us", least, wire)
        _add(findings, case, f"p{percent:g} of bare Zenoh, set as ours", "us", tuned, wire)
    records = [one.done.records for one in asleep]
    for name, spent, floor in (
        ("CPU of serve", [one.serve_ns for one in asleep], [one.sender_ns for one in bare]),
        ("CPU of a mirror", [one.mirror_ns for one in asleep], [one.receiver_ns for one in bare]),
    ):
        own, least = (
            [ns / n for ns, n in zip(each, records, strict=True)] for each in (spent, floor)
        )
        _add(findings, case, name, "ns a record", own, least)
    lost = [float(one.lost) for one in (*ours, *asleep)]
    _add(findings, case, "records lost", "records", lost, [])
    size = [one.sent / one.done.records for one in asleep]
    if any(size):
        _add(findings, case, "sent", "bytes a record", size, [])
    _add(findings, case, "batch", "bytes", [float(batches.size)], [])


def _alike(run: Run, frames_a_second: float, seconds: float) -> Batches:
    """As many a second as the source wrote, and together as many bytes as `serve` sent."""
    interval = max(_BATCH_S, 1 / frames_a_second)
    number = max(1, int(seconds / interval))
    sent = run.sent or 128 * run.done.records  # loopback: nobody counts
    return Batches(number, max(64, sent // number), int(interval * 1e9))


def _fan_out(
    findings: Findings,
    where: cores.Cores,
    mirrors: Sequence[int],
    seconds: float,
    repetitions: int,
    routed: bool,
) -> None:
    """Each number in turns with one mirror, which is its floor."""
    sides = {
        count: partial(of_many, where, count, seconds, routed=routed) for count in {1, *mirrors}
    }
    way = "through a router" if routed else "each with serve"
    taken = policy.in_turns(
        {str(count): side for count, side in sorted(sides.items())},
        repetitions,
        lambda n: findings.progress(f"mirrors, {way}, {n}/{repetitions}"),
    )
    for count in sorted(sides):
        own, alone = taken[str(count)], taken["1"] if count > 1 else []
        case = f"{count} mirror{'s' if count > 1 else ''}, {way}"
        for name, unit in _UNITS.items():
            if name == "CPU of the router" and not routed:
                continue
            least = [one[name] for one in alone]
            _add(findings, case, name, unit, [one[name] for one in own], least)


_UNITS = {
    "p50": "us",
    "p99": "us",
    "CPU of serve": "us a batch",
    "CPU of a mirror": "us a batch",
    "CPU of the router": "us a batch",
    "sent by the source": "bytes a record",
    "records lost": "records",
}


def of_many(where: cores.Cores, count: int, seconds: float, *, routed: bool) -> Figures:
    """Figures of so many mirrors at once, in the units of `_UNITS`. Raises StageError."""
    with (
        net(count) as (on, _),
        mirror_stage(on, where, routed=routed, ring_slots=_FAN_SLOTS) as stage,
    ):
        stage.warm(_FAN_RATE, _FAN_BATCH_S)
        one = stage.run(_FAN_RATE, seconds, _FAN_BATCH_S, asleep=True)
    p50, p99 = np.percentile(one.took, PERCENTILES) / 1e3
    batches = one.done.frames * stage.records / _FAN_RATE / _FAN_BATCH_S
    return {
        "p50": float(p50),
        "p99": float(p99),
        "CPU of serve": one.serve_ns / 1e3 / batches,
        "CPU of a mirror": one.mirror_ns / 1e3 / batches,
        "CPU of the router": one.router_ns / 1e3 / batches,
        "sent by the source": one.sent / one.done.records,
        "records lost": float(one.lost),
    }


def _add(
    findings: Findings,
    case: str,
    metric: str,
    unit: str,
    own: Sequence[float],
    least: Sequence[float],
) -> None:
    floors: Sequence[float | None] = least or [None] * len(own)
    pairs = list(zip(own, floors, strict=True))
    findings.results.append(policy.summary(BENCH, case, metric, unit, pairs))
