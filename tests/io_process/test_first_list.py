"""A venue that bans before it has listed anything: what its process says until it may ask again."""

from __future__ import annotations

import re

from feedhandler.view.status import venue_status
from shm import NoSuchVenue
from tests.kit.rig import Rig, rig, until


def said(r: Rig) -> tuple[str, str, str]:
    try:
        its = venue_status(r.namespace, "binance")
    except NoSuchVenue:
        return "", "", ""
    return its["state"], its["reason"], its["detail"]


def test_a_ban_is_told_with_its_end_and_known_to_the_next_process() -> None:
    at = r"; asked again at \d\d:\d\d:\d\d UTC$"
    with rig("binance") as r:
        r.sims["binance"].fault("rest_error", status=429, retry_after=4, count=1)
        first = r.io_process("binance")
        state, _, detail = until(
            lambda: found if (found := said(r))[1] == "RATE_LIMIT" else None, "it says so"
        )
        assert state == "SYNCING"
        assert re.search(rf"^no list of instruments: .*HTTP 429.*{at}", detail), detail
        first.kill()
        first.wait()
        r.io_process("binance")
        wanted = f"^no list of instruments: the venue answered HTTP 429 before{at}"
        until(lambda: re.search(wanted, said(r)[2]), "the next process says so, too")
        r.attach("binance")
