"""What declared venues really sent: recordings that are in their own words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from feedhandler import venues
from feedhandler.adapter.venue import ControlKind, Venue
from feedhandler.bench.kit.feeding import add_known, begin
from feedhandler.bench.kit.frames import Case, captured, snapshot_of
from feedhandler.bench.kit.scenario import fresh_engine

#: Long enough to be a stream. Others that there are were made of older channels, or are short.
RECORDINGS: Mapping[str, str] = {
    "bitfinex": "bitfinex/cryptofeed_bitfinex.ndjson.gz",
    "bitmex": "bitmex/cryptofeed_bitmex.ndjson.gz",
    "bitstamp": "bitstamp/cryptofeed_bitstamp.ndjson.gz",
    "coinbase": "coinbase_adv/cryptofeed_v3_coinbase_2026.ndjson.gz",
    "kraken-futures": "kraken_futures/cryptofeed_kraken_futures.ndjson.gz",
    "kucoin": "kucoin/cryptofeed_kucoin.ndjson.gz",
}


def replayed(name: str, folder: Path | None) -> Case | None:
    """All frames of the venue's recording, control frames too: connections count them. None where
    there is none. Exponents, which no list says, are known before, from a run through the engine.
    """
    path = RECORDINGS.get(name)
    if folder is None or path is None or not (folder / path).is_file():
        return None
    venue, case = venues.load(name), Case(name, "all", [], floor=False)
    for line in captured(folder / path):
        text: str = line["data"]
        if line.get("kind", "ws") != "rest":
            case.frames.append(text.encode())
        elif (symbol := snapshot_of(venue, line)) is not None:
            case.snapshots.setdefault(symbol, text.encode())
    for frame in case.frames:
        case.numbers |= _numbers(venue, frame)
    symbols = [venue.key_symbols(key)[1] for key in case.numbers]
    case.instruments = dict.fromkeys(symbols, (0, 0))
    with fresh_engine(name, []) as (engine, _):
        add_known(engine, case)
        begin(engine, case)
        engine.connection(0).feed_all(case.frames)
        for symbol in engine.symbols():
            *_, price, size = engine.book(engine.instrument_id(symbol))
            case.instruments[symbol] = price, size
    return case


def _numbers(venue: Venue, frame: bytes) -> dict[str, int]:
    """By which an acknowledgement names keys."""
    if b'"chanId"' not in frame:
        return {}
    return {
        key: one.channel
        for one in venue.control(frame, {})
        if one.kind is ControlKind.ACK and one.channel
        for key in one.keys
    }
