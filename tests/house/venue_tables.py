"""The tables of what each venue brings and proves, made of what it declares and of what tests hold
it to."""

from __future__ import annotations

from collections.abc import Iterator

from feedhandler import venues
from feedhandler.adapter.declared.carried import Carried, carried
from feedhandler.adapter.proof import Proof, Scope, Sign
from feedhandler.adapter.venue import Base, Venue
from tests.capture.support import RECORDED
from tests.venues.reference import RECORDINGS
from tests.venues.sample import FOLDER

BASES = {
    Base.STREAM: "snapshot, changes",
    Base.REQUEST: "changes onto a base",
    Base.EVERY: "whole each time",
}
IVS = {"bid_iv", "ask_iv", "mark_iv"}
GREEKS = ("delta", "gamma", "vega", "theta", "rho")
HEAD = (
    *("venue", "instruments", "book", "levels a side", "trades", "top", "mark", "funding"),
    *("greeks", "open interest", "volume", "liquidations", "continuity", "checksum", "proves"),
    "verified against",
)
SHORT_HEAD = ("venue", "instruments", "levels a side", "best", "besides", "proves")


def facts() -> Iterator[list[str]]:
    """A row of HEAD for each venue."""
    for venue, its in _every():
        index = ", index" if "index" in its.stats else ""
        yield [
            *(f"`{venue.name}`", ", ".join(its.instruments), BASES[venue.base], levels(its)),
            *(_yes(its.trades), its.top or "-"),
            f"mark{index}" if "mark" in its.stats else index[2:] or "-",
            *(_funding(its), _greeks(its)),
            *(_yes(stat in its.stats) for stat in ("open_interest", "volume")),
            _yes(its.liquidations),
            ", ".join(sign.name.lower() for sign in venue.proof.signs) or "none",
            *(_checksum(venue), proves(venue)),
            ", ".join(verified(venue.name)),
        ]


def in_short() -> Iterator[list[str]]:
    """A row of SHORT_HEAD for each venue."""
    for venue, its in _every():
        instruments, besides = ", ".join(its.instruments), ", ".join(its.besides) or "-"
        row = [instruments, its.levels, its.top or "-", besides, proves(venue)]
        yield [f"`{venue.name}`", *row]


def _every() -> Iterator[tuple[Venue, Carried]]:
    for venue in map(venues.load, venues.names()):
        its = carried(venue)
        assert its is not None, venue.name
        yield venue, its


def verified(name: str) -> list[str]:
    """What tests hold a venue to: frames that it sent, and others."""
    theirs = [one for one in RECORDINGS if one.venue == name]
    found = []
    if name in RECORDED or any(not one.translate for one in theirs):
        found.append("recording")
    elif theirs:
        found.append("translated recording")
    if (FOLDER / f"{name}.ndjson").exists():
        found.append("samples")
    return found


def levels(its: Carried) -> str:
    if not its.depths:
        return "all"
    each = [f"{depth:,}" for depth in its.depths]
    told = each[0] if len(each) == 1 else f"{', '.join(each[:-1])} or {each[-1]}"
    return f"{told} and more" if its.grows else told


def proves(venue: Venue) -> str:
    proof = venue.proof
    signs = {*proof.signs}
    if signs & {Sign.COUNTER, Sign.CHAIN, Sign.RANGE}:
        return f"each loss{_where(proof)}{', and its size' if proof.sized else ''}"
    if Sign.CHECKSUM in signs and venue.checksum is not None:
        return f"the best {venue.checksum.levels} levels"
    if Sign.WHOLE in signs:
        return "each message is whole"
    return "the order, no loss" if Sign.CLOCK in signs else "nothing"


def _where(proof: Proof) -> str:
    return " on a connection" if proof.scope is Scope.CONNECTION else ""


def _checksum(venue: Venue) -> str:
    if venue.checksum is None:
        return "-"
    sure = Sign.CHECKSUM in venue.proof.signs
    return f"best {venue.checksum.levels}{'' if sure else ', if sent'}"


def _greeks(its: Carried) -> str:
    missing = [name for name in GREEKS if name not in its.stats]
    if len(missing) == len(GREEKS):
        return "-"
    assert its.stats >= IVS
    return f"all but {', '.join(missing)}" if missing else "all"


def _funding(its: Carried) -> str:
    """The rate; when it is due; what the one after it may be."""
    words = {"funding": "rate", "next_funding": "time", "predicted_funding": "predicted"}
    return ", ".join(word for stat, word in words.items() if stat in its.stats) or "-"


def _yes(there: object) -> str:
    return "yes" if there else "-"
