"""HTX's depth.step0, which was recorded, as it would have come on mbp.150, and of contracts on
depth.size_150.high_freq: each whole book as its difference from the one before, the first as the
answer to a request, or as a snapshot. Trades are as they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from tests.venues.reference.book import parsed, written
from tests.venues.reference.htx import symbol_of

FEED = "wss://api.huobi.pro/feed"


def as_subscribed(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    before: dict[str, Any] = {}
    for line in lines:
        if line["kind"] != "ws" or line["dir"] != "in" or '.depth.step0","ts"' not in line["data"]:
            if "depth.step0" not in (line["data"] or ""):
                yield line
            continue
        message = parsed(line["data"])
        if "ch" not in message:
            continue
        tick, channel = message["tick"], f"market.{symbol_of(message['ch'])}.mbp.150"
        old = before.get(channel)
        before[channel] = tick
        told: dict[str, Any] = {"seqNum": tick["version"]}
        if old is None:
            told |= {side: tick[side] for side in ("bids", "asks")}
            frame = {"id": "1", "rep": channel, "status": "ok", "data": told}
        elif old["version"] == tick["version"]:
            assert old == tick
            continue
        else:
            told["prevSeqNum"] = old["version"]
            for side in ("bids", "asks"):
                told[side] = _difference(old[side], tick[side])
            frame = {"ch": channel, "ts": message["ts"], "tick": told}
        yield {**line, "url": FEED, "conn": "feed", "data": written(frame)}


def as_swap_subscribed(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """`version` was a time of whole seconds: it counts here."""
    before: dict[str, Any] = {}
    for line in lines:
        text = line["data"] or ""
        if "depth.step0" in text:
            text = text.replace("depth.step0", "depth.size_150.high_freq")
            message = parsed(text)
            if "tick" in message:
                tick, channel = message["tick"], message["ch"]
                old, number = before.get(channel, (None, 1_789_895_280_796))
                before[channel] = tick, number + 1
                whole = {side: tick[side] for side in ("bids", "asks")}
                told = {
                    side: _difference(old[side], tick[side]) if old else whole[side]
                    for side in whole
                }
                event = {"event": "update" if old else "snapshot", "version": number + 1}
                text = written({**message, "tick": {**tick, **told, **event}})
        yield {**line, "data": line["data"] and text}


def _difference(old: list[list[Decimal]], new: list[list[Decimal]]) -> list[list[Any]]:
    now = {price for price, _ in new}
    gone = [[price, Decimal("0.0")] for price, _ in old if price not in now]
    return [level for level in new if level not in old] + gone
