"""What instruments are called that are the same but for the dollars they are quoted in."""

from __future__ import annotations

import re

#: and tokens that are meant to be worth one
DOLLARS = frozenset(
    [
        "USD",
        "USDT",
        "USDC",
        "USDE",
        "USDG",
        "USDP",
        "USDS",
        "USD1",
        "FDUSD",
        "TUSD",
        "PYUSD",
        "RLUSD",
        "GUSD",
        "DAI",
    ]
)

_NAME = re.compile(r"([^-]+)-([^-]+)(-PERP|-\d{8})?")


def general_name(name: str) -> str:
    """Of a normalised name: "BTC-PERP" of BTC-USD-PERP and of BTC-USDT-PERP, inverse or linear;
    "BTC-20261225" of futures, "BTC-SPOT" of pairs.

    "": it has none. Options have none: some are priced in coins, some in dollars. Nor has what is
    quoted in something else than dollars and their tokens.
    """
    found = _NAME.fullmatch(name)
    if found is None or found[2] not in DOLLARS:
        return ""
    return f"{found[1]}{found[3] or '-SPOT'}"
