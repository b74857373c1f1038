"""Each venue's words for what it does with orders, by its documentation; no other is ever open."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from feedhandler import venues
from feedhandler.sim import (
    binance_listing,
    binance_usdm_listing,
    bybit_listing,
    deribit_listing,
    okx_listing,
)
from feedhandler.venues.base import InstrumentSpec
from shm import Status

TODAY = date(2026, 11, 29)
Entry = dict[str, Any]
Body = Callable[[list[Entry]], Entry]

WORDS = {
    # docs.deribit.com: book_state, and the notices of instrument.state
    "deribit": {
        "open": "ACTIVE", "settlement": "SETTLING", "delivered": "EXPIRED", "inactive": "HALTED",
        "locked": "CANCEL_ONLY", "halted": "HALTED", "archivized": "EXPIRED", "created": "PRE_OPEN",
        "started": "ACTIVE", "settled": "SETTLING", "closed": "EXPIRED", "terminated": "EXPIRED",
        "deactivated": "HALTED",
    },
    # www.okx.com/docs-v5: get instruments, instruments channel
    "okx": {
        "live": "ACTIVE", "suspend": "HALTED", "preopen": "PRE_OPEN", "test": "PRE_OPEN",
        "post_only": "POST_ONLY", "rebase": "HALTED", "settling": "SETTLING", "expired": "EXPIRED",
    },
    # binance-spot-api-docs: enums.md
    "binance": {
        "TRADING": "ACTIVE", "END_OF_DAY": "HALTED", "HALT": "HALTED", "BREAK": "HALTED",
        "PRE_TRADING": "PRE_OPEN", "POST_TRADING": "HALTED", "AUCTION_MATCH": "AUCTION",
        "CANCEL_ONLY": "CANCEL_ONLY", "PENDING_TRADING": "PRE_OPEN",
    },
    # developers.binance.com, USD-M: contractStatus
    "binance-usdm": {
        "PENDING_TRADING": "PRE_OPEN", "TRADING": "ACTIVE", "PRE_DELIVERING": "SETTLING",
        "DELIVERING": "SETTLING", "DELIVERED": "EXPIRED", "PRE_SETTLE": "SETTLING",
        "SETTLING": "SETTLING", "CLOSE": "EXPIRED",
    },
    # bybit-exchange.github.io/docs/v5/enum: status
    "bybit-linear": {
        "PreLaunch": "PRE_OPEN", "Trading": "ACTIVE", "Delivering": "SETTLING", "Closed": "EXPIRED",
        "Settling": "SETTLING",
    },
}  # fmt: skip
WORDS["bybit-spot"] = WORDS["bybit-linear"]


def _bybit(category: str) -> tuple[Entry, str, Body]:
    (one,) = bybit_listing.instruments(category, TODAY, 1)
    entry = bybit_listing.describe(category, one, 1, 0)
    return entry, "status", lambda rows: {"retCode": 0, "result": {"list": rows}}


def listed(venue: str) -> tuple[Entry, str, Body]:
    """An entry of the venue's list, the key of its status, and the list around it."""
    if venue == "deribit":
        (one,) = deribit_listing.instruments(TODAY, 1)
        return deribit_listing.describe(one, 1, 0), "state", lambda rows: {"result": rows}
    if venue == "okx":
        (one,) = okx_listing.instruments(TODAY, 1)
        return okx_listing.describe(one, 1, 0), "state", lambda rows: {"code": "0", "data": rows}
    if venue == "binance":
        (one,) = binance_listing.instruments(1)
        return binance_listing.describe(one), "status", lambda rows: {"symbols": rows}
    if venue == "binance-usdm":
        (one,) = binance_usdm_listing.instruments(TODAY, 1)
        return binance_usdm_listing.describe(one, 0), "status", lambda rows: {"symbols": rows}
    return _bybit(venue.removeprefix("bybit-"))


def parsed(venue: str, **changes: Any) -> InstrumentSpec:
    entry, _, body = listed(venue)
    facts = venues.load(venue)
    (spec,) = facts.parse_instruments(json.dumps(body([entry | changes])).encode())
    return spec


@pytest.mark.parametrize("venue", WORDS)
def test_every_word_of_the_venue_is_understood(venue: str) -> None:
    _, key, _ = listed(venue)
    assert set(venues.load(venue).statuses) == set(WORDS[venue])
    for word, status in WORDS[venue].items():
        spec = parsed(venue, **{key: word})
        assert (spec.status.name, spec.stated) == (status, word)


@pytest.mark.parametrize("venue", WORDS)
@pytest.mark.parametrize("word", ["", "Open!", "LIVE", 0, 1, -1, None, True, [], {}])
def test_any_other_word_is_never_open(venue: str, word: Any) -> None:
    _, key, _ = listed(venue)
    spec = parsed(venue, **{key: word})
    assert spec.status is Status.UNKNOWN
    assert not spec.active


@pytest.mark.parametrize("venue", WORDS)
def test_without_a_word_nothing_is_open_but_on_deribit_where_there_once_was_none(
    venue: str,
) -> None:
    entry, key, body = listed(venue)
    del entry[key]
    facts = venues.load(venue)
    (spec,) = facts.parse_instruments(json.dumps(body([entry])).encode())
    assert spec.status is (Status.ACTIVE if venue == "deribit" else Status.UNKNOWN)


def test_deribits_older_word_is_heard_as_well() -> None:
    assert parsed("deribit", is_active=False).status is Status.HALTED
    assert parsed("deribit", is_active=False, state="locked").status is Status.CANCEL_ONLY


@pytest.mark.parametrize(
    ("venue", "key", "text"),
    [
        ("deribit", "expiration_timestamp", False),
        ("okx", "expTime", True),
        ("binance-usdm", "deliveryDate", False),
        ("bybit-linear", "deliveryTime", True),
    ],
)
def test_an_announced_delisting_is_an_end_of_what_is_no_dated_contract(
    venue: str, key: str, text: bool
) -> None:
    assert parsed(venue).expiry_ns == 0
    end = 1_798_790_400_000
    spec = parsed(venue, **{key: str(end) if text else end})
    assert spec.expiry_ns == end * 1_000_000
    assert not spec.over(spec.expiry_ns + 1)  # that it came true, the venue says
    for never in (0, 32_503_708_800_000, 1 << 62):
        assert parsed(venue, **{key: str(never) if text else never}).expiry_ns == 0
