"""Checksums of books by zlib over text that is made of the venue's words or of Decimal."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from decimal import Decimal

Side = Mapping[Decimal, Decimal]
Text = Callable[[Decimal], str]


def best(side: Side, count: int, ask: bool) -> list[tuple[Decimal, Decimal]]:
    """The best levels first."""
    return sorted(side.items(), reverse=not ask)[:count]


def pairs(bids: Side, asks: Side, levels: int, text: Text, negative: str = "") -> int:
    """bid:size:ask:size:..., unsigned; `negative`: what is before the sizes of asks."""
    rows = []
    own, other = best(bids, levels, False), best(asks, levels, True)
    for depth in range(levels):
        rows += [f"{text(p)}:{text(s)}" for p, s in own[depth : depth + 1]]
        rows += [f"{text(p)}:{negative}{text(s)}" for p, s in other[depth : depth + 1]]
    return zlib.crc32(":".join(rows).encode())


def asks_first(bids: Side, asks: Side, levels: int, price: Text, size: Text) -> int:
    """All asks, then all bids, without anything between the numbers."""
    rows = [*best(asks, levels, True), *best(bids, levels, False)]
    return zlib.crc32("".join(price(p) + size(s) for p, s in rows).encode())


def bids_first(bids: Side, asks: Side, levels: int, text: Text) -> int:
    """bid:size:bid:size:...:ask:size:..., unsigned."""
    rows = [*best(bids, levels, False), *best(asks, levels, True)]
    return zlib.crc32(":".join(f"{text(p)}:{text(s)}" for p, s in rows).encode())


def signed(crc: int) -> int:
    """The int32 of the same bits."""
    return crc - (crc >> 31 << 32)


def plain(value: Decimal) -> str:
    """Without exponent and trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def written(decimals: int) -> Text:
    """With so many decimals."""
    return lambda value: f"{value:.{decimals}f}"


def digits(decimals: int) -> Text:
    """The same, without the point and leading zeros."""
    return lambda value: f"{value:.{decimals}f}".replace(".", "").lstrip("0")


def script(value: Decimal) -> str:
    """Number.prototype.toString of ECMA-262 (Number::toString, radix 10)."""
    _, figures, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    assert isinstance(exponent, int)
    text, k = "".join(map(str, figures)), len(figures)
    n = exponent + k
    if k <= n <= 21:
        return text + "0" * (n - k)
    if 0 < n <= 21:
        return f"{text[:n]}.{text[n:]}"
    if -6 < n <= 0:
        return "0." + "0" * -n + text
    return f"{text[0]}{'.' if k > 1 else ''}{text[1:]}e{n - 1:+d}"
