"""The declared venues of the tests' own as a user's file has them: `--venue-file`."""

from tests.sim.declared_venues import VENUES

for _one in VENUES.values():
    globals()[_one.__name__] = type(_one.__name__, (_one,), {"__module__": __name__})
