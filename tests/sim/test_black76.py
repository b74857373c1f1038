from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhandler.sim.market import black76
from feedhandler.sim.market.market import Market
from feedhandler.sim.venues.deribit_wire import number
from tests.sim.harness import market

strikes = st.floats(0.6, 1.7)
vols = st.floats(0.1, 1.5)
years = st.floats(0.01, 2.0)
sides = st.booleans()
FORWARD = 80_000.0


@given(strikes, vols, years)
def test_put_call_parity(moneyness: float, vol: float, time: float) -> None:
    strike = FORWARD * moneyness
    call = black76.price(FORWARD, strike, vol, time, True)
    put = black76.price(FORWARD, strike, vol, time, False)
    assert call - put == pytest.approx(FORWARD - strike, abs=1e-6 * FORWARD)


@given(strikes, vols, years, sides)
def test_greeks_are_the_slopes_of_the_price(m: float, vol: float, time: float, call: bool) -> None:
    strike = FORWARD * m
    greeks = black76.greeks(FORWARD, strike, vol, time, call)

    def value(forward: float = FORWARD, sigma: float = vol, at: float = time) -> float:
        return black76.price(forward, strike, sigma, at, call)

    step = FORWARD * 1e-4
    delta = (value(FORWARD + step) - value(FORWARD - step)) / (2 * step)
    gamma = (value(FORWARD + step) - 2 * value() + value(FORWARD - step)) / step**2
    vega = (value(sigma=vol + 1e-4) - value(sigma=vol - 1e-4)) / 2e-4 / 100
    theta = (value(at=time - 1e-5) - value(at=time + 1e-5)) / 2e-5 / 365
    assert greeks.delta == pytest.approx(delta, abs=1e-3)
    assert greeks.gamma == pytest.approx(gamma, rel=1e-2, abs=1e-8)
    assert greeks.vega == pytest.approx(vega, rel=1e-2, abs=1e-2)
    assert greeks.theta == pytest.approx(theta, rel=1e-2, abs=1e-1)
    assert math.copysign(1, greeks.rho) == (1 if call else -1) or greeks.rho == 0


@given(strikes, vols, years, sides)
def test_implied_vol_prices_the_option_again(m: float, vol: float, time: float, call: bool) -> None:
    strike = FORWARD * m
    target = black76.price(FORWARD, strike, vol, time, call)
    found = black76.implied_vol(target, FORWARD, strike, time, call, 0.5)
    if found:
        again = black76.price(FORWARD, strike, found, time, call)
        assert again == pytest.approx(target, abs=1e-5 * FORWARD)
    else:
        assert target <= black76.price(FORWARD, strike, 0.0, 0.0, call) + 1e-6


def test_no_vol_for_prices_out_of_bounds() -> None:
    assert black76.implied_vol(0.0, FORWARD, FORWARD, 1.0, True, 0.5) == 0.0
    assert black76.implied_vol(FORWARD, FORWARD, FORWARD, 1.0, True, 0.5) == 0.0


def options(tested: Market) -> dict[tuple[str, int, int], dict[bool, float]]:
    found: dict[tuple[str, int, int], dict[bool, float]] = {}
    for option in tested.instruments.values():
        if option.kind == "option":
            key = (option.base, option.expiry_ms, option.strike)
            found.setdefault(key, {})[option.call] = tested.mark(option)
    return found


def test_surface_of_the_market_is_consistent() -> None:
    tested = market("deribit", instruments=400)
    for _ in range(500):
        tested.step()
    marks = options(tested)
    for option in tested.instruments.values():
        if option.kind != "option":
            continue
        pair = marks[option.base, option.expiry_ms, option.strike]
        if len(pair) == 2:
            # Inverse quotation: call minus put is 1 - strike / forward, in coin.
            parity = 1.0 - option.strike / tested.forward(option)
            assert pair[True] - pair[False] == pytest.approx(parity, abs=1e-9)
        assert 0.1 < tested.mark_vol(option) < 2.5
    # No arbitrage between strikes: calls fall and are convex.
    for base, expiry in {(base, expiry) for base, expiry, _ in marks}:
        line = sorted((k, p[True]) for (b, e, k), p in marks.items() if (b, e) == (base, expiry))
        slopes = [
            (high - low) / (upper - lower)
            for (lower, low), (upper, high) in itertools.pairwise(line)
        ]
        assert all(slope < 0 for slope in slopes)
        assert slopes == sorted(slopes)


def test_numbers_are_printed_as_the_venue_does() -> None:
    shown = [number(v, 5) for v in (0.47736, 0.00028, 2.8e-5, 217.0, -0.0000004, 0.0005)]
    assert shown == ["0.47736", "2.8e-4", "3.0e-5", "217.0", "0.0", "0.0005"]
