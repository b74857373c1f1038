"""Declarations that can be read, and are wrong: `venue check` says what to look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from feedhandler.capture.examined import Examined, examine
from feedhandler.capture.plain import as_capture
from feedhandler.venues import outside

EXAMPLE = Path(__file__).parents[2] / "scripts" / "examples" / "venue"
SOURCE = (EXAMPLE / "my_cryptocom.py").read_text()
LIST = (EXAMPLE / "instruments.json").read_bytes()
_TICKER = '"b?":"$bid",\'\n            \'"bs?":"$bid_size","k?":"$ask","ks?":"$ask_size"'
_OTHER_WAY = '"b?":"$ask",\'\n            \'"bs?":"$ask_size","k?":"$bid","ks?":"$bid_size"'


def told(
    folder: Path, *changes: tuple[str, str], frames: Path = EXAMPLE / "frames.ndjson"
) -> Examined:
    """What frames come to where the example's declarations are changed."""
    text = SOURCE
    for what, other in changes:
        assert what in text
        text = text.replace(what, other)
    path = folder / f"changed_{abs(hash(text))}.py"
    path.write_text(text)
    (venue,) = outside.in_file(path).values()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(outside.FILES, str(path))
        with as_capture(frames) as capture:
            return examine(capture, venue(), {"the list": LIST})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([('"bids":$bids,"asks":$asks', '"bids":$asks,"asks":$bids')], "BTC_USD: bids at or above"),
        ([('["$price","$size","$_"]', '["$size","$price","$_"]')], "BTC_USD: bids at or above"),
        ([('"p":"$price","q":"$size"', '"p":"$size","q":"$price"')], "$price is 0.08000, and the"),
        ([(_TICKER, _OTHER_WAY)], "$bid 67000.20 is above $ask 67000.10"),
        (
            [('"u":$final,"pu":$previous', '"u":$previous,"pu":$final')],
            "2 of 2 changes do not follow the one before",
        ),
        ([('"CCY_PAIR": Inst', '"SPOT": Inst')], "BTC_USD: frames are of it, and the list has"),
        (
            [('"instrument_name":"$symbol","depth"', '"subscription":"$symbol","depth"')],
            "book.BTC_USD.50: frames are of it",
        ),
        ([('"price_tick_size"', '"tick"')], "no instrument is listed: each row was left out"),
        ([('"true": Status', '"True": Status')], "BTC_USD, BTCUSD-PERP: the word of its status"),
        ([('"t":$time_ms,"u":$final,"pu"', '"t":$time_us,"u":$final,"pu"')], "is of before 2009"),
    ],
)  # fmt: skip
def test_what_is_well_formed_and_wrong_is_found(
    tmp_path: Path, changes: Sequence[tuple[str, str]], said: str
) -> None:
    found = told(tmp_path, *changes)
    assert found.found
    assert any(said in problem for problem in found.problems), found.problems


def test_what_is_right_makes_no_doubt(tmp_path: Path) -> None:
    assert told(tmp_path).problems == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([('"t":$time_ms,"u":$final,"pu"', '"t":$time_s,"u":$final,"pu"')], "is of after 2100"),
        ([('("BUY", "SELL")', '("buy", "sell")')], '"SELL" is none of buy, sell, for $taker'),
        ([('["$price","$size","$_"]', '["$size","$price","$_"]')], "a level of $asks has the pr"),
    ],
)  # fmt: skip
def test_why_a_frame_is_refused_is_said(
    tmp_path: Path, changes: Sequence[tuple[str, str]], said: str
) -> None:
    left = told(tmp_path, *changes).left
    assert any(said in one.stop for one in left), [one.stop for one in left]


def test_takers_who_buy_at_the_bid_are_those_who_sell(tmp_path: Path) -> None:
    lines = (EXAMPLE / "frames.ndjson").read_text().splitlines()
    book = next(line for line in lines if '"u":5100,"cs"' in line)
    buy = next(line for line in lines if '"BUY"' in line).replace('{"id":1,', '{"id":-1,')
    sold = next(line for line in lines if '"s":"SELL"' in line)
    (frames := tmp_path / "frames").write_text("\n".join((book, *(10 * (buy, sold)))))
    changed = told(tmp_path, ('("BUY", "SELL")', '("SELL", "BUY")'), frames=frames).problems
    assert any("20 of 20 takers who buy did at the bid" in one for one in changed), changed
    assert not any("takers" in one for one in told(tmp_path, frames=frames).problems)


@pytest.mark.parametrize(
    ("what", "other", "said"),
    [
        ("keeps_window = True", "keep_window = True", "no such fact; did you mean 'keeps_window'"),
        ("default_instruments =", "default_instrument =", "mean 'default_instruments'"),
        ('"wss://stream', '"stream', "ws_urls: 'stream.crypto.com/exchange/v1/market' begins with"),
        ('Promise("book",', 'Promise("books",', "promises: book: nothing is called 'books'; did"),
        (
            "Speaker.SERVER_JSON, 30.0, 45.0",
            "Speaker.CLIENT_JSON, 30.0, 45.0",
            "heartbeat: CLIENT_JSON, and no ping that we send",
        ),
        (
            "Speaker.SERVER_JSON, 30.0, 45.0",
            "Speaker.CLIENT_JSON, 30.0, 45.0, '{\"op\":\"ping\",\"id\":$id}'",
            "heartbeat: ping: no hole $id",
        ),
        ('"asks":$asks,"t":$time_ms,"u":$final}', '"asks":[],"t":$time_ms,"u":$final}', "[] says"),
        ('"subscribe","code":0,"channel"', '"subscribe","x":[],"code":0,"channel"', "[] says"),
        ('"u":$final}]}}', '"u":$finals}]}}', "no hole $finals; did you mean 'final'?"),
        ('"channels":$keys,', '"channels":$key_list,', "no hole $key_list; did you mean 'keys'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_cure(
    tmp_path: Path, what: str, other: str, said: str
) -> None:
    with pytest.raises(outside.VenueError, match=re.escape(said)):
        told(tmp_path, (what, other))
