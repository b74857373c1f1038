"""`feedhandler inspect ls`: what is in shared memory."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from feedhandler import number_text
from feedhandler.cli.inspect_.memory import nothing, open_venue, writer_words
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import Column, dim, echo_table, json_out, standing
from feedhandler.view.believable import believable, word


@click.command()
@click.argument("venue", required=False)
@namespace_option
@json_option
def ls(venue: str | None, namespace: str, as_json: bool) -> None:
    """List the shared-memory objects, or a VENUE's instruments.

    \b
    feedhandler inspect ls
    feedhandler inspect ls deribit

    \b
    Exit codes: 0 fine, 3 nothing is there.
    """
    if venue is None:
        _objects(namespace, as_json)
    else:
        _instruments(namespace, venue, as_json)


def _objects(namespace: str, as_json: bool) -> None:
    from shm.inspect import list_objects

    found = list_objects(namespace)
    if as_json:
        json_out({"objects": [asdict(info) for info in found]})
    if not found:
        raise nothing(namespace)
    if as_json:
        return
    columns = [
        Column("OBJECT"),
        Column("KIND", drop=1),
        Column("BYTES", right=True),
        Column("MODE", right=True, drop=2),
        Column("WRITER", right=True),
        Column(""),
    ]
    rows = []
    for info in found:
        remarks = []
        if info.part == "control":
            remarks = ["locked by its writer" if info.locked else "no writer"]
        elif info.part == "data":
            remarks = [] if info.current else ["superseded"]
            remarks += [] if info.writer_alive else ["its writer is gone"]
        rows.append(
            (
                info.path,
                info.part,
                number_text.count(info.bytes),
                f"{info.mode:o}",
                str(info.writer_pid or "-"),
                info.error or ", ".join(remarks),
            )
        )
    echo_table(columns, rows)


def _instruments(namespace: str, venue: str, as_json: bool) -> None:
    with open_venue(namespace, venue) as memory:
        listed = [_described(memory, instrument) for instrument in memory.instruments()]
        title = f"{venue}  epoch {memory.epoch}  {writer_words(memory)}"
    if as_json:
        json_out({"venue": venue, "epoch": memory.epoch, "instruments": listed})
        return
    columns = [
        Column("ID", right=True, drop=4),
        Column("SYMBOL"),
        Column("NAME", drop=5, shrink=12),
        Column("KIND", drop=3),
        Column("STATE"),
        Column("BID", right=True),
        Column("ASK", right=True),
        Column("LAST", right=True, drop=2),
        Column("REASON", drop=1),
    ]
    rows = [
        (
            str(each["id"]),
            each["symbol"],
            each["name"],
            each["kind"].lower(),
            standing(each["state"], each["status"]),
            *_prices(each),
            "" if each["reason"] == "NONE" else each["reason"],
        )
        for each in listed
    ]
    click.echo(dim(title))
    click.echo()
    echo_table(columns, rows)


def _described(memory: Any, instrument: Any) -> dict[str, Any]:
    from shm import NONE, ContractType, Status

    quote = memory.quote(instrument.id)
    shown, reason = "NONE", "NONE"
    prices: dict[str, str | None] = {"bid": None, "ask": None, "last": None}
    if quote is not None:
        shown, reason = believable(memory, quote["state"], quote["reason"])
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


def _prices(each: dict[str, Any]) -> list[str]:
    """Bid, ask and last, with one number of places."""
    there = [name for name in ("bid", "ask", "last") if each[name] is not None]
    texts = number_text.stepped([each[name] for name in there], each["tick"])
    shown = dict(zip(there, texts, strict=True))
    return [shown.get(name, "-") for name in ("bid", "ask", "last")]
