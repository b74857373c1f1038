"""Values of another type, keys in another order: all readers of a venue make the same of them.

A frame in the venue's own bytes, one that is read key by key behind a space, and one with white
space between all tokens go different ways through a decoder. What a venue changes without a word
(an array where a price was, a key before another) must not mean one thing on one way and something
else on the next.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from tests.engine.support import RULES, engine
from tests.engine.test_skeletons import seen
from tests.fuzz import corpus

OTHERS: tuple[Any, ...] = ([], [["1", "1"]], {}, None, True, "", "x", 1, "-1")


def frames(venue: str) -> list[Any]:
    """Every message of the venue that there is a short example of."""
    found = []
    for line in b"\n".join(corpus.seeds(venue) or corpus.sampled(venue)).splitlines():
        if line[:1] in (b"{", b">") and len(line) < 1200:
            found.append(json.loads(line.removeprefix(b">")))
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


def variants(frame: Any) -> Iterator[Any]:
    """The frame, and it with one value of another type, or one key at another place, or none."""
    yield frame
    for *path, last in places(frame):
        for other in OTHERS:
            changed = copy.deepcopy(frame)
            holder = follow(changed, path)
            holder[last] = other
            yield changed
        changed = copy.deepcopy(frame)
        holder = follow(changed, path)
        value = holder.pop(last)
        yield copy.deepcopy(changed)
        if isinstance(holder, dict):
            holder[last] = value
            yield copy.deepcopy(changed)
            rest = [(key, holder.pop(key)) for key in list(holder) if key != last]
            holder.update(rest)
            yield changed


def follow(value: Any, path: list[Any]) -> Any:
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize("venue", list(RULES))
def test_all_readers_agree(venue: str) -> None:
    count = refused = 0
    for frame in frames(venue):
        with ExitStack() as stack:
            engines = [
                stack.enter_context(
                    engine(venue, instruments=32, ring_slots=1 << 13, learns=learns)
                )
                for learns in (True, True, True, False)
            ]
            for variant in variants(frame):
                usual = json.dumps(variant, separators=(",", ":")).encode()
                sent = usual, b" " + usual, json.dumps(variant, indent=0).encode(), usual
                results = [
                    e.connection(0).feed(text, 1) for e, text in zip(engines, sent, strict=True)
                ]
                assert len(set(results)) == 1, (results, usual)
                if results[0] & native.MALFORMED:
                    assert len({e.last_error().split(":")[0] for e in engines}) == 1, usual
                    refused += 1
                told = [e.attention() for e in engines]
                assert told == told[:1] * 4, usual
                symbols = [e.symbols() for e in engines]
                assert symbols == symbols[:1] * 4, usual
                count += 1
            all_seen = [seen(e) for e in engines]
            assert all_seen == all_seen[:1] * 4, frame
    assert count > 300
    assert refused > 20


QUOTES = {
    "binance": (
        '{"stream":"a@bookTicker","data":{"u":1,"s":"A","b":PRICE,"B":"2","a":"3","A":SIZE}}',
        '{"u":1,"s":"A","b":"0.5","B":SIZE,"a":PRICE,"A":"2"}',
    ),
    "binance-usdm": (
        '{"e":"bookTicker","u":1,"s":"A","b":PRICE,"B":"2","a":"3","A":SIZE,"T":1,"E":1}',
    ),
    "deribit": (
        '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.A","data":'
        '{"timestamp":1,"best_bid_price":PRICE,"best_bid_amount":2,"best_ask_price":3,'
        '"best_ask_amount":SIZE}}}',
    ),
}


@pytest.mark.parametrize("venue", list(QUOTES))
@pytest.mark.parametrize(("price", "size"), [("[]", '"1"'), ("{}", '"1"'), ('"2"', "[[1]]")])
def test_a_quote_of_no_numbers_is_refused(venue: str, price: str, size: str) -> None:
    """It is no quote with one side: what was known stays."""
    for text in QUOTES[venue]:
        with engine(venue, instruments=4) as e:
            one, four = ("1", "4") if venue == "deribit" else ('"1"', '"4"')
            good = text.replace("PRICE", one).replace("SIZE", four).encode()
            assert not e.connection(0).feed(good) & native.MALFORMED
            before = seen(e)[0]
            bad = text.replace("PRICE", price).replace("SIZE", size).encode()
            assert e.connection(0).feed(bad) & native.MALFORMED
            assert seen(e)[0] == before
