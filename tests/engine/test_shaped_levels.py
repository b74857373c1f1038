"""Levels of every layout: the book is what `json` and Decimal make of the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled
from shm import Reason, State
from tests.engine.support import engine_book, engine_of

BID, ASK = 0, 1
Row = tuple[int, str, str]  # side, price, size: "0" removes

SIDES = '{"t":"%s","s":"$symbol","b":$bids,"a":$asks}'
TOGETHER = '{"t":"%s","s":"$symbol","l":$levels}'


@dataclass(frozen=True)
class Layout:
    """`written`: a level as it is sent. `read`: of the level as `json` has it, what it says."""

    level: str
    written: Callable[[Row], str]
    read: Callable[[Any], tuple[int | None, Any, Any]]
    sample: str = SIDES
    sides: tuple[str, str] = ("bid", "ask")


def removed(size: str) -> bool:
    return Decimal(size) == 0


LAYOUTS = {
    "texts": Layout('["$price","$size"]', lambda r: f'["{r[1]}","{r[2]}"]', lambda v: (None, *v)),
    "numbers": Layout("[$price,$size]", lambda r: f"[{r[1]}, {r[2]}]", lambda v: (None, *v)),
    "more": Layout(
        '["$price","$size","$_"]',
        lambda r: f'["{r[1]}","{r[2]}","x",{{"y":[1]}}]',
        lambda v: (None, *v[:2]),
    ),
    "keys": Layout(
        '{"px":"$price","sz":"$size"}',
        lambda r: f'{{"n":[{{"px":1}}],"sz":"{r[2]}","px":"{r[1]}"}}',
        lambda v: (None, v["px"], v["sz"]),
    ),
    "verbs": Layout(
        '["$verb",$price,$size]',
        lambda r: f'["delete",{r[1]},3]' if removed(r[2]) else f'["change",{r[1]},{r[2]}]',
        lambda v: (None, v[1], 0 if v[0] == "delete" else v[2]),
    ),
    "amounts": Layout(
        "[$price,$count,$amount]",
        lambda r: f"[{r[1]},{int(not removed(r[2]))},{'-' * r[0]}{1 if removed(r[2]) else r[2]}]",
        lambda v: (int(v[2] < 0), v[0], abs(v[2]) if v[1] else 0),
        TOGETHER,
    ),
    "sides": Layout(
        '{"side":"$side","price_level":"$price","new_quantity":"$size"}',
        lambda r: (
            f'{{"side":"{("bid", "offer")[r[0]]}","price_level":"{r[1]}",'
            f'"event_time":"?","new_quantity":"{r[2]}"}}'
        ),
        lambda v: (("bid", "offer").index(v["side"]), v["price_level"], v["new_quantity"]),
        TOGETHER,
        ("bid", "offer"),
    ),
    "one string": Layout(
        '"$price,$side,$size"',
        lambda r: f'"{r[1]},{("buy", "sell")[r[0]]},{r[2]}"',
        lambda v: (
            ("buy", "sell").index(v.split(",")[1]),
            v.split(",")[0],
            v.split(",")[2],
        ),
        TOGETHER,
        ("buy", "sell"),
    ),
}


def shapes(layout: Layout) -> list[Frame]:
    return [
        Frame(kind, layout.sample % kind, level=layout.level, sides=layout.sides)
        for kind in ("snapshot", "book")
    ]


def message(layout: Layout, kind: str, rows: list[Row]) -> bytes:
    written = [layout.written(row) for row in rows]
    if layout.sample is TOGETHER:
        return f'{{"t":"{kind}","s":"X","l":[{",".join(written)}]}}'.encode()
    sides = [
        f'"{name}":[{",".join(w for w, row in zip(written, rows, strict=True) if row[0] == side)}]'
        for side, name in ((BID, "b"), (ASK, "a"))
    ]
    if len(rows) % 2:
        sides.reverse()
    return f'{{"t":"{kind}",{sides[0]},{sides[1]},"s":"X"}}'.encode()


def oracle(
    layout: Layout, payload: bytes, books: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]
) -> None:
    value = json.loads(payload, parse_float=Decimal, parse_int=Decimal)
    if value["t"] == "snapshot":
        books[BID].clear()
        books[ASK].clear()
    said: list[tuple[int | None, Any]] = [(None, each) for each in value.get("l", [])]
    said += [
        (side, each) for side, name in ((BID, "b"), (ASK, "a")) for each in value.get(name, [])
    ]
    for side, each in said:
        named, price, size = layout.read(each)
        of = (side if named is None else named) or BID
        books[of].pop(Decimal(price), None)
        if Decimal(size):
            books[of][Decimal(price)] = Decimal(size)


ROWS = st.lists(
    st.builds(
        lambda side, number, size: (side, f"{number + 1000 * side}.{number % 10}", size),
        st.sampled_from([BID, ASK]),
        st.integers(1, 30),
        st.sampled_from(["0", "1", "0.5", "2.250", "1000000", "0.00000001", "0.000"]),
    ),
    max_size=8,
)


def test_a_frame_may_have_one_level_in_a_string() -> None:
    whole = Frame("snapshot", TOGETHER % "snapshot", level='["$side","$price","$size"]')
    change = Frame(
        "book", '{"t":"book","s":"$symbol","c":"$price,$side,$size"}', sides=("buy", "sell")
    )
    decoder = native.shape_decoder(compiled([whole, change]))
    with engine_of(decoder, "one-string", rule=native.RULE_NONE, base=native.BASE_STREAM) as e:
        c = e.connection(0)
        c.feed(b'{"t":"snapshot","s":"X","l":[["bid","5.5","1"],["ask","6","2"]]}')
        for _ in range(3):  # the second and the third by a skeleton
            c.feed(b'{"t":"book","s":"X","c":"5.5,buy,0"}')
            c.feed(b'{"t":"book","s":"X","c":"5.25,buy,83"}')
            c.feed(b'{"t":"book","s":"X","c":"6.0,sell,0.5"}')
        row = e.instrument_id("X")
        assert engine_book(e, row) == ({Decimal("5.25"): Decimal(83)}, {Decimal(6): Decimal("0.5")})
        assert c.feed(b'{"t":"book","s":"X","c":"5.25,both,83"}') & native.MALFORMED
        assert e.state(row)[0] != State.LIVE


@pytest.mark.parametrize("odd", ['"5.25,buy"', '"5.25;buy;1"', '",buy,1"', '""', "7", "null", None])
def test_a_level_in_a_string_that_is_none_costs_the_book(odd: str | None) -> None:
    whole = Frame("snapshot", TOGETHER % "snapshot", level='["$side","$price","$size"]')
    change = Frame(
        "book", '{"t":"book","s":"$symbol","c":"$price,$side,$size"}', sides=("buy", "sell")
    )
    decoder = native.shape_decoder(compiled([whole, change]))
    with engine_of(decoder, "one-string", rule=native.RULE_NONE, base=native.BASE_STREAM) as e:
        c = e.connection(0)
        c.feed(b'{"t":"snapshot","s":"X","l":[["bid","5.5","1"],["ask","6","2"]]}')
        level = "" if odd is None else f',"c":{odd}'
        assert c.feed(f'{{"t":"book","s":"X"{level}}}'.encode()) & native.MALFORMED
        assert e.state(0) == (State.STALE, Reason.MALFORMED)


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=20, deadline=None)
@given(messages=st.lists(st.tuples(st.booleans(), ROWS), max_size=6))
def test_a_book_is_what_its_levels_say(name: str, messages: list[tuple[bool, list[Row]]]) -> None:
    layout = LAYOUTS[name]
    books: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
    table = compiled(shapes(layout))
    with engine_of(
        native.shape_decoder(table), rule=native.RULE_NONE, base=native.BASE_STREAM
    ) as e:
        whole = message(layout, "snapshot", [(BID, "1.5", "1"), (ASK, "1001.5", "1")])
        for payload in [whole, *(message(layout, "book", rows) for _, rows in messages)]:
            assert e.connection(0).feed(payload) & ~native.ATTENTION == native.DATA, e.last_error()
            oracle(layout, payload, books)
            assert engine_book(e, 0) == books
            assert e.state(0)[0] == State.LIVE


BY_ID = '{"symbol":"$symbol","id":$id,"side":"$side","size?":$size,"price?":$price}'


def table_frames() -> list[Frame]:
    return [
        Frame(
            "snapshot" if action == "partial" else "book",
            f'{{"action":"{action}","data":$levels}}',
            level=BY_ID,
            sides=("Buy", "Sell"),
            removes=action == "delete",
        )
        for action in ("partial", "insert", "update", "delete")
    ]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_levels_by_id_of_several_instruments(data: st.DataObject) -> None:
    symbols = ("A", "B", "not ours")
    rows: dict[tuple[str, int], list[Any]] = {}  # (symbol, id) -> side, price, size
    decoder = native.shape_decoder(compiled(table_frames()))
    with engine_of(decoder, rule=native.RULE_NONE, base=native.BASE_STREAM, auto_add=False) as e:
        for symbol in symbols[:2]:
            e.add_instrument(symbol)
            e.connection(0).feed(
                f'{{"action":"partial","data":[{{"symbol":"{symbol}","id":0,'
                f'"side":"Buy","size":5,"price":1}}]}}'.encode()
            )
            rows[symbol, 0] = ["Buy", Decimal(1), Decimal(5)]
        for _ in range(data.draw(st.integers(0, 6))):
            action = data.draw(st.sampled_from(["insert", "update", "delete"]))
            told = []
            for _ in range(data.draw(st.integers(1, 4))):
                symbol = data.draw(st.sampled_from(symbols))
                known = [key for key in rows if key[0] == symbol]
                if action == "insert" or not known:
                    number = data.draw(st.integers(1, 40))
                    if action != "insert" or (symbol, number) in rows:
                        continue
                    side = "Buy" if number < 20 else "Sell"
                    size = data.draw(st.integers(1, 99))
                    rows[symbol, number] = [side, Decimal(number * 10), Decimal(size)]
                    told.append(
                        {
                            "symbol": symbol,
                            "id": number,
                            "side": side,
                            "size": size,
                            "price": number * 10,
                        }
                    )
                    continue
                key = data.draw(st.sampled_from(sorted(known)))
                side = rows[key][0]
                if action == "delete":
                    del rows[key]
                    told.append({"symbol": symbol, "id": key[1], "side": side})
                else:
                    rows[key][2] = Decimal(data.draw(st.integers(1, 99)))
                    told.append(
                        {"symbol": symbol, "id": key[1], "side": side, "size": int(rows[key][2])}
                    )
            if told:
                payload = json.dumps({"action": action, "data": told}).encode()
                assert not e.connection(0).feed(payload) & native.MALFORMED, e.last_error()
            for row, symbol in enumerate(symbols[:2]):
                mine = [value for (name, _), value in rows.items() if name == symbol]
                assert e.state(row)[0] == State.LIVE
                assert engine_book(e, row) == (
                    {price: size for side, price, size in mine if side == "Buy"},
                    {price: size for side, price, size in mine if side == "Sell"},
                )
