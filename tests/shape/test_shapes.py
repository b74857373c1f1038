"""Shapes: what is compiled, and what is refused at load, with the place named."""

from __future__ import annotations

import re
import struct

import pytest

from feedhandler.shape import Frame, ShapeError, compiled, wrapped
from feedhandler.shape.frame import HOLES, KINDS, STAT, STATS, Role
from tests.kit.natives import ROOT
from tests.shape.ten_venues import FRAMES

LEVEL = '["$price","$size"]'
BOOK = '{"s":"$symbol","b":$bids,"a":$asks,"u":$final}'
ROWS = '{"s":"$symbol","l":$levels}'
TRADE = '{"s":"$symbol","p":"$price","q":"$size","m":$taker}'


def test_a_shape_becomes_a_table() -> None:
    book = BOOK.replace("{", '{"e":"book",')
    table = compiled(
        [Frame("book", book, level=LEVEL), Frame("trade", '{"e":"trade",' + TRADE[1:])]
    )
    (length,) = struct.unpack_from("<I", table)
    assert table[4:7] == bytes([KINDS["book"], 0, 0])
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
        ([Frame("book", BOOK)], "no level; what is one like"),
        ([Frame("book", BOOK, level="[$price,$_]")], r"level: no \$size"),
        ([Frame("book", BOOK, level='{"p":$price,"s?":$size}')], r"level: no \$size"),
        ([Frame("book", BOOK, level="[$price]")], "rows are written as"),
        ([Frame("book", BOOK, level='["$price","$size","$side"]')], "it says what"),
        ([Frame("book", BOOK, level='["$price","$size","$bid"]')], r"\$bid is nothing of a level"),
        ([Frame("book", BOOK, level='["$price","$size","$sise"]')], r"level\[2\]: no hole \$sise"),
        ([Frame("book", ROWS, level=LEVEL)], "it does not say its side"),
        ([Frame("book", ROWS, level="[$price,$size,$side,$amount]")], r"both \$size and \$amount"),
        ([Frame("book", ROWS, level="[$price,$size,$side,$count]")], r"\$count without \$amount"),
        ([Frame("book", ROWS, level='[$price,$amount,"$symbol"]')], "and the frame has one"),
        ([Frame("book", BOOK.replace("}", ',"l":$levels}'), level=LEVEL)], r"both \$levels and"),
        ([Frame("book", BOOK.replace("}", ',"p":$price}'), level=LEVEL)], "beside a list of"),
        ([Frame("book", '{"s":"$symbol","p":$price,"q":$size}')], r"no \$side"),
        ([Frame("trade", TRADE, level=LEVEL)], r"a level, and neither \$bids nor \$asks"),
        ([Frame("trade", TRADE.replace("}", ',"b":$bid}'))], r"\.b: \$bid says nothing of a"),
        ([Frame("trade", TRADE.replace("}", ',"t":$time_s,"u":$time_us}'))], r"\$time_s and"),
        ([Frame("trade", TRADE.replace("}", ',"c":$channel}'))], r"both \$channel and \$symbol"),
        ([Frame("trade", TRADE, channel="x")], r"channel='x', and no \$channel"),
        ([Frame("ticker", '{"s":"$symbol","u":$final}')], "neither a statistic nor"),
        ([Frame("ticker", '{"s":"$symbol","m":$mark,"n":$mark_percent}')], "without percent too"),
        ([Frame("ticker", '{"s":"$symbol","b":$bid}')], r"no \$bid_size"),
        ([Frame("checksum", '{"s":"$symbol"}')], r"no \$checksum"),
        ([Frame("number", '{"n":"$word"}')], r"no \$conn"),
        ([Frame("none", '{"n?":$never}')], "optional, and it never comes"),
        ([Frame("none", '{"n":"a\\\\b"}')], "is not written as it is in JSON"),
        ([Frame("book", BOOK, level=LEVEL, window=1 << 16)], "window=65536"),
        ([Frame("book", BOOK, level=LEVEL, sides=("b", "b"))], "the sides' words"),
        ([Frame("book", BOOK, level=LEVEL, deletes=("new",))], "both sets and removes"),
        ([Frame("trade", TRADE.replace('"$price"', "1"))], r"no \$price"),
        (
            [Frame("trade", TRADE.replace("$size", "$sise"))],
            r"\.q: no hole \$sise; did you mean 'size'\? there are _",
        ),
        ([Frame("trade", TRADE.replace("$size", "$price"))], r"\$price at \.p and again at \.q"),
        ([Frame("trade", TRADE.replace('"q"', '"p"'))], "the key 'p' comes twice"),
        ([Frame("trade", TRADE[:-1])], "at its end: a bracket is missing"),
        ([Frame("trade", '{"s":"$symbol}')], "a string is not closed"),
        ([Frame("trade", TRADE.replace("$symbol", "$word$symbol"))], r"nothing is between"),
        ([Frame("trade", TRADE.replace('"$price"', '"x$price"'))], r"\$price cannot be a part"),
        ([Frame("trade", '{"s":"$symbol","d":[$price]}')], r"\.d: rows are written as one object"),
        ([Frame("trade", f'{{"d":[[[{TRADE}]]]}}')], "rows within rows within rows"),
        ([Frame("trade", f'{{"d":[{TRADE}],"e":[{{"f":$_}}]}}')], r"rows at \.d and at \.e"),
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
        ([Frame("book", BOOK, level=LEVEL, begins=True)], r"begins=True: of a book, and with \$p"),
        ([Frame("book", BOOK, level=LEVEL, rounded=True)], "rounded=True: of a full book"),
        ([Frame("control", "1")], "a word in quotes, or an object"),
        ([Frame("quote", '{"s":"$symbol","w":"$status"}')], "says nothing of a quote"),
        ([Frame("mark", '{"i":"$index_name","m":$mark}')], "says nothing of a mark"),
        (
            [Frame("trade", TRADE), Frame("liquidation", TRADE)],
            "cannot be told apart: nothing that is written without a hole differs",
        ),
        (
            [Frame("trade", TRADE), Frame("none", '{"s":"$symbol","z":$_}')],
            """apart: does the second never have 'p'\\? Then say "p":\\$never""",
        ),
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
        ('{"e":{"f":$never},%s', '{"e":{"f":$_},%s'),
        ('{"t":"m.$symbol.p.$digits",%s', '{"t":"m.$symbol.p",%s'),  # by a text's end
        ('{"t":"m.$symbol.$word",%s', '{"t":"m.$symbol.$word.$word",%s'),  # by its points
        ('{"d":[{"e":1,%s]', '{"d":[{"e":2,%s]'),  # row by row
        ('[$_,"a",{%s,"..."]', '[$_,"b",{%s,"..."]'),
        ('[$_,{"x":{%s},"..."]', '[$_,[{%s],"..."]'),  # by what is a list, and what is none
    ],
)
def test_what_tells_two_frames_apart(a: str, b: str) -> None:
    assert compiled([Frame("trade", closed(a)), Frame("trade", closed(b))])


