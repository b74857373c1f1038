"""A venue of the tests' own: small limits, keys that say what they are."""

from collections.abc import Mapping, Sequence

import orjson

from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import (
    Base,
    Continuity,
    Control,
    ControlKind,
    Heartbeat,
    Limits,
    ListedInstrument,
    Speaker,
    Venue,
)
from feedhandler.venues.deribit import Deribit
from shm import InstrumentKind


class PaperVenue(Venue):
    """Keys are `channel:SYMBOL`, or `family:NAME`; family keys go to their own endpoint."""

    name = "paper"
    decoder = Deribit.decoder
    rule = Continuity.PREVIOUS
    base = Base.STREAM
    ws_urls: Mapping[str, str] = {"public": "ws://paper/ws", "family": "ws://paper/family"}
    rest_url = "http://paper"
    heartbeat = Heartbeat(Speaker.SERVER_FRAME, 20.0, 60.0)
    limits = Limits()
    default_instruments = ("A",)

    def __init__(self, limits: Limits | None = None, heartbeat: Heartbeat | None = None) -> None:
        self.limits = limits or Limits()
        self.heartbeat = heartbeat or self.heartbeat

    def endpoint(self, key: str) -> str:
        return "family" if key.startswith("family:") else "public"

    def keys(self, instrument: ListedInstrument, channels: Sequence[str]) -> list[str]:
        keys = [f"{channel}:{instrument.symbol}" for channel in channels]
        return [*keys, f"family:{instrument.family}"] if instrument.family else keys

    def key_symbols(self, key: str) -> tuple[str, str]:
        channel, _, symbol = key.partition(":")
        return channel, symbol

    def subscribe(self, keys: Sequence[str], request_id: int) -> str:
        return orjson.dumps({"id": request_id, "sub": list(keys)}).decode()

    def unsubscribe(self, keys: Sequence[str], request_id: int) -> str:
        return orjson.dumps({"id": request_id, "unsub": list(keys)}).decode()

    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        message = orjson.loads(frame)
        return [Control(ControlKind.ACK, tuple(asked.get(message["id"], ())))]

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        return [Request("/instruments")] if patterns else []

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        return [spec(symbol) for symbol in orjson.loads(body)]


def spec(symbol: str, family: str = "") -> ListedInstrument:
    """An instrument with nothing but a name."""
    kind = InstrumentKind.PERPETUAL
    return ListedInstrument(symbol, symbol, kind, base=symbol, quote="USD", family=family)
