"""Each venue's words for what it does with orders, by its documentation; no other is ever open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.venue import Control, ControlKind, ListedInstrument
from feedhandler.engine import _engine
from shm import Status, segment
from tests.venues.entries import deribit_notice, listed

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


def parsed(venue: str, **changes: Any) -> ListedInstrument:
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


def control(venue: str, message: Any) -> list[Control]:
    return venues.load(venue).control(json.dumps(message).encode(), {})


def test_deribits_notices_are_heard() -> None:
    data = {"timestamp": 1, "state": "locked", "instrument_name": "BTC-PERPETUAL"}
    (said,) = control("deribit", deribit_notice("instrument.state.future.any", data))
    assert said.kind is ControlKind.STATED
    assert [(one.symbol, one.status, one.word) for one in said.stated] == [
        ("BTC-PERPETUAL", Status.CANCEL_ONLY, "locked")
    ]
    locked = {"price_index": "btc_usd", "locked": True}
    (said,) = control("deribit", deribit_notice("platform_state", locked))
    assert said.kind is ControlKind.RELIST
    assert "btc_usd" in said.text
    odd: Any
    for odd in ({}, {"state": 1, "instrument_name": "X"}, {"state": "open"}, [], None, "text"):
        with pytest.raises(ValueError, match="deribit"):
            control("deribit", deribit_notice("instrument.state.any.any", odd))


def test_okxs_instruments_are_heard_with_all_their_terms() -> None:
    entry, _, _ = listed("okx")
    rows = [entry | {"state": "suspend", "tickSz": "0.5"}, None, {"instId": 3}, {"instId": "X-Y"}]
    arg = {"channel": "instruments", "instType": "SPOT"}
    (said,) = control("okx", {"arg": arg, "data": rows})
    assert said.kind is ControlKind.STATED
    first, bare = said.stated
    assert (first.symbol, first.status, first.word) == (entry["instId"], Status.HALTED, "suspend")
    assert first.spec is not None
    spec = first.spec()
    assert spec is not None
    assert (str(spec.tick), spec.status) == ("0.5", Status.HALTED)
    assert (bare.symbol, bare.status) == ("X-Y", Status.UNKNOWN)
    odd: Any
    for odd in ({"arg": arg, "data": None}, {"arg": None, "data": []}, {"arg": {}, "data": [1]}):
        with pytest.raises(ValueError, match="okx"):
            control("okx", odd)


def test_the_engine_hands_over_what_is_of_no_market(namespace: str) -> None:
    notice = deribit_notice("instrument.state.future.any", {"state": "open"})
    row = {"arg": {"channel": "instruments", "instType": "SPOT"}, "data": [{"instId": "A"}]}
    with segment.create("v", namespace=namespace, instruments=4) as held:
        for venue, message in (("deribit", notice), ("okx", row)):
            engine = make_engine(venues.load(venue), held.writer)
            bits = engine.connection(0).feed(json.dumps(message).encode())
            assert bits == _engine.CONTROL, venue
            assert engine.counters()["unknown"] == 0


def test_a_tickers_word_is_told_once_and_only_of_a_whole_frame(namespace: str) -> None:
    def ticker(word: Any) -> bytes:
        data = {"instrument_name": "A", "timestamp": 1, "mark_price": 5.0, "state": word}
        return json.dumps(deribit_notice("ticker.A.100ms", data)).encode()

    with segment.create("deribit", namespace=namespace, instruments=4) as held:
        engine = make_engine(venues.load("deribit"), held.writer)
        row = engine.add_instrument("A")
        feed = engine.connection(0).feed

        def told(frame: bytes) -> str | None:
            feed(frame)
            events = [event for _, event, _ in engine.attention()]
            return engine.word(row) if _engine.STATED in events else None

        assert told(ticker("open")) == "open"
        assert told(ticker("open")) is None
        assert told(ticker("halted")[:-1]) is None  # cut short
        assert engine.word(row) == "open"
        assert told(ticker("halted")) == "halted"
        odd: Any
        for odd in (None, 5, [], "x" * 100):
            assert told(ticker(odd)) is None
        assert engine.word(row) == "halted"
        assert told(ticker("open")) == "open"
