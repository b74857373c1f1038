from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from yarl import URL

from feedhandler.sim.market.book import ASK, BID, Change
from feedhandler.sim.market.book import Book as Held
from feedhandler.sim.venues.declared.stream import crossed
from tests.sim.harness import Levels, Sim, Socket, levels, venue

SYMBOL = "BTCUSDT"
LINEAR, SPOT = "bybit-linear", "bybit-spot"
both = pytest.mark.parametrize("name", [LINEAR, SPOT])


class Book:
    """The venue's rule: a snapshot, then every number is one more than the last; 1 is a snapshot
    after a restart of the service."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.number = self.sequence = self.restarts = 0

    def feed(self, message: dict[str, Any]) -> None:
        assert message["topic"] == self.topic
        data = message["data"]
        assert data["s"] == self.topic.rpartition(".")[2]
        if message["type"] == "snapshot":
            self.bids, self.asks = {}, {}
            self.restarts += data["u"] == 1
        else:
            assert data["u"] == self.number + 1
        assert data["seq"] >= self.sequence
        self.number, self.sequence = data["u"], data["seq"]
        for side, rows in ((self.bids, data["b"]), (self.asks, data["a"])):
            for price, size in levels(rows).items():
                if size:
                    side[price] = size
                else:
                    del side[price]


def best(rows: Levels, count: int, *, descending: bool) -> Levels:
    return {price: rows[price] for price in sorted(rows, reverse=descending)[:count]}


async def agrees(sim: Sim, book: Book, count: int) -> None:
    _, bids, asks = await sim.truth(book.topic.rpartition(".")[2], book.sequence)
    assert book.bids == best(bids, count, descending=True)
    assert book.asks == best(asks, count, descending=False)


async def call(socket: Socket, op: str, *args: str, **more: Any) -> dict[str, Any]:
    await socket.send({"op": op, "args": list(args), "req_id": "3", **more})
    return await socket.until(lambda message: message.get("req_id") == "3")


async def heard(socket: Socket, topic: str) -> dict[str, Any]:
    return await socket.until(lambda message: message.get("topic") == topic)


@both
@pytest.mark.parametrize("count", [1, 50, 200])
def test_a_window_is_the_best_of_the_book_at_every_message(name: str, count: int) -> None:
    async def main() -> None:
        topic = f"orderbook.{count}.{SYMBOL}"
        # The book is deeper than the smaller windows: levels leave and enter at their ends.
        async with venue(name, depth=120, paused=False) as sim, sim.socket() as socket:
            assert (await call(socket, "subscribe", topic))["success"] is True
            book = Book(topic)
            for _ in range(12):
                book.feed(await heard(socket, topic))
                await agrees(sim, book, count)
                assert max(book.bids) < min(book.asks)

    asyncio.run(main())


def test_the_best_level_is_sent_again_whole_when_nothing_moves() -> None:
    async def main() -> None:
        topic = f"orderbook.1.{SYMBOL}"
        async with venue(SPOT) as sim, sim.socket() as socket:
            await call(socket, "subscribe", topic)
            first = await heard(socket, topic)
            again = await heard(socket, topic)
            assert (first["type"], again["type"]) == ("snapshot", "snapshot")
            assert again["data"] == first["data"]

    asyncio.run(main())


@both
def test_numbers_begin_anew_with_a_snapshot(name: str) -> None:
    async def main() -> None:
        topics = [f"orderbook.50.{SYMBOL}", "orderbook.50.ETHUSDT"]
        async with venue(name) as sim, sim.socket() as socket:
            await call(socket, "subscribe", *topics)
            books = {topic: Book(topic) for topic in topics}
            for _ in topics:
                message = await socket.json()
                books[message["topic"]].feed(message)
            number = await sim.fault("renumber", symbol=SYMBOL)
            books[topics[0]].feed(await heard(socket, topics[0]))
            assert books[topics[0]].restarts == 1
            await sim.step(100)
            books[topics[0]].feed(await heard(socket, topics[0]))
            assert books[topics[0]].number == 2
            await agrees(sim, books[topics[0]], 50)
            assert (await sim.told(number))["hits"] == 1
            number = await sim.fault("renumber")
            for topic in topics:
                while not books[topic].restarts or books[topic].number > 1:
                    message = await socket.json()
                    books[message["topic"]].feed(message)
            assert [book.restarts for book in books.values()] == [2, 1]
            assert (await sim.told(number))["hits"] == 2

    asyncio.run(main())


def test_a_crossed_book_is_crossed_though_the_price_has_just_come_down() -> None:
    """The level that crosses may be one that the same message removes."""
    book = Held(1)
    book.keys[ASK].append(-7)
    book.lots[ASK][-7] = 1
    gone, other = Change(BID, 9, 5, 0), Change(BID, 6, 0, 4)
    wrong = Change(BID, 9, 0, 1)
    assert crossed(book, [gone, other], instead=False) == [wrong, other]
    # Where each change is a message with a number, there are as many as there were.
    assert crossed(book, [gone, other], instead=True) == [wrong, other]
    assert crossed(book, [other, other], instead=True) == [wrong, other]
    assert crossed(book, [other], instead=False) == [wrong, other]


def test_linear_tickers_are_whole_once_and_then_what_has_changed() -> None:
    async def main() -> None:
        topic = f"tickers.{SYMBOL}"
        async with venue(LINEAR) as sim, sim.socket() as socket, sim.socket() as other:
            await call(socket, "subscribe", topic)
            first = await heard(socket, topic)
            assert list(first) == ["topic", "type", "data", "cs", "ts"]
            assert first["type"] == "snapshot"
            fields = dict(first["data"])
            assert {"markPrice", "indexPrice", "fundingRate", "openInterest"} <= set(fields)
            for _ in range(5):
                await sim.step(50)
                message = await heard(socket, topic)
                assert message["type"] == "delta"
                data = message["data"]
                assert data.pop("symbol") == SYMBOL
                assert data
                assert all(fields[key] != text for key, text in data.items())
                fields |= data
                _, bids, asks = await sim.truth(SYMBOL, message["cs"])
                assert Decimal(fields["bid1Price"]) == max(bids)
                assert Decimal(fields["ask1Price"]) == min(asks)
                assert Decimal(fields["ask1Size"]) == asks[min(asks)]
            await call(other, "subscribe", topic)
            assert (await heard(other, topic))["data"] == fields
            # Left by everybody and come back to: as it is by then.
            for one in (socket, other):
                assert (await call(one, "unsubscribe", topic))["success"] is True
            await sim.step(500)
            await call(other, "subscribe", topic)
            _, bids, _ = await sim.truth(SYMBOL)
            assert Decimal((await heard(other, topic))["data"]["bid1Price"]) == max(bids)

    asyncio.run(main())


def test_tickers_of_dated_futures_and_of_spot() -> None:
    async def main() -> None:
        async with venue(LINEAR) as sim, sim.socket() as socket:
            symbol = next(s for s in sim.server.market.instruments if s.startswith("BTCUSDT-"))
            await call(socket, "subscribe", f"tickers.{symbol}")
            data = (await heard(socket, f"tickers.{symbol}"))["data"]
            assert data["fundingRate"] == ""
            assert "nextFundingTime" not in data
            assert float(data["markPrice"]) > float(data["indexPrice"]) > 0
        async with venue(SPOT) as sim, sim.socket() as socket:
            topic = f"tickers.{SYMBOL}"
            await call(socket, "subscribe", topic)
            keys = list((await heard(socket, topic))["data"])
            await sim.step(300)
            again = await heard(socket, topic)
            assert (again["type"], list(again["data"])) == ("snapshot", keys)
            assert list(again) == ["topic", "ts", "type", "cs", "data"]

    asyncio.run(main())


def test_liquidations_are_of_the_position_that_trades_closed() -> None:
    async def main() -> None:
        topics = [f"publicTrade.{SYMBOL}", f"allLiquidation.{SYMBOL}"]
        async with venue(LINEAR) as sim, sim.socket() as socket:
            await call(socket, "subscribe", *topics)
            await sim.step(3000)
            trades: set[tuple[str, str]] = set()
            rows: list[dict[str, str]] = []
            while not rows:
                message = await socket.json()
                if message["topic"] == topics[1]:
                    rows = message["data"]
                else:
                    trades |= {(one["v"], one["S"]) for one in message["data"]}
            for one in rows:
                assert list(one) == ["T", "s", "S", "v", "p"]
                # The order that closes a long sells: the side said is the position's.
                assert (one["v"], {"Buy": "Sell", "Sell": "Buy"}[one["S"]]) in trades
                assert one["s"] == SYMBOL

    asyncio.run(main())


def test_shapes_of_books_and_trades() -> None:
    async def main() -> None:
        for name, head, trade in (
            (LINEAR, "topic type ts data", "T s S v p L i BT RPI seq"),
            (SPOT, "topic ts type data", "i T p v S seq s BT RPI"),
        ):
            async with venue(name) as sim, sim.socket() as socket:
                book, trades = f"orderbook.50.{SYMBOL}", f"publicTrade.{SYMBOL}"
                await call(socket, "subscribe", book, trades)
                message = await heard(socket, book)
                assert " ".join(message) == head + " cts"
                assert list(message["data"]) == ["s", "b", "a", "u", "seq"]
                await sim.step(500)
                message = await heard(socket, trades)
                assert " ".join(message) == head
                assert " ".join(message["data"][0]) == trade

    asyncio.run(main())


def test_answers() -> None:
    async def main() -> None:
        async with venue(LINEAR) as sim, sim.socket() as socket:
            await socket.send({"op": "subscribe", "args": ["publicTrade.BTCUSDT"]})
            answer = await socket.json()
            name = answer.pop("conn_id")
            expected = {"success": True, "ret_msg": "", "req_id": "", "op": "subscribe"}
            assert answer == expected
            await socket.send({"op": "ping"})
            expected |= {"ret_msg": "pong", "conn_id": name, "op": "ping"}
            assert await socket.json() == expected
            unknown, taken = "handler not found,topic:", "already subscribed,topic:"
            for args, text in (
                (["publicTrade.ETHUSDT", "publicTrade.NOPE"], unknown + "publicTrade.NOPE"),
                (["orderbook.25.BTCUSDT"], unknown + "orderbook.25.BTCUSDT"),
                (["publicTrade.BTCUSDT"], taken + "publicTrade.BTCUSDT"),
                (["x" * 21_000], "args longer than 21000 characters"),
                ([], "invalid args"),
            ):  # fmt: skip
                answer = await call(socket, "subscribe", *args)
                assert (answer["success"], answer["ret_msg"]) == (False, "error:" + text)
            # One bad topic spoils the whole request.
            assert (await sim.get("/sim/stats"))["subscriptions"] == 1
            assert (await call(socket, "shout"))["ret_msg"] == "error:invalid op"
            await socket.raw.send_str("hello")
            assert "decode" in (await socket.json())["ret_msg"]

    asyncio.run(main())


def test_spot_takes_ten_arguments_a_request() -> None:
    async def main() -> None:
        async with venue(SPOT) as sim, sim.socket() as socket:
            topics = [f"publicTrade.{symbol}" for symbol in sim.server.market.instruments]
            answer = await call(socket, "subscribe", *topics[:11])
            assert (answer["success"], answer["ret_msg"]) == (False, "args size >10")
            answer = await call(socket, "subscribe", *topics[:10])
            assert (answer["success"], answer["ret_msg"]) == (True, "subscribe")
            await socket.send({"op": "ping"})
            answer = await socket.json()
            assert "req_id" not in answer
            assert (answer["ret_msg"], answer["op"]) == ("pong", "ping")

    asyncio.run(main())


def test_idle_connections_are_cut() -> None:
    async def main() -> None:
        async with venue(LINEAR, idle_timeout=0.05) as sim:
            async with sim.socket() as socket:
                assert await socket.closed() == 1006
            async with sim.socket() as socket:
                await call(socket, "subscribe", f"publicTrade.{SYMBOL}")
                assert await socket.closed() == 1006

    asyncio.run(main())


def test_instruments_come_in_pages() -> None:
    async def main() -> None:
        path = "/v5/market/instruments-info"
        async with venue(LINEAR, instruments=1200) as sim:
            found: list[str] = []
            address = f"{sim.base}{path}?category=linear&limit=500"
            pages, cursor = 0, ""
            while pages == 0 or cursor:
                # A cursor comes as it is to stand in the URL.
                url = URL(address + f"&cursor={cursor}" * bool(cursor), encoded=True)
                async with sim.session.get(url) as raw:
                    answer = await raw.json()
                assert answer["retCode"] == 0
                found += [one["symbol"] for one in answer["result"]["list"]]
                cursor, pages = answer["result"]["nextPageCursor"], pages + 1
            assert (pages, len(found), len(set(found))) == (3, 1200, 1200)
            assert len(sim.server.market.made) == 0
            assert len((await sim.get(path, category="linear"))["result"]["list"]) == 500
            wrong = await sim.get(path, category="linear", cursor="nonsense")
            assert (wrong["retCode"], wrong["result"]) == (10001, {})

    asyncio.run(main())


def test_instruments_of_both_products() -> None:
    async def main() -> None:
        path = "/v5/market/instruments-info"
        async with venue(LINEAR) as sim:
            rows = (await sim.get(path, category="linear"))["result"]["list"]
            one = next(row for row in rows if row["symbol"] == SYMBOL)
            assert (one["contractType"], one["deliveryTime"]) == ("LinearPerpetual", "0")
            assert (one["priceFilter"]["tickSize"], one["lotSizeFilter"]["qtyStep"]) == (
                "0.10", "0.001",
            )  # fmt: skip
            dated = next(row for row in rows if row["contractType"] == "LinearFutures")
            assert int(dated["deliveryTime"]) > sim.server.start_ms
            # All categories are asked for at one address: this one has nothing of the others.
            assert (await sim.get(path, category="spot"))["result"]["list"] == []
            assert (await sim.get(path, category="tea"))["retCode"] == 10001
        async with venue(SPOT, instruments=700) as sim:
            found = (await sim.get(path, category="spot", limit=10))["result"]
            assert len(found["list"]) == 700
            assert "nextPageCursor" not in found
            assert found["list"][0]["lotSizeFilter"]["basePrecision"] == "0.000001"

    asyncio.run(main())


@both
def test_books_by_rest(name: str) -> None:
    async def main() -> None:
        path, category = "/v5/market/orderbook", name.partition("-")[2]
        async with venue(name, depth=120) as sim:
            await sim.step(50)
            sequence, bids, asks = await sim.truth(SYMBOL)
            found = (await sim.get(path, category=category, symbol=SYMBOL, limit=50))["result"]
            assert list(found) == ["s", "b", "a", "ts", "u", "seq", "cts"]
            assert found["seq"] == sequence
            assert levels(found["b"]) == best(bids, 50, descending=True)
            assert levels(found["a"]) == best(asks, 50, descending=False)
            found = (await sim.get(path, category=category, symbol=SYMBOL))["result"]
            assert len(found["b"]) == (25 if category == "linear" else 1)
            for symbol, limit, text in (
                ("NOPE", 1, "Symbol Is Invalid"), (SYMBOL, 501, "limit"),
            ):  # fmt: skip
                wrong = await sim.get(path, category=category, symbol=symbol, limit=limit)
                assert (wrong["retCode"], wrong["retMsg"]) == (10001, f"params error: {text}")
            assert int((await sim.get("/v5/market/time"))["result"]["timeNano"]) > 0

    asyncio.run(main())


def test_six_hundred_requests_in_five_seconds() -> None:
    async def main() -> None:
        async with venue(SPOT) as sim:
            for _ in range(600):
                await sim.get("/v5/market/time")
            async with sim.session.get(sim.base + "/v5/market/time") as answer:
                assert answer.status == 403
                assert "too frequent" in await answer.text()

    asyncio.run(main())
