"""Whether IO processes and strategies have cores, and have them to themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from feedhandler.config.keys import Config
from feedhandler.doctor.check import Check, advice, fine, listed, problem
from feedhandler.doctor.facts import Facts

_BUSY = 0.7  # of all cores, a minute long


def cores(config: Config, facts: Facts) -> Check:
    """One for each IO process, and one for a strategy."""
    name = "cores"
    venues, count = len(config.venues), len(facts.cpus)
    found = f"{count} for {venues} IO processes" if venues > 1 else f"{count} for an IO process"
    found += f", load {facts.load:.1f}"
    if count <= venues:
        return advice(
            name,
            f"{found}: with strategies they take turns, and wait for the scheduler",
            f"{venues + 1} cores or more; or fewer venues on this host",
        )
    if facts.load > _BUSY * count:
        return advice(
            name, f"{found}: others use most of them", "venues.NAME.cpu = N; or end what runs"
        )
    return fine(name, found)


def pinning(config: Config, facts: Facts) -> Iterator[Check]:
    """Where the configuration puts IO processes."""
    name = "pinning"
    pins = {venue: one.cpu for venue, one in config.venues.items() if one.cpu is not None}
    loose = [venue for venue, one in config.venues.items() if one.spin and one.cpu is None]
    shared = {
        cpu: [venue for venue in pins if pins[venue] == cpu]
        for cpu, count in Counter(pins.values()).items()
        if count > 1
    }
    if loose:
        yield problem(
            name,
            f"{listed(loose)}: spin, but no CPU of its own",
            "venues.NAME.cpu = N",
        )
    for cpu, venues in shared.items():
        spins = any(config.venues[venue].spin for venue in venues)
        judge = problem if spins else advice
        yield judge(name, f"{listed(venues)} share CPU {cpu}", "venues.NAME.cpu = N")
    yield from _siblings(pins, facts)
    if not pins:
        if len(facts.cpus) > len(config.venues):
            yield advice(
                name,
                "no IO process is pinned: the scheduler moves them, caches are cold",
                "venues.NAME.cpu = N",
            )
        return
    exposed = sorted(set(pins.values()) - set(facts.isolated))
    if exposed:
        yield advice(
            name,
            f"CPU {listed(exposed)} not isolated: whatever else runs may run there",
            f"isolcpus={_join(exposed)} nohz_full={_join(exposed)} rcu_nocbs={_join(exposed)} "
            "on the kernel's command line; IRQs elsewhere (irqbalance --banirq, "
            "/proc/irq/*/smp_affinity)",
        )
    elif not shared and not loose:
        where = ", ".join(f"{venue} on {cpu}" for venue, cpu in pins.items())
        yield fine(name, f"{where}; isolated")


def _siblings(pins: dict[str, int], facts: Facts) -> Iterator[Check]:
    used = sorted(set(pins.values()))
    for cpu in used:
        for other in facts.siblings.get(cpu, ()):
            if other > cpu and other in used:
                yield advice(
                    "pinning",
                    f"CPU {cpu} and {other} are threads of one core: each slows the other",
                    "venues.NAME.cpu = N, of cores of their own "
                    "(/sys/devices/system/cpu/cpu*/topology/thread_siblings_list)",
                )


def _join(cpus: list[int]) -> str:
    return ",".join(map(str, cpus))


def frequency(facts: Facts) -> Check | None:
    """The governor; None where the host shows none (most virtual machines)."""
    name = "frequency"
    slow = [cpu for cpu, governor in facts.governors.items() if governor != "performance"]
    if slow:
        governors = listed(sorted(set(facts.governors.values())))
        return advice(
            name,
            f"CPU {listed(slow)} by {governors}: slow at first, when a burst comes",
            "cpupower frequency-set -g performance",
        )
    return fine(name, "performance") if facts.governors else None


def quota(config: Config, facts: Facts) -> Check | None:
    """What a container may use; None: as much as there is."""
    name = "CPU quota"
    if facts.quota is None:
        return None
    found = f"{facts.quota:g} CPUs' worth, held back {facts.throttled:,} times so far"
    cure = "no limit (docker --cpus, cpu.max), but cores of its own (--cpuset-cpus)"
    spinning = sum(one.spin for one in config.venues.values())
    if spinning and facts.quota <= spinning:
        return problem(
            name, f"{found}: processes that spin ({spinning}) use it up, and then stand still", cure
        )
    return advice(name, f"{found}: a process that has used it up stands still, up to 0.1 s", cure)


def realtime(config: Config, facts: Facts) -> Check:
    """Whether an IO process may go before what else wants its core, as configured."""
    name = "real time"
    wanting = {venue: one.realtime for venue, one in config.venues.items() if one.realtime}
    most = max(wanting.values(), default=0)
    if most > facts.realtime:
        places = listed(config.venues[venue].places.of("realtime") for venue in wanting)
        return problem(
            name,
            f"{places}: up to {most} is asked for, allowed is {facts.realtime or 'none'}",
            f"LimitRTPRIO={most} (systemd); rtprio {most} in /etc/security/limits.conf; "
            f"--ulimit rtprio={most} (container)",
        )
    if wanting:
        share = facts.realtime_share
        limit = f"; at most {share:.0%} of a second" if share < 1 else ""
        return fine(name, f"before others: {listed(wanting)}{limit}")
    exposed = [
        venue
        for venue, one in config.venues.items()
        if not one.spin and (one.cpu is None or one.cpu not in facts.isolated)
    ]
    if exposed and facts.realtime:
        return advice(
            name,
            f"{listed(exposed)}: may wait while another program has the core (SCHED_OTHER)",
            "venues.NAME.realtime = 1 (SCHED_FIFO), or an isolated CPU",
        )
    return fine(name, "not asked for")
