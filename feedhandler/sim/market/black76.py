"""Black-76 for options on a forward, undiscounted, and the inverse (coin-settled) quotation.

Prices and greeks are in the quote currency (USD) per one unit of the base; divide a price by the
forward for the coin price that Deribit and OKX quote. Volatility is a fraction per square root of
a year, time is in years of 365 days.
"""

from __future__ import annotations

from math import erf, exp, log, pi, sqrt
from typing import NamedTuple

YEAR_MS = 365 * 86_400_000
_SQRT2 = sqrt(2.0)
_SQRT2PI = sqrt(2.0 * pi)


class Greeks(NamedTuple):
    """Sensitivities in venue units: vega and rho per percentage point, theta per day."""

    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float


def _cdf(x: float) -> float:
    return 0.5 * (1.0 + erf(x / _SQRT2))


def price(forward: float, strike: float, vol: float, years: float, call: bool) -> float:
    """Undiscounted option value in the quote currency; the intrinsic value once expired."""
    sign = 1.0 if call else -1.0
    deviation = vol * sqrt(years) if years > 0 else 0.0
    if deviation <= 0.0:
        return max(0.0, sign * (forward - strike))
    d1 = log(forward / strike) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    return sign * (forward * _cdf(sign * d1) - strike * _cdf(sign * d2))


def greeks(forward: float, strike: float, vol: float, years: float, call: bool) -> Greeks:
    """Greeks at a zero rate; all zero but an in-the-money delta once expired."""
    sign = 1.0 if call else -1.0
    deviation = vol * sqrt(years) if years > 0 else 0.0
    if deviation <= 0.0:
        return Greeks(sign if sign * (forward - strike) > 0 else 0.0, 0.0, 0.0, 0.0, 0.0)
    d1 = log(forward / strike) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    density = exp(-0.5 * d1 * d1) / _SQRT2PI
    return Greeks(
        delta=sign * _cdf(sign * d1),
        gamma=density / (forward * deviation),
        vega=forward * density * sqrt(years) / 100.0,
        theta=-forward * density * vol / (2.0 * sqrt(years)) / 365.0,
        rho=sign * strike * years * _cdf(sign * d2) / 100.0,
    )


def implied_vol(
    target: float, forward: float, strike: float, years: float, call: bool, guess: float
) -> float:
    """Volatility that prices the option at ``target``; 0.0 where none does (venues print 0 too)."""
    intrinsic = price(forward, strike, 0.0, 0.0, call)
    ceiling = forward if call else strike
    if years <= 0 or target <= intrinsic or target >= ceiling:
        return 0.0
    low, high = 1e-4, 10.0
    if target >= price(forward, strike, high, years, call):
        return high
    vol = guess
    for _ in range(40):
        error = price(forward, strike, vol, years, call) - target
        if abs(error) < 1e-7 * forward:
            return vol
        if error > 0:
            high = vol
        else:
            low = vol
        slope = greeks(forward, strike, vol, years, call).vega * 100.0
        newton = vol - error / slope if slope > 1e-9 else 0.0
        # Newton jumps out of the bracket in the wings: bisect there.
        vol = newton if low < newton < high else 0.5 * (low + high)
    return vol


def smile(forward: float, strike: float, years: float, at_the_money: float) -> float:
    """Implied volatility of a strike: a skewed parabola in standardised log-moneyness.

    One function of strike and expiry, so a call and a put of the same strike always agree.
    """
    scale = sqrt(max(years, 1.0 / 365.0))
    x = max(-2.5, min(2.5, log(strike / forward) / scale))
    term = 1.0 + 0.12 * exp(-4.0 * years)
    return at_the_money * term * (1.0 - 0.06 * x + 0.10 * x * x)
