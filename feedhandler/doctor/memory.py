"""Whether there is memory enough, and whether it stays where it is."""

from __future__ import annotations

from feedhandler.config.keys import Config
from feedhandler.doctor.check import Check, advice, fine, listed, mib, problem
from feedhandler.doctor.facts import Facts
from feedhandler.planning.forecast import shared_bytes

_PROCESS = 80 << 20  # of an IO process's own: 36 MiB on a few books, more with thousands
_MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")


def _sizes(config: Config) -> list[int]:
    """Of each venue's shared memory."""
    return [shared_bytes(one) for one in config.venues.values()]


def shared_memory(config: Config, facts: Facts, held: int) -> Check:
    """`held`: what this namespace has there already."""
    name = "shared memory"
    sizes = _sizes(config)
    needed = max(0, sum(sizes) - held)
    largest = max(sizes, default=0)
    found = f"{listed(config.venues)}: {mib(sum(sizes))}"
    room = f"/dev/shm has {mib(facts.shm_free)} free of {mib(facts.shm_bytes)}"
    larger = (
        "mount -o remount,size=... /dev/shm; of a container: --shm-size",
        "or ask for less: venues.NAME.ring_slots, .directory_rows, .depth",
    )
    if facts.shm_kind not in _MEMORY_FILE_SYSTEMS:
        what = f"is {facts.shm_kind}, and no memory" if facts.shm_kind else "is not there"
        return problem(name, f"/dev/shm {what}", "mount -t tmpfs -o nosuid,nodev tmpfs /dev/shm")
    if needed > facts.shm_free:
        return problem(name, f"{found}, but {room}", "feedhandler clean", *larger)
    if needed + largest > facts.shm_free:
        return advice(
            name,
            f"{found}; {room}: no second {mib(largest)}, which a new epoch needs for a while",
            *larger,
        )
    return fine(name, f"{found}; {room}")


def memory(config: Config, facts: Facts, held: int) -> Check:
    """What the feed's processes and its shared memory take, against what there is."""
    name = "memory"
    needed = max(0, sum(_sizes(config)) - held) + _PROCESS * len(config.venues)
    free, whose = facts.memory_free, "of the host"
    if facts.memory_limit_free is not None and facts.memory_limit_free < free:
        free, whose = facts.memory_limit_free, "of the control group"
    found = f"{mib(needed)} to be used, {mib(free)} {whose} free"
    if needed > free:
        return problem(name, found, "end something, or raise the limit (memory.max)")
    return fine(name, found)


def locked(config: Config, facts: Facts) -> Check:
    """Whether memory can be swapped out, and locked if it is to be."""
    name = "swap"
    wanting = [venue for venue, one in config.venues.items() if one.lock_memory]
    if wanting and facts.locked is not None:
        places = listed(config.venues[venue].places.of("lock_memory") for venue in wanting)
        return problem(
            name,
            f"{places}: {mib(facts.locked)} may be locked, not all of it",
            "LimitMEMLOCK=infinity (systemd); memlock unlimited in /etc/security/limits.conf; "
            "--ulimit memlock=-1 (container)",
        )
    if not facts.swap_bytes:
        return fine(name, "none: pages stay in memory")
    if len(wanting) == len(config.venues):
        return fine(name, f"{mib(facts.swap_bytes)}, but memory is locked")
    return advice(
        name,
        f"{mib(facts.swap_bytes)}: a page that was swapped out stops a book for milliseconds",
        "swapoff -a; or venues.NAME.lock_memory = true, and strategies that call mlockall",
    )
