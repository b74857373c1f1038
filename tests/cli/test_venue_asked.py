"""`feedhandler venue check` of a venue that is unlike the example of docs/adding-a-venue.md: its
books are asked for over REST, its messages name a range, and it wants to be pinged in a text."""

from __future__ import annotations

from pathlib import Path

from tests.cli.support import json_of, run

VENUE = """
from feedhandler.adapter import promise
from feedhandler.adapter.declared import Answer, BookPath, Decimals, DeclaredVenue, Listing, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import InstrumentKind, Status


class Polynia(DeclaredVenue):
    name = "my-polynia"
    ws_urls = {"public": "wss://stream.polynia.example/ws"}
    rest_url = "https://api.polynia.example"
    rule, base = Continuity.RANGE, Base.REQUEST
    proof = Proof((Sign.RANGE,))
    heartbeat = Heartbeat(Speaker.CLIENT_TEXT, 20.0, 60.0, "ping", "pong")
    limits = Limits(keys_per_connection=200, messages_per_second=10.0, rest_per_second=5.0)
    default_instruments = ("btc_usdt",)
    statuses = {"open": Status.ACTIVE, "frozen": Status.HALTED}
    topics = {"book": "depth.$symbol", "trades": "tr.$symbol"}
    promises = {"depth": Promise("book", first_s=10.0), "tr": promise.TRADES}
    words = Words(
        subscribe='{"op":"sub","ch":"$channel","s":"$symbol","rid":$id}',
        unsubscribe='{"op":"unsub","ch":"$channel","s":"$symbol","rid":$id}',
        answers=(
            Answer(ControlKind.ACK, '{"op":"sub","ok":true,"rid":$id}'),
            Answer(ControlKind.UNSUBSCRIBED, '{"op":"unsub","ok":true,"rid":$id}'),
            Answer(ControlKind.PONG, '"pong"'),
            Answer(ControlKind.REJECTED, '{"op":"sub","ok":false,"rid":$id,"why":"$text"}'),
        ),
    )
    book = BookPath("/v1/depth", {"sym": "$symbol"}, levels=500)
    listing = Listing(
        "/v1/symbols", symbol="name", base="base", quote="quote", tick=Decimals("pricePlace"),
        lot=Decimals("sizePlace"), kind=InstrumentKind.SPOT, status="state",
    )
    frames = (
        Frame(
            "book",
            '{"ch":"depth","s":"$symbol","f":$first,"l":$final,"b":$bids,"a":$asks,"ts":$time_ms}',
            level='{"p":"$price","q":"$size"}',
        ),
        Frame(
            "answer",
            '{"s":"$symbol","l":$final,"b":$bids,"a":$asks}',
            level='{"p":"$price","q":"$size"}',
        ),
        Frame(
            "trade",
            '{"ch":"tr","s":"$symbol","i":$id,"p":"$price","q":"$size","m":"$taker","ts":$time_ms}',
            taker=("b", "s"),
        ),
    )
"""
ASKED = (
    '{"url":"https://api.polynia.example/v1/depth?sym=btc_usdt","data":{"s":"btc_usdt","l":102,'
    '"b":[{"p":"67000.10","q":"0.5"},{"p":"67000.00","q":"1.25"}],'
    '"a":[{"p":"67000.20","q":"0.31"},{"p":"67000.90","q":"2"}]}}'
)
FRAMES = (
    '{"op":"sub","ok":true,"rid":1}',
    '{"ch":"depth","s":"btc_usdt","f":101,"l":103,"b":[{"p":"67000.10","q":"0.42"}],"a":[],'
    '"ts":1770000001120}',
    '{"ch":"depth","s":"btc_usdt","f":104,"l":104,"b":[],"a":[{"p":"67000.20","q":"0"},'
    '{"p":"67000.40","q":"0.22"}],"ts":1770000001220}',
    '{"ch":"tr","s":"btc_usdt","i":9,"p":"67000.10","q":"0.08","m":"s","ts":1770000001121}',
    "pong",
    '{"op":"sub","ok":false,"rid":2,"why":"no such symbol"}',
)
LIST = (
    '[{"name":"btc_usdt","base":"BTC","quote":"USDT","pricePlace":2,"sizePlace":5,"state":"open"}]'
)


def test_what_was_asked_for_stands_among_the_frames(tmp_path: Path) -> None:
    (venue := tmp_path / "my_polynia.py").write_text(VENUE)
    (listed := tmp_path / "list.json").write_text(LIST)
    frames = tmp_path / "frames"
    command = ("venue", "check", str(venue), "--frames", str(frames), "--instruments", str(listed))
    frames.write_text("\n".join(FRAMES))
    said = run(*command).stdout
    assert "no answer with a book: none can begin" in said
    frames.write_text("\n".join((ASKED, *FRAMES)))
    done = run(*command, "--json")
    told = json_of(done)
    assert (done.returncode, told["left"], told["problems"]) == (0, [], [])
    assert {one["kind"]: one["frames"] for one in told["shapes"]}["answer"] == 1
    assert [one["frames"] for one in told["channels"]] == [3, 1]
    assert told["book"]["state"] == "LIVE"
    assert told["book"]["bids"] == [["67000.1", "0.42"], ["67000", "1.25"]]
    assert told["book"]["asks"] == [["67000.4", "0.22"], ["67000.9", "2"]]
