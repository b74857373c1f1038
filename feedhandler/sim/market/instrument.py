"""An instrument's fixed facts, its price grid, and exact decimal text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Kind = Literal["spot", "perpetual", "future", "option"]


def plain(mantissa: int, digits: int) -> str:
    """``mantissa / 10**digits`` without exponent and trailing zeros: ``42.5``, ``42``."""
    if digits == 0:
        return str(mantissa)
    whole, rest = divmod(mantissa, 10**digits)
    return f"{whole}.{rest:0{digits}d}".rstrip("0") if rest else str(whole)


def float_style(mantissa: int, digits: int) -> str:
    """The same with at least one decimal, as JSON floats are printed: ``42.5``, ``42.0``."""
    text = plain(mantissa, digits)
    return text if "." in text else text + ".0"


def decimal(value: float, decimals: int) -> str:
    """A decimal string without exponent and trailing zeros."""
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def fixed8(mantissa: int, digits: int) -> str:
    """The same with exactly eight decimals: ``42.50000000``. ``digits`` is at most 8."""
    text = f"{mantissa * 10 ** (8 - digits):09d}"
    return f"{text[:-8]}.{text[-8:]}"


def fixed(places: int) -> Callable[[int, int], str]:
    """A style with exactly so many decimals, which are never fewer than ``digits``."""

    def style(mantissa: int, digits: int) -> str:
        text = f"{mantissa * 10 ** (places - digits):0{places + 1}d}"
        return f"{text[:-places]}.{text[-places:]}" if places else text

    return style


def places(step: Decimal) -> int:
    """Decimals of a step as its venue writes it: `0.10` has two."""
    exponent = step.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


class TextCache(dict[int, str]):
    """Decimal text by integer; bounded, since a price walks over its whole life."""

    LIMIT = 4_096

    def __init__(self, make: Callable[[int], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: int) -> str:
        if len(self) >= self.LIMIT:
            self.clear()
        text = self[key] = self._make(key)
        return text


def _scaled(value: Decimal) -> tuple[int, int]:
    """A positive decimal as (mantissa, digits) with ``value == mantissa / 10**digits``."""
    sign, figures, exponent = value.normalize().as_tuple()
    if sign or not isinstance(exponent, int):
        raise ValueError(f"not a positive finite decimal: {value}")
    mantissa = int("".join(map(str, figures)))
    return (mantissa * 10**exponent, 0) if exponent > 0 else (mantissa, -exponent)


@dataclass(frozen=True)
class Instrument:
    """What a venue lists. Prices inside the simulator are grid indexes, sizes are lots: integers.

    Grid index ``i`` stands for the price ``i * tick``; above ``band[0]`` the tick is ``band[1]``
    (Deribit's tick_size_steps), so that every index is a valid price and order is preserved.
    """

    symbol: str
    kind: Kind
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    typical_lots: int
    depth: int
    weight: float
    family: str = ""
    index_name: str = ""
    inverse: bool = False
    expiry_ms: int = 0
    strike: int = 0
    call: bool = False
    band: tuple[Decimal, Decimal] | None = None
    contract_size: Decimal = Decimal(1)
    carry: float = 0.0
    """Yearly growth of the forward over the index; for a perpetual or spot, its premium."""
    _grid: tuple[int, int] = field(init=False, repr=False, compare=False)
    _tick: tuple[int, int] = field(init=False, repr=False, compare=False)
    _lot: tuple[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        edge, coarse = 1 << 62, 1
        if self.band is not None:
            edge = int(self.band[0] / self.tick)
            coarse = int(self.band[1] / self.tick)
        object.__setattr__(self, "_grid", (edge, coarse))
        object.__setattr__(self, "_tick", _scaled(self.tick))
        object.__setattr__(self, "_lot", _scaled(self.lot))

    def index_below(self, price: float) -> int:
        """The highest grid index at or below ``price``, never negative."""
        edge, coarse = self._grid
        ticks = int(price / float(self.tick) + 1e-9)
        return max(0, ticks if ticks <= edge else edge + (ticks - edge) // coarse)

    def price_mantissa(self, index: int) -> tuple[int, int]:
        """Price at a grid index as (mantissa, digits)."""
        edge, coarse = self._grid
        ticks = index if index <= edge else edge + (index - edge) * coarse
        return ticks * self._tick[0], self._tick[1]

    def price(self, index: int) -> float:
        """Price at a grid index as a float, for valuation only."""
        mantissa, digits = self.price_mantissa(index)
        return mantissa / float(10**digits)

    @property
    def lot_mantissa(self) -> tuple[int, int]:
        """One lot as (mantissa, digits)."""
        return self._lot

    def size(self, lots: int) -> float:
        """Size in the venue's unit as a float, for statistics only."""
        return lots * self._lot[0] / float(10 ** self._lot[1])

    def prices(self, style: Callable[[int, int], str]) -> TextCache:
        """Price text by grid index in the given style."""
        return TextCache(lambda index: style(*self.price_mantissa(index)))

    def sizes(self, style: Callable[[int, int], str]) -> TextCache:
        """Size text by lots in the given style."""
        mantissa, digits = self._lot
        if style is plain and mantissa == 1 and digits:
            unit, width = 10**digits, f"0{digits}d"

            def text(lots: int) -> str:  # sizes rarely come twice
                whole, rest = divmod(lots, unit)
                return f"{whole}.{rest:{width}}".rstrip("0") if rest else str(whole)

            return TextCache(text)
        return TextCache(lambda lots: style(lots * mantissa, digits))


def first(ranked: Iterable[Instrument], count: int) -> list[Instrument]:
    """The first ``count`` of an order of importance; what stands in it twice counts once."""
    found: dict[str, Instrument] = {}
    for instrument in ranked:
        if len(found) >= count:
            break
        found.setdefault(instrument.symbol, instrument)
    return list(found.values())
