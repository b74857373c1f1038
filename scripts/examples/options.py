"""A multi-leg options strategy: put-call parity and boxes, net of fees, over one instant's quotes.

    python scripts/examples/options.py deribit BTC --expiry 2026-12-25
    python scripts/examples/options.py deribit BTC --iv 0.45:0.55 \\
        --position BTC-25DEC26-90000-C=25 --max-delta 2

Reads all options of an expiry and the future that expires with them as of one instant, looks for
trades that earn more than --edge after fees (parity.py has the formulas and units, fees.py the
fees), and before each would-be trade asks the feed whether all its legs are LIVE and young. It also
says when the volatility at the money leaves a band, and how to hedge a position whose delta has
grown too large. It prints what it would do, and sends nothing. Ends with Ctrl-C or after --seconds.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from fees import FEES, Fees
from parity import Hedge, Leg, Strip, Violation, violations

import shm


@dataclass(frozen=True)
class Expiry:
    """What is read together: an expiry's options, the future that ends with them, the perpetual."""

    options: list[shm.Instrument]
    future: shm.Instrument
    perpetual: shm.Instrument

    @classmethod
    def of(cls, feed: shm.Feed, underlying: str, day: str | None) -> Expiry:
        """Of a day; None: the nearest that has a future. Raises UnknownInstrument."""
        futures = {
            one.expiry_ns for one in feed.instruments() if one.kind == shm.InstrumentKind.FUTURE
        }
        coming = [at for at in feed.expiries(underlying) if at in futures]
        if day is None and not coming:
            raise shm.UnknownInstrument(f"no expiry of {underlying} has a future to hedge with")
        chain = feed.chain(underlying, day or coming[0])
        options = [chain.instrument(row) for row in chain["instrument"]]
        if options[0].contract_type != shm.ContractType.INVERSE:
            raise shm.UnknownInstrument(f"{options[0].symbol} is not settled in coin")
        return cls(
            options,
            _like(feed, options[0], shm.InstrumentKind.FUTURE, options[0].expiry_ns),
            _like(feed, options[0], shm.InstrumentKind.PERPETUAL, 0),
        )


def _like(
    feed: shm.Feed, option: shm.Instrument, kind: shm.InstrumentKind, expiry_ns: int
) -> shm.Instrument:
    """The instrument of a kind on the same coin, in the same currencies."""
    for one in feed.instruments():
        same = (one.base, one.quote, one.settle) == (option.base, option.quote, option.settle)
        if same and one.kind == kind and one.expiry_ns == expiry_ns:
            return one
    raise shm.UnknownInstrument(f"{feed.venue} has no {kind.name} to go with {option.symbol}")


