"""What of this host helps a feed, and what hurts it; with the cure.

`examine` gathers what the host tells (`facts`), and asks each check what it makes of that. Nothing
is changed, and nothing created.

Others take `examine`: `cli`.
Uses `planning` and `config` for what a feed would need, and `budgets`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from feedhandler.config.keys import Config
from feedhandler.doctor import clock, cores, files, memory, remains
from feedhandler.doctor.check import Check, Verdict
from feedhandler.doctor.facts import Facts, gather

__all__ = ["Check", "Facts", "Verdict", "checks", "examine"]


def examine(config: Config) -> list[Check]:
    """This host, for this configuration."""
    space = config.namespace
    left = (remains.stale(space), remains.banned())
    return [*checks(config, gather(), remains.held(space)), *left]


def checks(config: Config, facts: Facts, held: int = 0) -> Iterator[Check]:
    """What the facts amount to. `held`: bytes of shared memory that the feed has already."""
    found = chain(
        (
            memory.shared_memory(config, facts, held),
            memory.memory(config, facts, held),
            memory.locked(config, facts),
            files.files(config, facts),
            cores.cores(config, facts),
        ),
        cores.pinning(config, facts),
        (
            cores.frequency(facts),
            cores.quota(config, facts),
            cores.realtime(config, facts),
            clock.source(facts),
            clock.synchronised(facts),
        ),
    )
    return (one for one in found if one is not None)
