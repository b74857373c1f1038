"""Put-call parity and box spreads of coin-settled options, net of fees.

Units. A coin-settled (inverse) option on one coin with strike K dollars pays max(1 - K/S, 0) coins
as a call and max(K/S - 1, 0) as a put, S being the delivery price in dollars; its price is in
coins, too. An inverse future bought for N dollars at F pays N/F - N/S coins. All amounts below are
in coins, per coin of the options.

Parity. Call minus put pays 1 - K/S, whatever S is. So does 1 - K/F in coins together with a future
of the same expiry, bought for K dollars at F. Hence C - P = 1 - K/F, without any model, and
    conversion  sell C, buy P, buy the future for K dollars     earns  C - P - (1 - K/F)
    reversal    buy C, sell P, sell the future for K dollars    earns  (1 - K/F) - (C - P)
Box. The difference of two such pairs, strikes K < L, pays (L - K)/S coins: L - K dollars. With a
future for L - K dollars it is (L - K)/F coins:
    long box    buy C(K), sell P(K), sell C(L), buy P(L), buy the future    earns  (L - K)/F - paid
    short box   the opposite                                                earns  paid - (L - K)/F
Interest on coins and margin are taken as nothing; ask for an edge (`least`) that pays for them.

Deribit: https://support.deribit.com/hc/en-us/articles/25944688327069-Inverse-Options
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from fees import Fees

from shm import Instrument, OptionType

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Leg:
    """One order of a trade. `amount`: coins of an option, dollars of a future; `price`: a limit."""

    instrument: Instrument
    buy: bool
    price: float
    amount: float

    def __str__(self) -> str:
        unit = "coins" if self.instrument.option else "USD"
        verb = "buy" if self.buy else "sell"
        return f"{verb} {self.amount:.10g} {unit} of {self.instrument.symbol} at {self.price:.10g}"


@dataclass(frozen=True)
class Violation:
    """A trade that earns `edge` coins per coin of options after `fees`, for `size` coins."""

    kind: str
    strikes: tuple[float, ...]
    edge: float
    fees: float
    size: float
    legs: tuple[Leg, ...]

    @property
    def profit(self) -> float:
        """In coins, net of fees."""
        return self.edge * self.size


@dataclass(frozen=True)
class Strip:
    """Options of one expiry that have both sides of call and put, by strike; sizes in coins."""

    strikes: Floats
    calls: list[Instrument]
    puts: list[Instrument]
    call_bid: Floats
    call_ask: Floats
    put_bid: Floats
    put_ask: Floats
    sizes: dict[str, Floats]  #: by those four names

    @classmethod
    def of(cls, rows: npt.NDArray[np.void], instruments: dict[int, Instrument]) -> Strip:
        """From rows of a board, those that are to be believed only."""
        sides: dict[int, dict[float, np.void]] = {OptionType.CALL: {}, OptionType.PUT: {}}
        for row in rows:
            if row["bid"] > 0 and row["ask"] > 0:  # not NaN
                sides[int(row["option"])][float(row["strike"])] = row
        calls, puts = sides[OptionType.CALL], sides[OptionType.PUT]
        strikes = sorted(set(calls) & set(puts))

        def column(side: dict[float, np.void], name: str) -> Floats:
            return np.array([side[strike][name] for strike in strikes], dtype=np.float64)

        def coins(side: dict[float, np.void], name: str) -> Floats:
            contracts = [instruments[int(side[k]["instrument"])].contract_size for k in strikes]
            return column(side, name) * np.array(contracts, dtype=np.float64)

        return cls(
            strikes=np.array(strikes, dtype=np.float64),
            calls=[instruments[int(calls[strike]["instrument"])] for strike in strikes],
            puts=[instruments[int(puts[strike]["instrument"])] for strike in strikes],
            call_bid=column(calls, "bid"),
            call_ask=column(calls, "ask"),
            put_bid=column(puts, "bid"),
            put_ask=column(puts, "ask"),
            sizes={
                f"{name}_{side}": coins(rows_, f"{side}_size")
                for name, rows_ in (("call", calls), ("put", puts))
                for side in ("bid", "ask")
            },
        )


@dataclass(frozen=True)
class Hedge:
    """The inverse future of the same expiry: (price, dollars) of its levels, best first."""

    instrument: Instrument
    bids: Floats
    asks: Floats

    def fill(self, buy: bool, dollars: float) -> tuple[float, float]:
        """(average, last price) of taking so many dollars; NaN if that many are not there.

        The average is that of coins: dollars by the sum of each level's dollars by its price.
        """
        levels = self.asks if buy else self.bids
        taken = np.diff(np.minimum(np.cumsum(levels[:, 1]), dollars), prepend=0.0)
        if not len(levels) or taken.sum() < dollars * (1 - 1e-12):
            return float("nan"), float("nan")
        used = taken > 0
        return dollars / float((taken / levels[:, 0]).sum()), float(levels[used][-1, 0])


def violations(strip: Strip, hedge: Hedge, fees: Fees, least: float) -> list[Violation]:
    """Every conversion, reversal and box that earns more than `least` per coin, best first."""
    found = [*_parity(strip, hedge, fees, least), *_boxes(strip, hedge, fees, least)]
    return sorted(found, key=lambda each: -each.profit)


def _fee(fees: Fees, *prices: Floats) -> Floats:
    """Of trading one coin of each of these options."""
    return np.asarray(sum(np.minimum(fees.option, fees.option_cap * price) for price in prices))


def _parity(strip: Strip, hedge: Hedge, fees: Fees, least: float) -> list[Violation]:
    found = []
    for kind, buy in (("conversion", True), ("reversal", False)):
        names = ("call_bid", "put_ask") if buy else ("call_ask", "put_bid")
        call, put = getattr(strip, names[0]), getattr(strip, names[1])
        # At delivery one of the two options is in the money.
        fixed = _fee(fees, call, put) + fees.option_delivery
        received = call - put if buy else put - call
        for n, strike in enumerate(strip.strikes):
            trade = _Trade(
                kind=kind,
                strikes=(float(strike),),
                received=float(received[n]),
                fees=float(fixed[n]),
                dollars=float(strike),
                offset=1.0,
                buy=buy,
                size=min(float(strip.sizes[name][n]) for name in names),
                options=(
                    (strip.calls[n], not buy, float(call[n])),
                    (strip.puts[n], buy, float(put[n])),
                ),
            )
            found += trade.best(hedge, fees, least)
    return found


def _boxes(strip: Strip, hedge: Hedge, fees: Fees, least: float) -> list[Violation]:
    found = []
    low, high = np.triu_indices(len(strip.strikes), 1)
    width = strip.strikes[high] - strip.strikes[low]
    for kind, long in (("long box", True), ("short box", False)):
        levels = hedge.asks if long else hedge.bids
        if not len(levels):
            continue
        # A long box buys the pair of the lower strike and sells that of the higher.
        b, s = (low, high) if long else (high, low)
        prices = (strip.call_ask[b], strip.put_bid[b], strip.call_bid[s], strip.put_ask[s])
        received = prices[1] - prices[0] + prices[2] - prices[3]
        # At delivery two of the four options are in the money.
        fixed = _fee(fees, *prices) + 2 * fees.option_delivery
        ratio = width / levels[0, 0]
        hopeful = received + (ratio if long else -ratio) - fixed > least  # most of them are not
        for n in np.flatnonzero(hopeful):
            bought, sold = int(b[n]), int(s[n])
            trade = _Trade(
                kind=kind,
                strikes=(float(strip.strikes[low[n]]), float(strip.strikes[high[n]])),
                received=float(received[n]),
                fees=float(fixed[n]),
                dollars=float(width[n]),
                offset=0.0,
                buy=long,
                size=min(
                    float(strip.sizes["call_ask"][bought]), float(strip.sizes["put_bid"][bought]),
                    float(strip.sizes["call_bid"][sold]), float(strip.sizes["put_ask"][sold]),
                ),
                options=(
                    (strip.calls[bought], True, float(prices[0][n])),
                    (strip.puts[bought], False, float(prices[1][n])),
                    (strip.calls[sold], False, float(prices[2][n])),
                    (strip.puts[sold], True, float(prices[3][n])),
                ),
            )  # fmt: skip
            found += trade.best(hedge, fees, least)
    return found


@dataclass(frozen=True)
class _Trade:
    """Options that together pay a fixed number of dollars by the delivery price, and their hedge.

    Per coin: `received` is what they bring now, `fees` what they cost whatever the future does,
    `dollars` the future's amount, and `offset` the coins that are paid at delivery besides.
    """

    kind: str
    strikes: tuple[float, ...]
    received: float
    fees: float
    dollars: float
    offset: float
    buy: bool
    size: float
    options: tuple[tuple[Instrument, bool, float], ...]

    def best(self, hedge: Hedge, fees: Fees, least: float) -> list[Violation]:
        """The size that earns most: up to one that uses up some level of the future."""
        levels = hedge.asks if self.buy else hedge.bids
        if not len(levels) or self._edge(float(levels[0, 0]), fees) <= least:
            return []
        reach = np.cumsum(levels[:, 1]) / self.dollars
        sizes = {self._whole(min(self.size, float(coins))) for coins in reach}
        found = [self._at(size, hedge, fees) for size in sizes if size > 0]
        found = [each for each in found if each.edge > least]
        return [max(found, key=lambda each: each.profit)] if found else []

    def _edge(self, future: float, fees: Fees) -> float:
        """Coins per coin, net, with the future at a price."""
        ratio = self.dollars / future
        gross = ratio - self.offset if self.buy else self.offset - ratio
        return self.received + gross - self.fees - (fees.future + fees.future_delivery) * ratio

    def _at(self, size: float, hedge: Hedge, fees: Fees) -> Violation:
        average, last = hedge.fill(self.buy, self.dollars * size)
        lot = hedge.instrument.lot * hedge.instrument.contract_size
        amount = round(self.dollars * size / lot) * lot  # to the nearest contract
        legs = [Leg(one, buy, price, size) for one, buy, price in self.options]
        legs.append(Leg(hedge.instrument, self.buy, last, amount))
        cost = self.fees + (fees.future + fees.future_delivery) * self.dollars / average
        return Violation(
            self.kind, self.strikes, self._edge(average, fees), cost, size, tuple(legs)
        )

    def _whole(self, size: float) -> float:
        """Down to whole lots of the options, without the noise of binary fractions."""
        lot = max(one.lot * one.contract_size for one, *_ in self.options)
        return round(int(size / lot + 1e-9) * lot, 12) if lot > 0 else size
