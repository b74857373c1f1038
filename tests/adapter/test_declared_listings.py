"""Lists of instruments, read by the fields that are declared."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from feedhandler.adapter.declared import (
    CALLS,
    Absolute,
    By,
    Decimals,
    Listing,
    Pages,
    Product,
    Time,
)
from feedhandler.adapter.declared.rows import at
from feedhandler.adapter.listing import Listing as Listed
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import ListedInstrument, Venue
from feedhandler.shape import ShapeError
from shm import ContractType, InstrumentKind, OptionType, Status
from tests.adapter import declared_venues as venues
from tests.adapter.declared_venues import Piece


def parsed(venue: Venue, document: object) -> dict[str, ListedInstrument]:
    return {one.symbol: one for one in venue.parse_instruments(json.dumps(document).encode())}


KUCOIN = {
    "symbol": "BTC-USDT",
    "name": "BTC-USDT",
    "baseCurrency": "BTC",
    "quoteCurrency": "USDT",
    "baseIncrement": "0.00000001",
    "priceIncrement": "0.1",
    "enableTrading": True,
}


def test_rows_are_read_by_their_fields() -> None:
    joined = venues.Joined()
    found = parsed(joined, {"code": "200000", "data": [KUCOIN]})["BTC-USDT"]
    assert found == ListedInstrument(
        symbol="BTC-USDT",
        name="BTC-USDT",
        kind=InstrumentKind.SPOT,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick=Decimal("0.1"),
        lot=Decimal("0.00000001"),
    )
    assert found.stated == "true"
    assert joined.instrument_requests(["BTC-*"]) == [Request("/api/v2/symbols")]
    assert joined.instrument_requests(["option:*"]) == []
    assert joined.lists_instruments("https://api.kucoin.com/api/v2/symbols")


def test_an_odd_row_costs_itself_and_an_unknown_status_is_never_open() -> None:
    rows = [
        KUCOIN,
        {**KUCOIN, "symbol": "C-USDT", "priceIncrement": None},
        {**KUCOIN, "symbol": "D-USDT", "enableTrading": "perhaps"},
        {**KUCOIN, "symbol": "E-USDT", "enableTrading": False},
        "no row",
        {**KUCOIN, "symbol": "F-USDT", "baseIncrement": "-1"},
    ]
    body = json.dumps({"code": "200000", "data": rows}).encode()
    found = venues.Joined().parse_instruments(body)
    assert isinstance(found, Listed)
    assert {one.symbol: one.status for one in found} == {
        "BTC-USDT": Status.ACTIVE,
        "D-USDT": Status.UNKNOWN,
        "E-USDT": Status.HALTED,
    }
    assert found.broken == {
        "C-USDT": "priceIncrement: missing, not a number",
        "row 5": "no object: 'no row'",
        "F-USDT": "baseIncrement: '-1', not a number of 0 or above",
    }


@pytest.mark.parametrize(
    "document",
    [
        {"code": "429000", "msg": "too many requests", "data": [KUCOIN]},
        {"msg": "too many requests"},
        {"code": "200000", "data": {"items": 1}},
        [],
    ],
)
def test_an_answer_that_is_none_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match="joined"):
        parsed(venues.Joined(), document)


def test_rows_by_name_parts_of_a_name_and_decimals() -> None:
    pair = {
        "altname": "XBTUSD",
        "wsname": "XBT/USD",
        "pair_decimals": 1,
        "lot_decimals": 8,
        "tick_size": "0.1",
        "status": "online",
    }
    other = {**pair, "wsname": "DOGE/USD", "status": "delisted"}
    found = parsed(venues.Each(), {"error": [], "result": {"XXBTZUSD": pair, "XDGUSD": other}})
    bitcoin = found["XBT/USD"]
    assert (bitcoin.name, bitcoin.lot, bitcoin.written) == ("BTC-USD", Decimal("1E-8"), (1, 8))
    assert found["DOGE/USD"].status is Status.UNKNOWN
    assert venues.Each().lists_instruments("https://api.kraken.com/0/public/AssetPairs?x=1")
    with pytest.raises(ValueError, match="EGeneral"):
        parsed(venues.Each(), {"error": ["EGeneral:Internal error"], "result": {"X": pair}})


def test_kinds_by_a_word_and_what_is_left_out() -> None:
    row = {
        "symbol": "XBTUSD",
        "underlying": "XBT",
        "quoteCurrency": "USD",
        "settlCurrency": "XBt",
        "typ": "FFWCSX",
        "state": "Open",
        "tickSize": 0.1,
        "lotSize": 100,
    }
    rows = [row, {**row, "symbol": ".BXBT", "typ": "MRCXXX"}]
    found = parsed(venues.Listed(), rows)
    assert list(found) == ["XBTUSD"]
    perpetual = found["XBTUSD"]
    assert (perpetual.name, perpetual.settle) == ("BTC-USD-PERP", "BTC")
    assert perpetual.contract_type is ContractType.INVERSE
    assert venues.Listed().instrument_requests(["spot:*"]) == []


def test_pages_go_on_until_one_is_short() -> None:
    listed = venues.Listed()
    (first,) = listed.instrument_requests(["*"])
    assert first.params == {"start": "0"}
    (second,) = listed.follow_up(["*"], first, b'[{"symbol":"A"},{"symbol":"B"}]')
    assert second.params == {"start": "2"}
    assert listed.follow_up(["*"], second, b'[{"symbol":"C"}]') == []
    assert listed.follow_up(["*"], second, b"<html>") == []


def test_pages_may_go_by_a_cursor() -> None:
    class Paged(venues.Joined):
        name = "paged"
        listing = Listing(
            "/list",
            symbol="s",
            base="b",
            quote="q",
            tick="t",
            lot="l",
            rows="result.list",
            params={"category": "spot"},
            pages=Pages("cursor", cursor="result.next", more="result.more"),
        )

    paged = Paged()
    (first,) = paged.instrument_requests(["*"])
    page = {"result": {"list": [{}], "next": "a%3Db", "more": True}}
    (second,) = paged.follow_up(["*"], first, json.dumps(page).encode())
    assert second.params == {"category": "spot", "cursor": "a=b"}
    assert paged.follow_up(["*"], second, json.dumps(page).encode()) == []  # the same again
    page["result"]["more"] = False
    assert paged.follow_up(["*"], first, json.dumps(page).encode()) == []


def test_options_futures_flags_products_and_times() -> None:
    class Dated(venues.Listed):
        name = "dated"
        listing = Listing(
            "/products",
            rows="rows",
            symbol="id",
            base="base",
            quote="quote",
            settle=By("settle", {"coin": "BTC", "cash": "USDC"}),
            family=By("settle", {"coin": "coins", "cash": "dollars"}),
            tick=Decimals("places", less=6),
            lot=Decimal(1),
            contract_size=Product(("0.001", "multiplier", "unit.0")),
            kind=By(
                "kind",
                {
                    "o": InstrumentKind.OPTION,
                    "f": InstrumentKind.FUTURE,
                    "s": InstrumentKind.SPOT,
                },
            ),
            expiry=Time("end", "iso"),
            strike="strike",
            option=By("type", CALLS),
            flags={"gone": Status.EXPIRED, "cancel": Status.CANCEL_ONLY},
            only={"venue": ("us", "1")},
        )

    row = {
        "id": "A",
        "base": "BTC",
        "quote": "USD",
        "settle": "coin",
        "places": 2,
        "multiplier": "2",
        "unit": [5],
        "kind": "o",
        "end": "2026-12-25T08:00:00.000Z",
        "strike": 80000,
        "type": "put",
        "venue": "us",
        "gone": False,
    }
    rows = [
        row,
        {**row, "id": "B", "kind": "f", "venue": 1, "cancel": True},
        {**row, "id": "C", "venue": "them", "end": "never"},
        {**row, "id": "D", "kind": "f", "end": "never"},
        {**row, "id": "E", "kind": "s", "gone": "yes", "end": None, "settle": "cash"},
        {**row, "id": "F", "kind": "s", "end": "-1"},
    ]
    found = parsed(Dated(), {"rows": rows})
    assert list(found) == ["A", "B", "E", "F"]
    put, future, spot, other = found.values()
    assert (put.family, spot.family, other.expiry_ns) == ("coins", "dollars", 0)
    assert (put.name, put.option, put.tick) == (
        "BTC-USD-20261225-80000-P",
        OptionType.PUT,
        Decimal("0.0001"),
    )
    assert (put.contract_size, put.expiry_ns) == (Decimal("0.010"), 1_798_185_600 * 10**9)
    assert (future.name, future.status) == ("BTC-USD-20261225", Status.CANCEL_ONLY)
    assert (spot.status, spot.contract_type) == (Status.UNKNOWN, ContractType.NONE)


def test_rows_may_be_lists_or_texts() -> None:
    document = [[["BTCUSD", ["5", 8]], ["DUSK:USD", [5, 8]]]]
    found = parsed(venues.Taught(), document)
    assert found["DUSK:USD"].name == "DUSK-USD"
    assert found["BTCUSD"].tick == Decimal("0.00001")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"path": "list"}, "a path begins with /"),
        ({"base": "$base"}, r"\$base is no part"),
        ({"parts": {"s": "("}}, "parts: s"),
        ({"pages": Pages("start")}, "neither a cursor nor a size"),
    ],
)
def test_a_listing_that_cannot_be_meant_is_refused(change: dict[str, object], what: str) -> None:
    fields = {"path": "/l", "symbol": "s", "base": "b", "quote": "q", "tick": "t", "lot": "l"}
    listing = Listing(**{**fields, **change})  # type: ignore[arg-type]
    body = {"name": "mine", "topics": venues.Listed.topics, "words": venues.Listed.words}
    with pytest.raises(ShapeError, match=what):
        type("Mine", (Piece,), {**body, "listing": listing})


def test_an_entry_of_another_list_is_joined() -> None:
    tokens = [
        {"name": "usdc", "index": 0, "decimals": 8},
        {"name": "hype", "index": 150, "decimals": 2},
    ]
    rows = [{"name": "@107", "tokens": [150, 0]}, {"name": "@108", "tokens": [151, 0]}, "odd"]
    found = parsed(venues.Coins(), {"universe": rows, "tokens": [*tokens, "odd"]})
    assert list(found) == ["@107"]
    one = found["@107"]
    assert (one.name, one.tick, one.lot) == ("HYPE-USDC", Decimal("1E-6"), Decimal("0.01"))


def test_rows_are_taken_from_each_group() -> None:
    btc = {"name": "BTC", "decimals": 5, "gone": None}
    groups = [
        {"universe": [btc, {**btc, "name": "OLD", "gone": True}, "odd"], "token": 0},
        {"universe": [{**btc, "name": "km:US500", "decimals": 3}], "token": 360},
        {"universe": [{**btc, "name": "x:Y"}], "token": 7},
        {"universe": None, "token": 0},
        "odd",
    ]
    found = parsed(venues.Coins(), groups)
    assert [one.name for one in found.values()] == [
        "BTC-USDC-PERP", "OLD-USDC-PERP", "km:US500-USDH-PERP",
    ]  # fmt: skip
    assert (found["BTC"].tick, found["BTC"].lot) == (Decimal("0.1"), Decimal("0.00001"))
    assert found["OLD"].status is Status.EXPIRED


def test_a_path_may_lead_through_any_of_a_list() -> None:
    document = {"rows": ["odd", {"a": {}}, {"a": {"b": 1}}, {"a": {"b": 2}}]}
    assert at(document, "rows.*.a.b") == 1
    assert at(document, "rows.*.a") == {}
    assert at(document, "rows.*.c") is None
    assert at({"rows": {}}, "rows.*.a") is None


def test_a_part_that_nothing_finds_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\$other.name is no part of any field"):
        type(
            "Wrong",
            (venues.Coins,),
            {"listing": replace(venues.Coins.listing[0], base="$other.name")},
        )


def test_a_size_below_0_may_mean_its_absolute() -> None:
    class Signed(venues.Listed):
        name = "signed"
        listing = Listing(
            "/contracts",
            rows="data",
            symbol="symbol",
            base="base",
            quote="quote",
            tick=Decimal(1),
            lot=Decimal(1),
            contract_size=Absolute("multiplier"),
        )

    for written, size in ((-1, "1"), ("-0.5", "0.5"), (0.001, "0.001")):
        row = {"symbol": "A", "base": "BTC", "quote": "USD", "multiplier": written}
        (one,) = Signed().parse_instruments(json.dumps({"data": [row]}).encode())
        assert one.contract_size == Decimal(size)
