"""The status that is read from memory alone."""

from pathlib import Path

import pytest

from feedhandler.view.status import namespace_status, venue_status
from shm import NoSuchVenue


def test_a_venue_whose_memory_is_being_made_is_not_there_yet(namespace: str) -> None:
    Path(f"/dev/shm/{namespace}.okx").touch(0o660)
    with pytest.raises(NoSuchVenue):
        venue_status(namespace, "okx")
    assert namespace_status(namespace)["venues"] == []
