"""What the general reader makes of holes: times, trades, quotes, statistics, instruments."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled
from shm import Kind, Reason, State
from tests.engine.support import engine_of, memory

NONE = -(1 << 63)
NOW = 1_800_000_000_000_000_000
LEVEL = '["$price","$size"]'
BOOK = Frame("book", '{"t":"b","s":"$symbol","b":$bids,"a":$asks}', level=LEVEL)
WHOLE = Frame("snapshot", '{"t":"w","s":"$symbol","b":$bids,"a":$asks}', level=LEVEL)


@contextmanager
def shaped(*frames: Frame, **options: Any) -> Iterator[native.Engine]:
    options = {"rule": native.RULE_NONE, "base": native.BASE_STREAM} | options
    with engine_of(native.shape_decoder(compiled(frames)), **options) as e:
        yield e


def feed(e: native.Engine, value: Any) -> int:
    """Without the bit that something is to be told."""
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return int(e.connection(0).feed(payload, NOW)) & ~native.ATTENTION


def said(e: native.Engine) -> list[tuple[int, ...]]:
    """Kind, side, price, size of what is no level and no state."""
    kinds = (Kind.TRADE, Kind.LIQUIDATION, Kind.QUOTE, Kind.STAT)
    return [one[:4] for one in memory(e).records() if one[0] in kinds]


# -- times ----------------------------------------------------------------------------------------

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9, "frac": 1}


@pytest.mark.parametrize("unit", UNITS)
@settings(max_examples=30, deadline=None)
@given(ns=st.integers(10**9, NOW), places=st.integers(0, 9), quoted=st.booleans())
def test_a_time_is_in_its_unit(unit: str, ns: int, places: int, quoted: bool) -> None:
    exact = round(Decimal(ns) / 10**9 * UNITS[unit], places)
    text = f'"{exact}"' if quoted else str(exact)
    wanted = int(exact * 10**9 / UNITS[unit])
    with shaped(Frame("ticker", f'{{"s":"$symbol","m":$mark,"t":$time_{unit}}}')) as e:
        assert feed(e, f'{{"s":"X","m":1,"t":{text}}}'.encode()) == native.DATA
        (slot,) = [one for one in memory(e).slots() if one["kind"] == Kind.STAT]
        assert int(slot["exchange_ns"]) == wanted


@settings(max_examples=60, deadline=None)
@given(
    when=st.datetimes(datetime(1971, 1, 1), datetime(2026, 12, 31)),
    places=st.integers(0, 9),
    zone=st.sampled_from(["Z", "", "+00:00", "+05:30", "-11:45"]),
)
def test_a_time_is_a_day_and_an_hour(when: datetime, places: int, zone: str) -> None:
    part = f"{when.microsecond:06d}789"[:places]
    text = f"{when:%Y-%m-%dT%H:%M:%S}{'.' if part else ''}{part}{zone}"
    ours = datetime.fromisoformat(f"{when:%Y-%m-%dT%H:%M:%S}{zone if zone != 'Z' else '+00:00'}")
    whole = int((ours if zone else ours.replace(tzinfo=UTC)).timestamp()) * 10**9
    with shaped(Frame("ticker", '{"s":"$symbol","m":$mark,"t":"$time_iso"}')) as e:
        assert feed(e, {"s": "X", "m": 1, "t": text}) == native.DATA, text
        (slot,) = [one for one in memory(e).slots() if one["kind"] == Kind.STAT]
        assert int(slot["exchange_ns"]) == whole + int(part.ljust(9, "0"))


@pytest.mark.parametrize(
    ("hole", "text"),
    [
        *(("ms", text) for text in ("-1", "1e12", '""', "null", '"x"', "9" * 19, "true")),
        ("s", "1700000000000"),  # years ahead: it is ms
        *(("iso", f'"{text}"') for text in (
            "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00.Z", "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00Zx", "2026-1-01T00:00:00Z", "2099-01-01T00:00:00Z", "1700000000",
        )),
        ("iso", "1700000000"),
    ],
)  # fmt: skip
def test_what_is_no_time(hole: str, text: str) -> None:
    with shaped(Frame("ticker", f'{{"s":"$symbol","m":$mark,"t":$time_{hole}}}')) as e:
        assert feed(e, f'{{"s":"X","m":1,"t":{text}}}'.encode()) & native.MALFORMED
        assert e.counters()["malformed"] == 1


def test_a_row_has_its_own_time_or_that_of_the_frame() -> None:
    rows = Frame(
        "trade",
        '{"sent":$sent_ms,"d":[{"s":"$symbol","p":$price,"q":$size,"b":$taker,"t?":$time_ms}]}',
    )
    row = {"s": "X", "p": 1, "q": 1, "b": "buy"}
    with shaped(rows) as e:
        assert feed(e, {"sent": 2000, "d": [{**row, "t": 1000}, row, {**row, "t": None}]}) == 1
        times = [int(one["exchange_ns"]) for one in memory(e).slots() if one["kind"] == Kind.TRADE]
        assert times == [10**9, 2 * 10**9, 2 * 10**9]


# -- trades ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("price", ['"1.5"', "1.5", "15e-1"])
@pytest.mark.parametrize(
    ("holes", "values", "side"),
    [
        ('"q":$size,"m":$taker', '"q":2,"m":"B"', 0),
        ('"q":$size,"m":$taker', '"q":"2","m":"A"', 1),
        ('"q":$amount', '"q":2.0', 0),
        ('"q":$amount', '"q":"-2"', 1),
    ],
)
def test_a_trade_has_a_side(price: str, holes: str, values: str, side: int) -> None:
    frame = Frame("trade", f'{{"s":"$symbol","p":$price,{holes}}}', taker=("B", "A"))
    with shaped(frame) as e:
        row = e.add_instrument("X", price_exponent=-1)
        assert feed(e, f'{{"s":"X","p":{price},{values}}}'.encode()) == native.DATA
        assert said(e) == [(Kind.TRADE, side, 15, 2)]
        assert int(memory(e).quote(row)["last_price"]) == 15


@pytest.mark.parametrize(
    ("taker", "word", "side"),
    [(("0", "1"), "1", 1), (("false", "true"), "false", 0), (("0", "1"), '"0"', 0)],
)
def test_numbers_and_true_are_words_too(taker: tuple[str, str], word: str, side: int) -> None:
    with shaped(
        Frame("trade", '{"s":"$symbol","p":$price,"q":$size,"m":$taker}', taker=taker)
    ) as e:
        assert feed(e, f'{{"s":"X","p":1,"q":1,"m":{word}}}'.encode()) == native.DATA
        assert said(e) == [(Kind.TRADE, side, 1, 1)]


@pytest.mark.parametrize(
    ("hole", "value", "place"),
    [("id", "77", 77), ("id", '"77"', 77), ("id_tail", '"ETH-77"', 77), ("id_tail", '"77"', 77),
     ("id_or_place", '"77"', 77), ("id_or_place", '"a9-77"', 5)],
)  # fmt: skip
def test_a_trade_is_numbered(hole: str, value: str, place: int) -> None:
    sample = f'{{"s":"$symbol","p":$price,"q":$size,"m":$taker,"i":${hole},"n?":$place}}'
    with shaped(Frame("trade", sample)) as e:
        payload = f'{{"s":"X","p":1,"q":1,"m":"buy","i":{value},"n":5}}'.encode()
        if "$place" in sample and hole == "id":
            payload = payload.replace(b',"n":5', b"")
        assert feed(e, payload) == native.DATA
        assert [one[6] for one in memory(e).records() if one[0] == Kind.TRADE] == [place]


def test_a_trade_that_is_forced_is_a_liquidation() -> None:
    sample = '{"s":"$symbol","p":$price,"q":$size,"m":$taker,"l?":$forced}'
    with shaped(
        Frame("trade", sample),
    ) as e:
        row = {"s": "X", "p": 1, "q": 1, "m": "buy"}
        for more in ({}, {"l": "M"}, {"l": ""}, {"l": None}):
            assert feed(e, row | more) == native.DATA
        kinds = [one[0] for one in said(e)]
        assert kinds == [Kind.TRADE, Kind.LIQUIDATION, Kind.TRADE, Kind.TRADE]


def test_a_row_that_is_none_is_left_out_and_the_others_stand() -> None:
    sample = '{"d":[{"s":"$symbol","p":$price,"q":$size,"m":$taker}]}'
    good = {"s": "X", "p": 1, "q": 1, "m": "buy"}
    odd = [{**good, "m": "x"}, {**good, "p": 0}, {**good, "q": -1}, {"s": "X"}, 5, {**good, "s": 7}]
    with shaped(Frame("trade", sample)) as e:
        for one in odd:
            assert feed(e, {"d": [good, one, good]}) == native.DATA | native.MALFORMED
        assert len(said(e)) == 2 * len(odd)
        assert e.counters()["malformed"] == len(odd)


def test_rows_within_rows_and_rows_that_say_what_they_are() -> None:
    frames = (
        Frame("none", '{"c":"m","e":[{"t":"old"}]}'),
        Frame(
            "trade",
            '{"c":"m","e":[{"t":"new","d":[{"s":"$symbol","p":$price,"q":$size,"m":$taker}]}]}',
        ),
    )
    with shaped(*frames) as e:
        trade = {"s": "X", "p": 1, "q": 1, "m": "buy"}
        old, new = {"t": "old", "d": [trade]}, {"t": "new", "d": [{**trade, "p": 3}, trade]}
        assert feed(e, {"c": "m", "e": [old, new, old, new]}) == native.DATA
        assert [one[2] for one in said(e)] == [3, 1, 3, 1]
        assert feed(e, {"c": "m", "e": [new, {"t": "else"}]}) & native.MALFORMED
        assert "out of range" in e.last_error()
        assert said(e) == []  # and nothing of it was done


# -- the best bid and offer -----------------------------------------------------------------------

QUOTE = '{"s":"$symbol","d":[{"p":"$bid","q":"$bid_size"},{"p":"$ask","q":"$ask_size"}]}'
SIDES = [({"p": "1.5", "q": "2"}, (15, 2)), ({"p": 1.5, "q": 2}, (15, 2)), (None, (NONE, 0)),
         ({"p": None, "q": None}, (NONE, 0)), ({"p": "", "q": ""}, (NONE, 0)),
         ({"p": "0", "q": "0"}, (NONE, 0))]  # fmt: skip


@pytest.mark.parametrize(("side", "wanted"), SIDES)
def test_a_side_of_a_quote_may_be_none(side: Any, wanted: tuple[int, int]) -> None:
    with shaped(Frame("quote", QUOTE)) as e:
        e.add_instrument("X", price_exponent=-1)
        assert feed(e, {"s": "X", "d": [side, {"p": "9", "q": "1"}]}) == native.DATA
        assert said(e)[-2:] == [(Kind.QUOTE, 0, *wanted), (Kind.QUOTE, 1, 90, 1)]


@pytest.mark.parametrize(
    "side", [{"p": "1.5"}, {}, {"p": "1.5", "q": "0"}, {"p": "0", "q": "1"}, {"p": "1", "q": "-1"},
             {"p": "x", "q": "1"}, {"p": [1], "q": "1"}, {"p": None, "q": "1"}, 5]
)  # fmt: skip
def test_half_a_side_is_none_and_refused(side: Any) -> None:
    with shaped(Frame("quote", QUOTE.replace("{", '{"e":"quote",', 1))) as e:
        e.add_instrument("X", price_exponent=-1, has_book=False)
        whole = {"e": "quote", "s": "X", "d": [{"p": "1", "q": "1"}, {"p": "9", "q": "1"}]}
        assert feed(e, whole) == native.DATA
        assert e.state(0)[0] == State.LIVE
        assert feed(e, {**whole, "d": [side, {"p": "9", "q": "1"}]}) & native.MALFORMED
        assert e.state(0) == (State.STALE, Reason.MALFORMED)


def test_a_ticker_without_a_side_leaves_it_as_it_was() -> None:
    sample = '{"s":"$symbol","b?":$bid,"B?":$bid_size,"a?":$ask,"A?":$ask_size,"m?":$mark}'
    with shaped(Frame("ticker", sample)) as e:
        row = e.add_instrument("X", has_book=False)
        feed(e, {"s": "X", "b": 3, "B": 1, "a": 4, "A": 2, "m": 3.5})
        feed(e, {"s": "X", "B": 7})
        quote = memory(e).quote(row)
        assert (quote["bid_price"], quote["bid_size"]) == (3, 7)
        assert (quote["ask_price"], quote["ask_size"]) == (4, 2)
        assert float(quote["mark"]) == 3.5
        feed(e, {"s": "X", "a": None})  # but of none it says so
        assert memory(e).quote(row)["ask_price"] == NONE
        feed(e, {"s": "X", "b": "", "B": ""})
        assert memory(e).quote(row)["bid_price"] == NONE


# -- statistics -----------------------------------------------------------------------------------

NAMES = ("mark", "index", "underlying", "bid_iv", "ask_iv", "mark_iv", "delta", "gamma", "vega",
         "theta", "rho", "funding", "open_interest", "volume")  # fmt: skip


@pytest.mark.parametrize("percent", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_statistic_is_the_cells(name: str, percent: bool) -> None:
    hole = f"{name}_percent" if percent else name
    sign = 1 if name.endswith("_iv") else -1  # a volatility of 0 or below is none
    with shaped(Frame("ticker", f'{{"s":"$symbol","x?":"${hole}"}}')) as e:
        feed(e, {"s": "X", "x": f"{sign * 12.5}"})
        cell = memory(e).quote(0)
        assert float(cell[name]) == sign * (0.125 if percent else 12.5)
        others = [float(cell[other]) for other in NAMES if other != name]
        assert all(map(math.isnan, others))
        (record,) = said(e)
        assert record == (Kind.STAT, 0, sign * 125, -1)
        feed(e, {"s": "X"})  # it does not come: as it was
        assert float(memory(e).quote(0)[name]) == sign * (0.125 if percent else 12.5)
        feed(e, {"s": "X", "x": None})
        assert math.isnan(float(memory(e).quote(0)[name]))


# -- books and what they are about ----------------------------------------------------------------


def test_symbols_that_differ_are_no_frame() -> None:
    frame = Frame("book", '{"t":"x.$symbol","d":{"s":"$symbol","b":$bids,"a":$asks}}', level=LEVEL)
    with shaped(frame) as e:
        assert feed(e, {"t": "x.A", "d": {"s": "B", "b": [], "a": []}}) & native.MALFORMED
        assert feed(e, {"t": "x.A.b", "d": {"s": "A.b", "b": [], "a": []}}) == native.DATA
        assert e.symbols() == ["A.b"]


def test_nothing_is_done_before_a_frame_is_understood() -> None:
    with shaped(WHOLE, BOOK) as e:
        for payload in (
            b'{"t":"w","s":"NEW","b":[["1","1"]],"a":[]',
            b'{"t":"w","s":"NEW","b":[["1","1"]],"a":[]}x',
            b'{"t":"w","s":"NEW","b":[["1","1"]]}',
            b'{"t":"w","s":"NEW","b":5,"a":[]}',
        ):
            assert feed(e, payload) == native.MALFORMED
        assert e.symbols() == []
        assert feed(e, b'{"t":"?","s":"NEW"}') == native.CONTROL
        assert e.connection(0).unknown == 0
        assert feed(e, b'{"t":"w","s":"NEW","b":[["1","1"]],"a":[]}') == native.DATA
        assert e.symbols() == ["NEW"]


def test_a_book_message_without_its_number_is_refused_where_numbers_are_all() -> None:
    sample = '{"s":"$symbol","b":$bids,"a":$asks,"u?":$final}'
    with shaped(Frame("book", sample, level=LEVEL), rule=native.RULE_NEXT) as e:
        assert feed(e, {"s": "X", "b": [], "a": []}) & native.MALFORMED
        assert "missing" in e.last_error()


def test_the_window_is_the_topics_or_the_frames() -> None:
    topic = '{"t":"x.$window.$symbol","b":$bids,"a":$asks}'
    for frame in (
        Frame("snapshot", topic, level=LEVEL),
        Frame("snapshot", topic.replace("$window.", ""), level=LEVEL, window=2),
    ):
        with shaped(frame) as e:
            name = "x.2.X" if "window" in frame.sample else "x.X"
            bids = [[str(price), "1"] for price in (9, 8)]
            assert feed(e, {"t": name, "b": bids, "a": [["10", "1"]]}) == native.DATA
            known = e.known(0)[0]
            assert known is not None
            assert known[0] == 2


def test_a_checksum_by_itself_is_that_of_the_book() -> None:
    frames = (WHOLE, Frame("checksum", '{"t":"c","s":"$symbol","c":$checksum}'))
    rule = (10, native.CHECKSUM_PAIRS, native.NUMBER_PLAIN, ":", False, False)
    with shaped(*frames, checksum=rule) as e:
        feed(e, {"t": "w", "s": "X", "b": [["1", "2"]], "a": [["3", "4"]]})
        right = zlib.crc32(b"1:2:3:4")
        assert feed(e, {"t": "c", "s": "X", "c": right}) == native.DATA
        assert e.state(0)[0] == State.LIVE
        assert feed(e, {"t": "c", "s": "X", "c": right + 1}) == native.DATA
        assert e.state(0) == (State.STALE, Reason.CHECKSUM)


def test_the_number_of_a_connection_is_in_every_frame() -> None:
    with shaped(WHOLE, Frame("number", '{"n":$conn}')) as e:
        whole = {"t": "w", "s": "X", "b": [["1", "2"]], "a": [["3", "4"]]}
        assert feed(e, {**whole, "n": 7}) == native.DATA
        assert feed(e, {"n": 8}) == native.CONTROL
        assert feed(e, {"t": "other"}) == native.CONTROL
        assert e.state(0)[0] == State.LIVE
        assert feed(e, {"n": 10}) == native.CONTROL | native.GAP
        assert e.state(0) == (State.STALE, Reason.GAP)
        assert feed(e, {**whole, "n": "x"}) & native.MALFORMED


def test_channels_are_bound_to_instruments() -> None:
    frames = (
        Frame(
            "snapshot", '[$channel,$levels,"..."]', level="[$price,$count,$amount]", channel="book"
        ),
        Frame("book", '[$channel,[$price,$count,$amount],"..."]', channel="book"),
        Frame("none", '[$channel,"hb","..."]'),
        Frame("none", "[$channel,[[$_,$_]]]", channel="trades"),
    )
    with shaped(*frames) as e:
        row, c = e.add_instrument("X"), e.connection(0)
        assert feed(e, [5, [[1, 1, 2]], 1]) == native.CONTROL  # nobody has said what it is
        c.bind(5, row, "book")
        c.bind(6, row, "trades")
        assert feed(e, [5, [[1, 1, 2], [3, 2, -4]], 1]) == native.DATA
        assert feed(e, [5, "hb", 2]) == native.DATA
        assert feed(e, [5, [2, 1, 5], 3]) == native.DATA
        assert feed(e, [6, [[1, 2]]]) == native.DATA
        bids, asks = e.book(row)[:2]
        assert bids.tolist() == [[2, 5], [1, 2]]
        assert asks.tolist() == [[3, 4]]
        assert feed(e, [5, [2, 1, 0], 3]) & native.MALFORMED  # neither a bid nor an ask
        assert feed(e, [5, [2, 1], 3]) & native.MALFORMED  # of no shape, on a channel of ours
        assert e.state(row) == (State.STALE, Reason.MALFORMED)


def test_an_answer_may_name_its_instrument() -> None:
    answer = Frame("answer", '{"rep":"m.$symbol","data":{"b":$bids,"a":$asks}}', level=LEVEL)
    with shaped(BOOK, answer, base=native.BASE_REQUEST) as e:
        row = e.add_instrument("X")
        body = {"rep": "m.X", "data": {"b": [["1", "2"]], "a": []}}
        assert feed(e, body) == native.CONTROL  # it is for whoever asked
        assert not e.snapshot(row, json.dumps(body).encode(), NOW) & native.MALFORMED
        body["rep"] = "m.Y"
        assert e.snapshot(row, json.dumps(body).encode(), NOW) & native.MALFORMED


def test_a_value_with_more_digits_is_read_again_in_a_finer_scale() -> None:
    with shaped(WHOLE, BOOK) as e:
        feed(e, {"t": "w", "s": "X", "b": [["1", "1"]], "a": [["9", "1"]]})
        assert feed(e, {"t": "b", "s": "X", "b": [["1.25", "0.125"]], "a": []}) == native.DATA
        assert e.state(0)[0] == State.LIVE
        bids, _, _, price, size = e.book(0)
        assert (price, size) == (-2, -3)
        assert bids.tolist() == [[125, 125], [100, 1000]]