def closed(sample: str) -> str:
    """The sample with a trade's keys, and closed where that is wanted."""
    text = sample % TRADE[1:]
    return text + "}" if text.startswith('{"d"') else text


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ('{"x":"$_",%s', "{%s"),  # a hole may be missing: then the frame is malformed
        ('{"x?":1,%s', '{"x?":2,%s'),
        ('{"t":"m.$symbol.x",%s', '{"t":"m.a.x",%s'),
        ('{"t":"m.$word.$symbol",%s', '{"t":"m.1.$symbol",%s'),
        ('{"d":[{"e":1,%s]', '{"d":[{"f":2,%s]'),
        ("[$_,{%s]", '[$_,{%s,"..."]'),
    ],
)
def test_what_does_not(a: str, b: str) -> None:
    with pytest.raises(ShapeError, match="cannot be told apart"):
        compiled([Frame("trade", closed(a)), Frame("trade", closed(b))])


@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_venues_become_tables(name: str) -> None:
    assert compiled(FRAMES[name])


def test_a_connection_number_and_an_answer_are_read_beside_other_frames() -> None:
    answer = Frame("answer", '{"b":$bids,"a":$asks}', level=LEVEL)
    assert compiled([Frame("trade", TRADE), Frame("number", '{"n":$conn}'), answer])
    with pytest.raises(ShapeError, match="cannot be told apart"):
        compiled([answer, answer])


def test_statistics_are_those_of_the_memory() -> None:
    header = (ROOT / "shm" / "include" / "feedhandler_shm.h").read_text()
    listed = header.partition("#define FH_STATS(F)")[2].partition("#define")[0]
    wanted = {
        name.lower(): int(number) for name, number in re.findall(r"F\((\w+), (\d+)\)", listed)
    }
    assert wanted == STATS


def test_the_engine_numbers_kinds_alike() -> None:
    header = (ROOT / "feedhandler" / "engine" / "shape.h").read_text()
    listed = header.partition("enum shape_kind {")[2].partition("}")[0]
    assert re.findall(r"SHAPE_(\w+),", listed) == [kind.upper() for kind in KINDS]
    assert list(KINDS.values()) == list(range(len(KINDS)))


def test_the_engine_numbers_roles_alike() -> None:
    header = (ROOT / "feedhandler" / "engine" / "roles.h").read_text()
    listed = header.partition("enum role {")[2].partition("ROLES")[0]
    assert re.findall(r"ROLE_(\w+),", listed) == [role.name for role in Role]
    assert {role for role in HOLES.values() if role < STAT} == set(Role)
