"""What earlier feeds have left: memory that nobody writes, venues that want to be left alone."""

from __future__ import annotations

from feedhandler.budgets.shared_budget import NoBudgets, bans
from feedhandler.doctor.check import Check, advice, fine, listed, problem
from feedhandler.number_text import plural
from shm.clean import clean
from shm.inspect import list_objects


def held(namespace: str) -> int:
    """Bytes of /dev/shm that live feeds of this namespace have already."""
    return sum(one.bytes for one in list_objects(namespace) if one.locked)


def stale(namespace: str) -> Check:
    """Objects without a writer."""
    name = "left over"
    paths = clean(namespace, dry_run=True)
    if not paths:
        return fine(name, f"nothing in namespace {namespace}")
    return advice(
        name,
        f"{plural(len(paths), 'object')} of feeds that were killed: {listed(paths[:3])}"
        + (", ..." if len(paths) > 3 else ""),
        f"feedhandler clean --namespace {namespace}",
    )


def banned() -> Check:
    """What a venue has closed to this host, and for how long."""
    name = "budgets"
    try:
        found = bans()
    except NoBudgets as error:
        return problem(name, f"every process counts for itself: {error}")
    if not found:
        return fine(name, "no venue has closed one")
    return advice(
        name,
        "; ".join(
            f"{budget} closed for {left:,.0f} s" + (f" (HTTP {why})" if why else "")
            for budget, (left, why) in found.items()
        ),
        "wait: asking before that prolongs a ban",
    )
