"""The venues as a raw client meets them: enough of each protocol to see a fault."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from tests.sim.harness import DEADLINE, Levels, Sim, Socket, levels

Message = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """A book message: the sequence it must follow (None: a snapshot), and its own. `place`: the
    venue's number for it by which the truth is asked, where that is another one."""

    previous: int | None
    sequence: int
    bids: Levels
    asks: Levels
    place: int = 0

    @property
    def at(self) -> int:
        return self.place or self.sequence


class Deribit:
    name = "deribit"
    symbol, other = "BTC-PERPETUAL", "ETH-PERPETUAL"
    rest_time = "/api/v2/public/get_time"
    shutdown_notice: str | None = None
    in_stream = True  # snapshots come with the subscription
    own_ping: str | None = '{"id":1,"method":"public/test"}'  # beside WebSocket's

    def channel(self, symbol: str) -> str:
        return f"book.{symbol}.100ms"

    def subscribe(self, *channels: str, request_id: int = 7) -> Message:
        params = {"channels": list(channels)}
        return {"id": request_id, "method": "public/subscribe", "params": params}

    def question(self, request_id: int) -> Message:
        return {"id": request_id, "method": "public/hello", "params": {"client_name": "t"}}

    def is_answer(self, message: Message, request_id: int = 7) -> bool:
        return message.get("id") == request_id and "result" in message

    def is_refusal(self, message: Message, request_id: int = 7) -> bool:
        return message.get("id") == request_id and message.get("error", {}).get("code") == 10028

    def book(self, message: Message, symbol: str) -> Event | None:
        params = message.get("params", {})
        if params.get("channel") != self.channel(symbol):
            return None
        data = params["data"]
        bids, asks = (
            levels([row[1:] for row in data[side]]) for side in ("bids", "asks")
        )  # fmt: skip
        return Event(data.get("prev_change_id"), data["change_id"], bids, asks)

    def stamp(self, message: Message) -> int | None:
        found = message.get("params", {}).get("data", {}).get("timestamp")
        return None if found is None else int(found)

    async def snapshot(self, sim: Sim, symbol: str) -> Event:
        path = "/api/v2/public/get_order_book"
        found = (await sim.get(path, instrument_name=symbol, depth=10_000))["result"]
        return Event(None, found["change_id"], levels(found["bids"]), levels(found["asks"]))

    async def listed(self, sim: Sim) -> set[str]:
        found = await sim.get("/api/v2/public/get_instruments", currency="any")
        return {one["instrument_name"] for one in found["result"]}


class Okx:
    name = "okx"
    symbol, other = "BTC-USDT", "ETH-USDT"
    rest_time = "/api/v5/public/time"
    shutdown_notice: str | None = "64008"
    in_stream = True
    own_ping: str | None = "ping"

    def channel(self, symbol: str) -> str:
        return f"books:{symbol}"

    def subscribe(self, *channels: str, request_id: int = 7) -> Message:
        args = [dict(zip(("channel", "instId"), name.split(":"), strict=True)) for name in channels]
        return {"id": str(request_id), "op": "subscribe", "args": args}

    def question(self, request_id: int) -> Message:
        arg = {"channel": "books", "instId": "SOL-USDT"}
        return {"id": str(request_id), "op": "unsubscribe", "args": [arg]}

    def is_answer(self, message: Message, request_id: int = 7) -> bool:
        return message.get("id") == str(request_id) and message.get("event") != "error"

    def is_refusal(self, message: Message, request_id: int = 7) -> bool:
        return message.get("id") == str(request_id) and message.get("code") == "60014"

    def book(self, message: Message, symbol: str) -> Event | None:
        if "action" not in message or message["arg"]["instId"] != symbol:
            return None
        data = message["data"][0]
        previous = None if message["action"] == "snapshot" else data["prevSeqId"]
        return Event(previous, data["seqId"], levels(data["bids"]), levels(data["asks"]))

    def stamp(self, message: Message) -> int | None:
        return int(message["data"][0]["ts"]) if "data" in message else None

    async def snapshot(self, sim: Sim, symbol: str) -> Event:
        found = (await sim.get("/api/v5/market/books", instId=symbol, sz=400))["data"][0]
        return Event(None, found["seqId"], levels(found["bids"]), levels(found["asks"]))

    async def listed(self, sim: Sim) -> set[str]:
        names = set()
        for kind in ("SPOT", "SWAP", "FUTURES", "OPTION"):
            family = "&instFamily=BTC-USD" if kind == "OPTION" else ""
            found = await sim.get(f"/api/v5/public/instruments?instType={kind}{family}")
            names |= {one["instId"] for one in found["data"]}
        return names


class Binance:
    name = "binance"
    symbol, other = "BTCUSDT", "ETHUSDT"
    api = "/api/v3"
    most_levels = 5000
    shutdown_notice: str | None = "serverShutdown"
    in_stream = False
    own_ping: str | None = None

    @property
    def rest_time(self) -> str:
        return f"{self.api}/time"

    def channel(self, symbol: str) -> str:
        return f"{symbol.lower()}@depth@100ms"

    def subscribe(self, *channels: str, request_id: int = 7) -> Message:
        return {"id": request_id, "method": "SUBSCRIBE", "params": list(channels)}

    def question(self, request_id: int) -> Message:
        return {"id": request_id, "method": "LIST_SUBSCRIPTIONS"}

    def is_answer(self, message: Message, request_id: int = 7) -> bool:
        return message.get("id") == request_id and "result" in message

    def is_refusal(self, message: Message, request_id: int = 7) -> bool:
        return message.get("id") == request_id and message.get("code") == 2

    def book(self, message: Message, symbol: str) -> Event | None:
        if message.get("stream") != self.channel(symbol):
            return None
        data = message["data"]
        return Event(data["U"] - 1, data["u"], levels(data["b"]), levels(data["a"]))

    def stamp(self, message: Message) -> int | None:
        return int(message["data"]["E"]) if "data" in message else None

    async def snapshot(self, sim: Sim, symbol: str) -> Event:
        found = await sim.get(f"{self.api}/depth", symbol=symbol, limit=self.most_levels)
        return Event(None, found["lastUpdateId"], levels(found["bids"]), levels(found["asks"]))

    async def listed(self, sim: Sim) -> set[str]:
        found = await sim.get(f"{self.api}/exchangeInfo")
        return {one["symbol"] for one in found["symbols"]}


