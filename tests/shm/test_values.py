"""Decimals as floats: correctly rounded where docs/memory.md says so, close beyond."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest

import shm
from shm import Kind
from tests.shm.conftest import Create

#: Where a `long double` in between, which is rounded twice, comes out one off.
TWICE_ROUNDED = [
    (6043478190927975, -22), (688198571261804, -21), (4186181533789340, -20),
    (2154678061170352, -19), (4959938614363561, -18), (2789839321743884, -17),
    (7021470905014357, -16), (6886171478754330, -15), (5531729749327015, -14),
    (2246192576798028, -13), (2275853184470315, -12), (4859676344349387, -11),
    (3994089352868766, -10), (1779981866188852, -9), (4729630721474142, -8),
    (7114890789009884, -7), (3573215911650913, -6), (6143312061002211, 5), (5722099063667797, 6),
    (4839383359075624, 7), (5499764385615608, 8), (3930510669352352, 9), (880213860144627, 10),
    (396002145473945, 11), (5611126946643400, 12), (1713708935420786, 13), (3801242046778674, 14),
    (1367124171242620, 15), (6414805979885197, 16), (5028264765805988, 17), (8700150269149807, 18),
    (7180579269817748, 19), (3157351345395258, 20), (1723231604299504, 21), (7789039596223647, 22),
]  # fmt: skip
NONE = -(1 << 63)


def values(namespace: str, create: Create, pairs: Iterable[tuple[int, int]]) -> list[float]:
    """mantissa * 10^exponent as a reader has them: statistics, which may have any exponent."""
    writer = create(ring_slots=1 << 14).writer
    writer.directory_add({"symbol": "A"})
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events()
        writer.message(0, [(Kind.STAT, 0, mantissa, exponent) for mantissa, exponent in pairs])
        writer.publish()
        rows = events.poll()
        assert rows is not None
        found: list[float] = rows["price"].tolist()
        return found


def exact(mantissa: int, exponent: int) -> Fraction:
    return Fraction(mantissa) * Fraction(10) ** exponent


def test_within_53_bits_and_22_powers_of_ten_no_float_is_closer(
    namespace: str, create: Create
) -> None:
    rng = random.Random(3)
    pairs = [*TWICE_ROUNDED, *[(-mantissa, exponent) for mantissa, exponent in TWICE_ROUNDED]]
    for exponent in range(-22, 23):
        pairs += [(mantissa, exponent) for mantissa in (0, 1, -1, 2**53, -(2**53), 2**53 - 1)]
        pairs += [(rng.randrange(-(2**53), 2**53), exponent) for _ in range(20)]
    for (mantissa, exponent), value in zip(pairs, values(namespace, create, pairs), strict=True):
        one = exact(mantissa, exponent)
        assert value == one.numerator / one.denominator, (mantissa, exponent)


#: Where a float in between, of a mantissa that no float has, comes out more than one unit off.
FAR = [
    (9108433245301845, -22), (18181310930631642, 3), (9122174677473651, -19),
]  # fmt: skip


def test_beyond_that_a_float_is_within_one_unit_in_the_last_place(
    namespace: str, create: Create
) -> None:
    rng = random.Random(4)
    pairs = [*FAR, *[(-mantissa, exponent) for mantissa, exponent in FAR]]
    for exponent in [*range(-27, 28), -128, -60, 60, 127, 250, -250, 289, -300]:
        pairs += [(mantissa, exponent) for mantissa in (NONE + 1, -NONE - 1, 2**53 + 1, 7, 1)]
        pairs += [(rng.randrange(NONE + 1, -NONE), exponent) for _ in range(10)]
    for (mantissa, exponent), value in zip(pairs, values(namespace, create, pairs), strict=True):
        one = exact(mantissa, exponent)
        unit = Fraction(math.ulp(one.numerator / one.denominator))
        assert abs(Fraction(value) - one) <= unit, (mantissa, exponent)


def test_what_no_float_holds_is_nothing_or_infinite(namespace: str, create: Create) -> None:
    """And takes no time, whatever damaged memory says."""
    large = [400, 401, 402, 10**6, 2**31 - 1]
    pairs = [(mantissa, exponent) for mantissa in (3, -3) for exponent in large]
    pairs += [(mantissa, -exponent) for mantissa, exponent in pairs] + [(3, -(2**31))]
    begun = time.thread_time()
    found = values(namespace, create, pairs)
    assert time.thread_time() - begun < 1
    for (mantissa, exponent), value in zip(pairs, found, strict=True):
        assert value == (0 if exponent < 0 else math.copysign(math.inf, mantissa))


@pytest.mark.parametrize("exponent", [-128, -23, -2, 0, 3, 127])
def test_nothing_is_not_a_number(namespace: str, create: Create, exponent: int) -> None:
    assert np.isnan(values(namespace, create, [(NONE, exponent)])).all()
