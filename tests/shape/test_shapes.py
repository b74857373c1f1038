"""Shapes: what is compiled, and what is refused at load, with the place named."""

from __future__ import annotations

import re
import struct

import pytest

from feedhandler import venues
from feedhandler.shape import Frame, ShapeError, compiled, wrapped
from feedhandler.shape.frame import HOLES, Role
from tests.kit.natives import ROOT

LEVEL = '["$price","$size"]'
BOOK = '{"s":"$symbol","b":$bids,"a":$asks,"u":$final}'
TRADE = '{"s":"$symbol","p":"$price","q":"$size","m":$taker}'


def test_a_shape_becomes_a_table() -> None:
    table = compiled([Frame("book", BOOK, level=LEVEL), Frame("trade", TRADE)])
    (length,) = struct.unpack_from("<I", table)
    assert table[4:6] == bytes([0, 0])
    (after,) = struct.unpack_from("<I", table, 4 + length)
    assert len(table) == 8 + length + after


def test_holes_of_values_may_be_bare_or_quoted_and_keys_in_any_order() -> None:
    bare = compiled(
        [Frame("quote", '{"s":"$symbol","b":$bid,"B":$bid_size,"a":$ask,"A":$ask_size}')]
    )
    quoted = '{"s":"$symbol","b":"$bid","B":"$bid_size","a":"$ask","A":"$ask_size"}'
    assert bare == compiled([Frame("quote", quoted)])


def test_a_wrapper_has_the_frame_where_it_says() -> None:
    frame = wrapped(Frame("trade", TRADE), '{"stream":"$_","data":$frame}')
    assert frame.sample == f'{{"stream":"$_","data":{TRADE}}}'
    with pytest.raises(ShapeError, match="not one \\$frame"):
        wrapped(frame, '{"data":1}')


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([Frame("candle", "{}")], "no kind 'candle'; there are book, trade"),
        ([Frame("book", BOOK)], "level '' is none of"),
        ([Frame("book", BOOK, level="[$size,$price]")], r"level '\[\$size,\$price\]' is none of"),
        ([Frame("trade", TRADE, level=LEVEL)], r"a level, and neither \$bids nor \$asks"),
        ([Frame("trade", TRADE.replace('"$price"', "1"))], r"no \$price"),
        ([Frame("trade", TRADE.replace("$size", "$sise"))], r"\.q: no hole \$sise; there are _"),
        ([Frame("trade", TRADE.replace("$size", "$price"))], r"\$price at \.p and again at \.q"),
        ([Frame("trade", TRADE.replace('"q"', '"p"'))], "the key 'p' comes twice"),
        ([Frame("trade", TRADE[:-1])], "before"),
        ([Frame("trade", '{"s":"$symbol}')], "a string is not closed"),
        ([Frame("trade", TRADE.replace("$symbol", "$word$symbol"))], r"nothing is between"),
        ([Frame("trade", TRADE.replace('"$price"', '"x$price"'))], r"\$price cannot be a part"),
        ([Frame("trade", f'{{"d":[{TRADE},1]}}')], r"\.d: rows are written as one object"),
        ([Frame("trade", f'{{"d":[{{"e":[{TRADE}]}}]}}')], "rows within rows"),
        ([Frame("trade", TRADE, taker=("Buy", "Buy"))], "the taker's words"),
        ([Frame("trade", TRADE.replace("}", ',"i":$id,"j":"$id_tail"}'))], "two holes for"),
        (
            [Frame("book", BOOK.replace("$final", "$first"), level=LEVEL)],
            r"\$first at \.u, and no \$final",
        ),
        (
            [Frame("book", BOOK.replace("}", ',"p":$previous,"q":$previous_signed}'), level=LEVEL)],
            r"both \$previous and \$previous_signed",
        ),
        ([Frame("trade", TRADE), Frame("liquidation", TRADE)], "cannot be told apart"),
        (
            [
                Frame("trade", TRADE),
                Frame("trade", '{"m":$taker,"q":"$size","p":"$price","s":"$symbol"}'),
            ],
            "cannot be told apart",
        ),
    ],
)  # fmt: skip
def test_what_means_nothing_or_two_things_is_refused(frames: list[Frame], said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        compiled(frames)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ('{"e":"trade",%s', '{"e":"aggTrade",%s'),  # by a constant
        ('{"e":$never,%s', '{"e":"$_",%s'),  # by a key that does not come
        ('{"t":"x.$word",%s', '{"t":"y.$word",%s'),  # by what a string has besides its holes
        ('{"x":"$_",%s', "{%s"),  # by a key
    ],
)
def test_what_tells_two_frames_apart(a: str, b: str) -> None:
    assert compiled([Frame("trade", a % TRADE[1:]), Frame("trade", b % TRADE[1:])])


def test_the_engine_numbers_roles_alike() -> None:
    header = (ROOT / "feedhandler" / "engine" / "skeleton.h").read_text()
    listed = header.partition("enum role {")[2].partition("ROLES")[0]
    assert re.findall(r"ROLE_(\w+),", listed) == [role.name for role in Role]
    assert set(HOLES.values()) == set(Role)


@pytest.mark.parametrize("name", venues.names())
def test_every_key_that_a_decoder_looks_at_is_in_the_venues_shapes(name: str) -> None:
    """One that only its decoder knows would be passed over by what is learned from the shapes."""
    decoder = venues.load(name).decoder
    sources = sorted((ROOT / "feedhandler" / "venues").glob(f"{decoder.name}_*.h"))
    text = "".join(path.read_text() for path in sources)
    looked = set(re.findall(r'(?:TEXT_IS\(&key|KEY_IS\(&?key), "(\w+)"\)', text))
    assert looked
    unnamed = {key for key in looked if key.encode() not in decoder.frames}
    assert unnamed <= ELSEWHERE[decoder.name], unnamed


#: keys of frames that are not learned: statistics, answers; and those that only go with no message
ELSEWHERE = {
    "binance": {"lastUpdateId", "asks", "bids", "S"},
    "bybit": {"bid1Price", "bid1Size", "ask1Price", "ask1Size", "markPrice", "indexPrice",
              "fundingRate", "openInterest", "result", "op", "success"},
    "deribit": {"bid_iv", "ask_iv", "mark_iv", "mark_price", "funding_8h", "index_price",
                "open_interest", "underlying_price", "delta", "gamma", "vega", "theta", "rho",
                "greeks", "state", "result"},
    "okx": {"askPx", "askSz", "askVol", "bidPx", "bidSz", "bidVol", "fundingRate", "fwdPx",
            "idxPx", "markPx", "markVol", "oi"},
}  # fmt: skip
