"""Declared venues of the tests' own, one for each way in which books are told."""

from __future__ import annotations

from tests.sim.declared_made_up import MadeUp
from tests.sim.declared_numbered import Asked, Chained, Ranged, Stepped, Timed, Whole, Windowed
from tests.sim.declared_unnumbered import Counted, Keyed, Summed, Taught

VENUES: dict[str, type[MadeUp]] = {
    one.name: one
    for one in (
        *(Ranged, Asked, Chained, Stepped, Timed, Whole),
        *(Keyed, Taught, Summed, Counted, Windowed),
    )
}