class Strategy:
    """Looks at an expiry; remembers what it has said, so that it says it once."""

    def __init__(self, feed: shm.Feed, options: argparse.Namespace, fees: Fees) -> None:
        self.feed, self.options, self.fees = feed, options, fees
        self.expiry = Expiry.of(feed, options.underlying, options.expiry)
        self.instruments = {one.id: one for one in self.expiry.options}
        self.max_age_ns = round(options.max_age * 1e9)
        self.said: set[object] = set()
        self.looks = self.cuts = 0
        listed = {one.symbol for one in self.expiry.options}
        for symbol, _ in options.position or ():
            if symbol not in listed:
                first = self.expiry.options[0]
                raise shm.UnknownInstrument(
                    f"--position {symbol}: not among the {len(listed)} options that expire "
                    f"{first.expiry:%Y-%m-%d}, such as {first.symbol}; --expiry names another day"
                )

    def look(self) -> None:
        """One look at everything."""
        board = self.feed.board([*self.expiry.options, self.expiry.future, self.expiry.perpetual])
        self.looks += 1
        if not board.same_instant:
            return  # the rows are whole, but not of one instant: no arbitrage to be read off them
        self.cuts += 1
        rows = np.asarray(board)
        fit = board.tradable & (rows["age_ns"] <= self.max_age_ns)
        chain, future = rows[:-2][fit[:-2]], rows[-2]
        if fit[-2]:
            self._arbitrage(chain, future)
        self._volatility(chain, float(future["mark"]))
        self._delta(rows, fit)

    def _arbitrage(self, chain: npt.NDArray[np.void], future: np.void) -> None:
        book = self.feed.book(self.expiry.future)
        if not book.live or book.venue_sequence != future["venue_sequence"]:
            return  # its book has moved since: the next look is soon
        dollars = np.array([1.0, self.expiry.future.contract_size])
        hedge = Hedge(self.expiry.future, book.bids * dollars, book.asks * dollars)
        strip = Strip.of(chain, self.instruments)
        found = violations(strip, hedge, self.fees, self.options.edge)
        fresh = [each for each in found if (each.kind, each.strikes) not in self.said]
        self.said = {key for key in self.said if isinstance(key, str)}
        self.said |= {(each.kind, each.strikes) for each in found}
        for each in fresh:
            self._trade(each)

    def _trade(self, found: Violation) -> None:
        strikes = "/".join(f"{strike:g}" for strike in found.strikes)
        say(
            f"{found.kind} {strikes}: {found.edge:+.5f} a coin after {found.fees:.5f} of fees, "
            f"{found.size:.10g} coins, {found.profit:.5f} in all"
        )
        why = self._guard(found.legs)
        for leg in found.legs:
            say(f"  {'would ' if not why else ''}{leg}")
        if why:
            say(f"  held back: {why}")

    def _guard(self, legs: tuple[Leg, ...]) -> str:
        """The last look before an order: why not, or ""."""
        try:
            self.feed.require_live([leg.instrument for leg in legs], self.max_age_ns)
            now = self.feed.board([leg.instrument for leg in legs])
        except (shm.NotLive, shm.WriterLost) as error:
            return str(error)
        for leg, row in zip(legs, np.asarray(now), strict=True):
            price = row["ask" if leg.buy else "bid"]
            if not (price <= leg.price if leg.buy else price >= leg.price):
                return f"{leg.instrument.symbol} has moved to {price:.10g}"
        return ""

    def _volatility(self, chain: npt.NDArray[np.void], forward: float) -> None:
        """Say when the mark volatility at the money leaves the band, or comes back."""
        if self.options.iv is None or not len(chain) or np.isnan(forward):
            return
        nearest = np.abs(chain["strike"] - forward).min()
        near = chain[np.abs(chain["strike"] - forward) == nearest]
        volatility = float(np.nanmean(near["mark_iv"]))
        low, high = self.options.iv
        now = "below" if volatility < low else "above" if volatility > high else "within"
        if f"iv {now}" not in self.said:
            self.said = {key for key in self.said if not str(key).startswith("iv ")}
            self.said.add(f"iv {now}")
            strike = float(near["strike"][0])
            say(f"volatility at {strike:g} is {volatility:.4f}: {now} {low:g} to {high:g}")

    def _delta(self, rows: npt.NDArray[np.void], fit: npt.NDArray[np.bool_]) -> None:
        """Say how to hedge when the position's delta is too large.

        In coins, the premium's own included: delta - mark price, as for an account in coin
        (Deribit's Net Transaction Delta). The hedge is in dollars of the inverse perpetual.
        """
        if not self.options.position:
            return
        at = {one.symbol: n for n, one in enumerate(self.expiry.options)}
        held = [(at[symbol], coins) for symbol, coins in self.options.position]
        perpetual = rows[-1]
        if not fit[-1] or not all(fit[n] for n, _ in held):
            return  # what is stale is not hedged by guess
        delta = sum(coins * float(rows[n]["delta"] - rows[n]["mark"]) for n, coins in held)
        over = abs(delta) > self.options.max_delta
        if over and "delta" not in self.said:
            lot = self.expiry.perpetual.lot * self.expiry.perpetual.contract_size
            price = float(perpetual["bid"] if delta > 0 else perpetual["ask"])
            dollars = round(abs(delta) * price / lot) * lot
            verb = "sell" if delta > 0 else "buy"
            why = self._guard((Leg(self.expiry.perpetual, delta < 0, price, dollars),))
            say(
                f"delta {delta:+.3f} coins: would {verb} {dollars:g} USD of "
                f"{self.expiry.perpetual.symbol} at {price:.10g}"
                + (f"; held back: {why}" if why else "")
            )
        self.said = self.said | {"delta"} if over else self.said - {"delta"}


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    options = arguments()
    if options.venue not in FEES:
        say(f"no fees of {options.venue} are known: add them to fees.py")
        return 2
    feed = shm.attach(options.venue)
    try:
        strategy = Strategy(feed, options, FEES[options.venue])
    except shm.UnknownInstrument as error:
        say(str(error))
        return 2
    watched = [*strategy.expiry.options, strategy.expiry.future, strategy.expiry.perpetual]
    say(f"watching {len(watched)} instruments with {strategy.expiry.future.symbol}")
    events = feed.events(watched, ["level", "stat", "state"], name="options example")
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        try:
            events.poll()  # what happened is in the cells: they are read as of one instant
            strategy.look()
        except shm.Overrun:
            continue  # nothing is missed: the cells have it
        except shm.WriterLost as lost:
            say(f"{lost}: standing aside until there is a new one")
            while not feed.reattach() and time.monotonic() < end:
                time.sleep(0.05)
            strategy = Strategy(feed, options, FEES[options.venue])
        events.wait(options.every)
    say(f"{strategy.looks} looks, {strategy.cuts} of them at one instant")
    return 0


def _band(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    return float(low), float(high)


def _held(text: str) -> tuple[str, float]:
    symbol, _, coins = text.partition("=")
    return symbol, float(coins)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("venue")
    parser.add_argument("underlying", help="BTC, or BTC-USD")
    parser.add_argument(
        "--expiry", help="a day, such as 2026-12-25; default: the next with a future"
    )
    parser.add_argument("--edge", type=float, default=0.0003, help="coins a coin, net; 0.0003")
    parser.add_argument("--max-age", type=float, default=5.0, help="of a quote, in seconds; 5")
    parser.add_argument("--iv", type=_band, metavar="LOW:HIGH", help="shares: 0.45:0.55")
    parser.add_argument("--position", type=_held, action="append", metavar="SYMBOL=COINS")
    parser.add_argument("--max-delta", type=float, default=1.0, help="coins; 1")
    parser.add_argument("--every", type=float, default=0.05, help="seconds between looks at most")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
