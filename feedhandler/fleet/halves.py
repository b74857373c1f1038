"""A connection's keys in two halves that carry the same load, by what was measured. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def halves(
    keys: Sequence[str], group: Callable[[str], object], load: Mapping[Any, float]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Two parts of the keys, each in its old order; None: they are all of one group.

    `group`: what a key belongs to (its instrument); a group stays together, so that its channels
    fail and heal together. None: to no instrument, such as where statuses come from; that is no
    load, and stays with the first half. `load`: of each group. The heaviest first, each to the
    lighter half: no half is heavier than 7/6 of the best there is (Graham, "Bounds on
    Multiprocessing Timing Anomalies", 1969, for two machines).
    """
    groups: dict[object, list[str]] = {}
    chosen: dict[str, int] = {}
    for key in keys:
        name = group(key)
        if name is None:
            chosen[key] = 0
        else:
            groups.setdefault(name, []).append(key)
    if len(groups) < 2:
        return None
    weights = [0.0, 0.0]
    counts = [0, 0]
    for name in sorted(groups, key=lambda one: (-load.get(one, 0.0), str(one))):
        half = min((0, 1), key=lambda one: (weights[one], counts[one]))
        weights[half] += load.get(name, 0.0)
        counts[half] += len(groups[name])
        chosen |= dict.fromkeys(groups[name], half)
    first, second = (tuple(key for key in keys if chosen[key] == half) for half in (0, 1))
    return first, second
