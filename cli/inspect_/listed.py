"""A venue's instruments as `feedhandler inspect ls` lists them: some, or all, in an order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from feedhandler import number_text
from feedhandler.cli.errors import CliError
from feedhandler.cli.inspect_.memory import open_venue, writer_words
from feedhandler.cli.output import Column, cut, dim, json_out, screen_width, standing, table_lines
from feedhandler.view.believable import believable, word

if TYPE_CHECKING:
    from shm._native import Instrument
    from shm.inspect import Memory

_PRICES = ("bid", "ask", "last")


def listed(
    namespace: str,
    venue: str,
    pattern: str,
    states: Sequence[str],
    sort: str | None,
    reverse: bool,
    as_json: bool,
) -> list[str]:
    """The lines of the table; none as JSON, which is printed."""
    wanted = {_state(each) for each in states}
    with open_venue(namespace, venue) as memory:
        instruments = _chosen(memory, pattern, sort, reverse)
        rows = [_described(memory, instrument) for instrument in instruments]
        rows = [row for row in rows if not wanted or row["state"] in wanted]
        count = memory.segment.instruments
        title = f"{venue}  epoch {memory.epoch}  {writer_words(memory)}"
    if as_json:
        json_out({"venue": venue, "epoch": memory.epoch, "instruments": rows})
        return []
    some = f"  {len(rows):,} of {number_text.plural(count, 'instrument')}"
    head = cut(title + some, screen_width() or len(title + some))
    return [dim(head), "", *_table(rows)]


def _state(name: str) -> str:
    from feedhandler.suggest import did_you_mean
    from shm import State

    if name.upper() not in State.__members__:
        hint = did_you_mean(name, [state.name.lower() for state in State])
        raise CliError(f"no state {name!r}{hint}")
    return name.upper()


def _chosen(memory: Memory, pattern: str, sort: str | None, reverse: bool) -> list[Instrument]:
    from feedhandler.view.instruments import Instruments

    every = memory.instruments()
    at = {instrument.symbol: instrument for instrument in every}
    look = Instruments()
    look.look(memory)
    symbols = look.symbols(pattern, sort, reverse)
    if reverse and sort is None:
        symbols.reverse()
    return [at[symbol] for symbol in symbols if symbol in at]


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    columns = [
        Column("ID", right=True, drop=4),
        Column("SYMBOL"),
        Column("NAME", drop=5, shrink=12),
        Column("KIND", drop=3),
        Column("STATE"),
        Column("BID", right=True),
        Column("ASK", right=True),
        Column("LAST", right=True, drop=2),
        Column("VOLUME", right=True, drop=6),
        Column("AGE", right=True, drop=7),
        Column("REASON", drop=1),
    ]
    # Each with the decimals of its tick, and their points below each other.
    prices = [_prices(row) for row in rows]
    sides = [number_text.aligned(list(each)) for each in zip(*prices, strict=True)]
    volumes = number_text.aligned([_volume(row["volume"]) for row in rows])
    return table_lines(
        columns,
        [
            (
                str(row["id"]),
                row["symbol"],
                row["name"],
                row["kind"].lower(),
                standing(row["state"], row["status"]),
                *(side[at] for side in sides),
                volumes[at],
                "-" if row["age_ns"] is None else number_text.duration(row["age_ns"]),
                "" if row["reason"] == "NONE" else row["reason"],
            )
            for at, row in enumerate(rows)
        ],
    )


def _volume(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.6g}"


def _prices(row: dict[str, Any]) -> list[str]:
    """Bid, ask and last, with one number of places."""
    there = [name for name in _PRICES if row[name] is not None]
    texts = number_text.stepped([row[name] for name in there], row["tick"])
    shown = dict(zip(there, texts, strict=True))
    return [shown.get(name, "-") for name in _PRICES]


def _described(memory: Memory, instrument: Instrument) -> dict[str, Any]:
    from shm import NONE, ContractType, Status

    quote = memory.quote(instrument.id)
    shown, reason = "NONE", "NONE"
    prices: dict[str, str | None] = dict.fromkeys(_PRICES)
    volume = age_ns = None
    if quote is not None:
        shown, reason = believable(memory, quote["state"], quote["reason"])
        volume = None if math.isnan(quote["volume"]) else quote["volume"]
        if quote["data_ns"]:
            age_ns = abs(memory.segment.now_ns - quote["data_ns"])
        for side in prices:
            if quote[f"{side}_price"] != NONE and (side != "last" or quote["last_ns"]):
                prices[side] = number_text.decimal(quote[f"{side}_price"], quote["price_exponent"])
    return {
        "id": instrument.id,
        "symbol": instrument.symbol,
        "name": instrument.name,
        "kind": instrument.kind.name,
        "state": shown,
        "reason": reason,
        **prices,
        "volume": volume,
        "age_ns": age_ns,
        "base": instrument.base,
        "quote": instrument.quote,
        "settle": instrument.settle,
        "contract_type": word(ContractType, int(instrument.contract_type)),
        "contract_size": instrument.contract_size,
        "tick": instrument.tick,
        "tick_bands": [{"from": price, "tick": tick} for price, tick in instrument.tick_bands],
        "lot": instrument.lot,
        "strike": instrument.strike or None,
        "expiry_ns": instrument.expiry_ns or None,
        "status": word(Status, int(instrument.status)),
        "definition": instrument.definition,
    }
