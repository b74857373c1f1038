"""A start spends no more of a venue's REST budget than its list costs once."""

from __future__ import annotations

from shm import Counter
from tests.kit.rig import rig


def test_the_process_of_a_venue_does_not_ask_for_the_list_that_the_supervisor_has() -> None:
    with rig("deribit") as r:
        r.supervisor()
        feed = r.attach("deribit")
        assert feed.segment is not None
        assert feed.segment.counters()[Counter.REST_REQUESTS] == 0


def test_one_that_is_started_by_itself_asks() -> None:
    with rig("deribit") as r:
        r.io_process("deribit")
        feed = r.attach("deribit")
        assert feed.segment is not None
        assert feed.segment.counters()[Counter.REST_REQUESTS] >= 1
