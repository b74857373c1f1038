"""What `start` says on a terminal of a venue that comes up."""

from __future__ import annotations

from typing import Any

from feedhandler.cli.start import _about_to_be_live


def told(state: str, live: int, instruments: int) -> dict[str, Any]:
    return {"venue": "okx", "state": state, "live": live, "instruments": instruments}


def test_a_venue_whose_books_are_all_live_is_not_said_to_wait_for_them() -> None:
    """Unless that lasts: then it waits for something else."""
    lagging: dict[str, float] = {}
    assert not _about_to_be_live(told("SYNCING", 0, 0), lagging, 0.0)
    assert not _about_to_be_live(told("SYNCING", 4, 5), lagging, 0.0)
    assert _about_to_be_live(told("SYNCING", 5, 5), lagging, 0.1)
    assert _about_to_be_live(told("SYNCING", 5, 5), lagging, 1.0)
    assert not _about_to_be_live(told("SYNCING", 5, 5), lagging, 1.2)
    assert not _about_to_be_live(told("LIVE", 5, 5), lagging, 1.3)
    assert not _about_to_be_live(told("STALE", 5, 5), lagging, 1.3)
    assert _about_to_be_live(told("SYNCING", 5, 5), lagging, 9.0)
