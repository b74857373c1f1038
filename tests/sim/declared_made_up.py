"""What the declared venues of the tests' own have in common; frames are those of ten real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from feedhandler.adapter.declared import (
    Answer,
    DeclaredVenue,
    Listing,
    Words,
)
from feedhandler.adapter.venue import ControlKind, Heartbeat, Limits, Speaker
from shm import Status

ACK, ENDED, REJECTED = ControlKind.ACK, ControlKind.UNSUBSCRIBED, ControlKind.REJECTED
PONG = Answer(ControlKind.PONG, '{"op":"pong"}')
SPOT = Listing(
    "/symbols",
    rows="data",
    fine={"code": "0"},
    symbol="symbol",
    base="base",
    quote="quote",
    tick="tick",
    lot="lot",
    status="status",
)


class MadeUp(DeclaredVenue):
    """What most of them have in common: keys in a list, answered together by the request's id."""

    ws_urls = {"public": "wss://made-up.invalid/ws"}
    rest_url = "https://made-up.invalid/api"
    heartbeat = Heartbeat(
        Speaker.CLIENT_JSON, 10.0, 30.0, '{"op":"ping","with":[]}', '{"op":"pong"}'
    )
    limits = Limits()
    default_instruments = ("BTC-USDT", "ETH-USDT")
    statuses = {"open": Status.ACTIVE, "closed": Status.HALTED, "over": Status.EXPIRED}
    listing: ClassVar[Listing | Sequence[Listing]] = SPOT
    words = Words(
        subscribe='{"op":"sub","id":$id,"keys":$keys}',
        unsubscribe='{"op":"unsub","id":$id,"keys":$keys}',
        answers=(
            PONG,
            Answer(ACK, '{"op":"sub","id":$id,"done":true}'),
            Answer(ENDED, '{"op":"unsub","id":$id,"done":true}'),
            Answer(REJECTED, '{"op":"sub","id":$id,"error":"$text","code":$code}'),
            Answer(ControlKind.NOTICE, '{"op":"restart"}', text="restart"),
        ),
    )