class BinanceUsdm(Binance):
    name = "binance-usdm"
    api = "/fapi/v1"
    most_levels = 1000
    shutdown_notice = None

    def book(self, message: Message, symbol: str) -> Event | None:
        if message.get("stream") != self.channel(symbol):
            return None
        data = message["data"]
        return Event(data["pu"], data["u"], levels(data["b"]), levels(data["a"]))


class BybitLinear:
    name = "bybit-linear"
    category = "linear"
    symbol, other = "BTCUSDT", "ETHUSDT"
    rest_time = "/v5/market/time"
    shutdown_notice: str | None = None
    in_stream = True
    own_ping: str | None = '{"op":"ping"}'

    def channel(self, symbol: str) -> str:
        return f"orderbook.200.{symbol}"

    def subscribe(self, *channels: str, request_id: int = 7) -> Message:
        return {"req_id": str(request_id), "op": "subscribe", "args": list(channels)}

    def question(self, request_id: int) -> Message:
        args = ["orderbook.200.SOLUSDT"]
        return {"req_id": str(request_id), "op": "unsubscribe", "args": args}

    def is_answer(self, message: Message, request_id: int = 7) -> bool:
        return message.get("req_id") == str(request_id) and message["success"] is True

    def is_refusal(self, message: Message, request_id: int = 7) -> bool:
        return message.get("req_id") == str(request_id) and message["success"] is False

    def book(self, message: Message, symbol: str) -> Event | None:
        if message.get("topic") != self.channel(symbol):
            return None
        data = message["data"]
        previous = None if message["type"] == "snapshot" else data["u"] - 1
        return Event(previous, data["u"], levels(data["b"]), levels(data["a"]), data["seq"])

    def stamp(self, message: Message) -> int | None:
        found = message.get("ts")
        return None if found is None else int(found)

    async def snapshot(self, sim: Sim, symbol: str) -> Event:
        path = "/v5/market/orderbook"
        answer = await sim.get(path, category=self.category, symbol=symbol, limit=200)
        found = answer["result"]
        return Event(None, found["u"], levels(found["b"]), levels(found["a"]), found["seq"])

    async def listed(self, sim: Sim) -> set[str]:
        path = "/v5/market/instruments-info"
        found = await sim.get(path, category=self.category, limit=1000)
        return {one["symbol"] for one in found["result"]["list"]}


class BybitSpot(BybitLinear):
    name = "bybit-spot"
    category = "spot"


Dialect = Deribit | Okx | Binance | BybitLinear
DERIBIT, OKX, BINANCE = Deribit(), Okx(), Binance()
DIALECTS: tuple[Dialect, ...] = (
    DERIBIT, OKX, BINANCE, BinanceUsdm(), BybitLinear(), BybitSpot(),
)  # fmt: skip
every_venue = pytest.mark.parametrize("speak", DIALECTS, ids=[one.name for one in DIALECTS])


class Follower:
    """One subscribed book on one socket, message by message."""

    def __init__(self, speak: Dialect, sim: Sim, socket: Socket, symbol: str = "") -> None:
        self.speak, self.sim, self.socket = speak, sim, socket
        self.symbol = symbol or speak.symbol
        self.last = self.place = 0

    async def subscribe(self) -> None:
        """Until the answer, and the snapshot where there is one in the stream."""
        speak = self.speak
        await self.socket.send(speak.subscribe(speak.channel(self.symbol)))
        await self.socket.until(speak.is_answer)
        if speak.in_stream:
            first = await self.event()
            self.last, self.place = first.sequence, first.at

    async def event(self) -> Event:
        """The next book message."""
        async with asyncio.timeout(DEADLINE):
            while True:
                found = self.speak.book(await self.socket.json(), self.symbol)
                if found is not None:
                    return found

    async def moved(self, updates: int = 60) -> list[Event]:
        """Move the market until this book has moved; all that is sent of it, up to the venue's own
        sequence."""
        target = self.place
        async with asyncio.timeout(DEADLINE):
            while target <= self.place:
                await self.sim.step(updates)
                target = (await self.sim.truth(self.symbol))[0]
        found: list[Event] = []
        while not found or found[-1].at < target:
            found.append(await self.event())
        self.last, self.place = found[-1].sequence, target
        return found

    async def quiet(self, request_id: int = 99) -> None:
        """Nothing but the answer comes after a question."""
        await self.socket.send(self.speak.question(request_id))
        message = await self.socket.json()
        assert self.speak.is_answer(message, request_id), message


def broken(events: list[Event], last: int | None = None) -> int:
    """How many of successive messages do not follow the one before."""
    count = 0
    for event in events:
        count += last is not None and event.previous != last
        last = event.sequence
    return count
