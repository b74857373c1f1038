"""What a contract of each venue is, read from its own list by its documentation, in decimals:
against what `feed.coins` and `feed.notional` make of the directory."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

import shm
from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.venue import ListedInstrument, Venue
from feedhandler.instruments.universe import add_instrument
from feedhandler.sim.runner import SimEndpoint
from shm import InstrumentKind, segment
from tests.kit.recordings import recorded
from tests.venues.test_odd_answers import fetched, lists, rows_of

SIZE, PRICES = Decimal(37), (Decimal("0.0375"), Decimal("61234.5"))


class Contract(NamedTuple):
    """A size of 1 is `amount` of: base | quote | rate (settlement for each unit of the price).
    `coin`: it is priced in base currency."""

    amount: Decimal
    of: str = "base"
    coin: bool = False


Row = dict[str, Any]
ONE = Contract(Decimal(1))


def number(row: Row, field: str) -> Decimal:
    return Decimal(str(row[field]))


def _deribit(row: Row) -> Contract:
    """docs.deribit.com: amounts are dollars of inverse futures, coins of options and the linear."""
    reversed_ = row.get("instrument_type") == "reversed"
    if row["kind"] == "future" and reversed_:
        return Contract(Decimal(1), "quote")
    return Contract(Decimal(1), coin=row["kind"] == "option" and reversed_)


def _okx(row: Row) -> Contract:
    """ctVal * ctMult of ctValCcy; options on coin are priced in it."""
    if row["instType"] == "SPOT":
        return ONE
    base = row["instId"].split("-")[0]
    amount = number(row, "ctVal") * number(row, "ctMult")
    of = "base" if row["ctValCcy"] == base else "quote"
    return Contract(amount, of, row["instType"] == "OPTION" and row["settleCcy"] == base)


def _bitmex(row: Row) -> Contract:
    """bitmex.com/app/contract: the multiplier is in parts of the settlement currency."""
    if row.get("isInverse"):
        parts = number(row, "underlyingToSettleMultiplier")
        return Contract(abs(number(row, "multiplier") / parts), "quote")
    if row.get("isQuanto"):
        smallest = {"XBt": 10**8, "USDt": 10**6, "Gwei": 10**9}[row["settlCurrency"]]
        return Contract(number(row, "multiplier") / smallest, "rate")
    return Contract(1 / Decimal(str(row.get("underlyingToPositionMultiplier") or 1)))


def _kraken_futures(row: Row) -> Contract:
    of = "quote" if row["type"] == "futures_inverse" else "base"
    return Contract(number(row, "contractSize"), of)


def _kucoin_futures(row: Row) -> Contract:
    """A multiplier below 0 is that of an inverse contract: dollars."""
    its = number(row, "multiplier")
    return Contract(abs(its), "quote" if row["isInverse"] else "base")


def _coinm(row: Row) -> Contract:
    return Contract(number(row, "contractSize"), "quote")


def _binance_options(row: Row) -> Contract:
    """Prices are of a contract of `unit` coins: of 100 XRP at 1.96 a put of 2.05 was at 19.03."""
    return ONE if number(row, "unit") == 1 else Contract(Decimal(1), "rate")


def _htx_swap(row: Row) -> Contract:
    """contract_size: of USDT-margined coins, of coin-margined dollars."""
    usdt = str(row.get("contract_code", "")).partition("_")[0].endswith(("USDT", "USDC"))
    return Contract(number(row, "contract_size"), "base" if usdt else "quote")


def _spot(_: Row) -> Contract:
    return ONE


#: what has contracts, by venue; of the others a size is one of base currency
CONTRACTS: dict[str, Callable[[Row], Contract]] = {
    "deribit": _deribit,
    "coinbase-derivatives": _deribit,
    "okx": _okx,
    "bitmex": _bitmex,
    "kraken-futures": _kraken_futures,
    "kucoin-futures": _kucoin_futures,
    "gate-futures": lambda row: Contract(number(row, "quanto_multiplier")),
    "binance-coinm": _coinm,
    "binance-options": _binance_options,
    "bybit-inverse": lambda _: Contract(Decimal(1), "quote"),
    "htx-swap": _htx_swap,
}
RECORDED = [
    ("deribit", "deribit/samples/nautilus/http_get_instruments.json", 3),
    ("okx", "okx/samples/nautilus/http_get_instruments_swap.json", 2),
    ("okx", "okx/samples/nautilus/http_get_instruments_futures.json", 2),
    ("okx", "okx/samples/nautilus/http_get_instruments_option.json", 2),
    ("bybit-linear", "bybit/samples/nautilus/http_get_instruments_linear.json", 1),
    ("kraken-futures", "kraken_futures/samples/nautilus/http_futures_instruments.json", 2),
]


def worth(contract: Contract, size: Decimal, price: Decimal) -> tuple[Decimal | None, ...]:
    """In coins, in the currency of settlement, in that of quotes."""
    amount = contract.amount * size
    if contract.of == "rate":
        return None, amount * price, None
    if contract.of == "quote":
        return amount / price, amount / price, amount
    return amount, amount * price, None if contract.coin else amount * price


def assert_worth(feed: shm.Feed, spec: ListedInstrument, contract: Contract) -> None:
    for price in PRICES:
        found = (
            feed.coins(spec.symbol, float(SIZE), float(price)),
            feed.notional(spec.symbol, float(SIZE), float(price)),
            feed.notional(spec.symbol, float(SIZE), float(price), "quote"),
        )
        for one, exact in zip(found, worth(contract, SIZE, price), strict=True):
            said = f"{spec.symbol}: {found}, of {contract}"
            assert math.isnan(one) if exact is None else math.isclose(one, exact, rel_tol=1e-12), (
                said
            )
    its = feed.instrument(spec.symbol)
    if contract.of == "quote" or contract.coin:
        assert its.settle == its.base, spec.symbol
    elif contract.of == "base" and its.kind is not InstrumentKind.SPOT:
        assert its.settle != its.base, spec.symbol


def checked(venue: Venue, document: Any, namespace: str) -> int:
    """How many instruments of a list are worth what the row says."""
    listed = venue.parse_instruments(json.dumps(document).encode())
    specs = {spec.symbol.lower(): spec for spec in listed}
    meaning = CONTRACTS.get(venue.name, _spot)
    count = 0
    with segment.create(venue.name, namespace=namespace, instruments=len(specs) + 1) as held:
        engine = make_engine(venue, held.writer)
        for spec in specs.values():
            add_instrument(engine, spec)
        held.writer.heartbeat()
        with shm.attach(venue.name, namespace=namespace) as feed:
            for row in [document] if "symbol" in document else rows_of(venue, document):
                values = row.values() if isinstance(row, dict) else [row, *row]
                symbols = (str(one).lower() for one in values)
                its = next((specs[one] for one in symbols if one in specs), None)
                if its is None or its.kind is InstrumentKind.COMBO:
                    continue
                assert_worth(feed, its, meaning(row))
                count += 1
    return count


def singles(venue: Venue, endpoint: SimEndpoint) -> list[Any]:
    """Of a venue whose list has names, and which is asked for each."""
    asked = venue.instrument_requests(venue.default_instruments)
    return [
        json.loads(fetched(endpoint, venue, more))
        for request in asked
        for more in venue.follow_up(
            venue.default_instruments, request, fetched(endpoint, venue, request)
        )
    ]


@pytest.mark.parametrize("name", venues.names())
def test_a_venue_of_the_simulator(name: str, sims: dict[str, SimEndpoint], namespace: str) -> None:
    venue = venues.load(name)
    documents = lists(venue, sims[name]) or singles(venue, sims[name])
    assert sum(checked(venue, one, namespace) for one in documents)


@pytest.mark.parametrize(("name", "path", "least"), RECORDED)
def test_a_list_that_a_venue_sent(name: str, path: str, least: int, namespace: str) -> None:
    document = json.loads(recorded(path).read_text())
    assert checked(venues.load(name), document, namespace) >= least


@pytest.mark.parametrize("currency", ["XBt", "USDt"])
def test_a_quanto_of_bitmex(currency: str, namespace: str) -> None:
    """ETHUSD: 100 satoshi for each dollar of the price."""
    row = {
        "symbol": "ETHUSD", "state": "Open", "typ": "FFWCSX", "underlying": "ETH",
        "quoteCurrency": "USD", "settlCurrency": currency, "multiplier": 100, "isQuanto": True,
        "isInverse": False, "tickSize": 0.05, "lotSize": 1, "expiry": None,
    }  # fmt: skip
    assert checked(venues.load("bitmex"), [row], namespace) == 1
