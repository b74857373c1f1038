"""What a venue says of its books, held against its frames: what proves a book stands in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from feedhandler.adapter.proof import Scope, Sign
from feedhandler.adapter.venue import Base, Continuity, Venue
from feedhandler.shape import Frame, ShapeError
from feedhandler.shape.frame import TIMES, Role
from feedhandler.shape.meaning import Meaning, meaning

_FINAL = frozenset({Role.FINAL})
_PREVIOUS = frozenset({Role.PREVIOUS, Role.PREVIOUS_SIGNED})
#: by what a loss is noticed under each rule
SIGNS = {
    Continuity.PREVIOUS: Sign.CHAIN,
    Continuity.RANGE: Sign.RANGE,
    Continuity.NEXT: Sign.COUNTER,
    Continuity.TIME: Sign.CLOCK,
}
#: what a change has to have by each rule, of each group one; by the first books and changes join
_RULES: dict[Continuity, tuple[frozenset[Role], ...]] = {
    Continuity.PREVIOUS: (_FINAL, _PREVIOUS),
    Continuity.RANGE: (_FINAL, _PREVIOUS | {Role.FIRST}),
    Continuity.NEXT: (_FINAL,),
    Continuity.TIME: (TIMES,),
}
_NAMES = {_FINAL: "$final", _PREVIOUS: "$previous", TIMES: "$time_ms"}
_BEGINS = ("snapshot", "full")


def check(place: str, venue: type[Venue], frames: Sequence[Frame], *, asked: bool) -> None:
    """`asked`: it is declared how a book is asked for. Raises ShapeError that names the place."""
    rule = getattr(venue, "rule", Continuity.NONE)
    base = getattr(venue, "base", Base.STREAM)
    told = [meaning(frame) for frame in frames]
    if getattr(venue, "uncrosses", False) and base is not Base.STREAM:
        raise ShapeError(f"{place}: uncrosses: of books that begin in the stream")
    kinds = {frame.kind for frame in frames} | {"snapshot" for frame in frames if frame.still}
    for text in (*_signs(venue, rule, base, kinds), *_checksum(venue, rule, told)):
        raise ShapeError(f"{place}: proof: {text}")
    if kinds - {"answer"} and "book" in venue.channels and not kinds & {"book", *_BEGINS}:
        raise ShapeError(f"{place}: frames: there is a topic of books, and no frame of one")
    for text in _begins(rule, base, kinds, asked=asked):
        raise ShapeError(f"{place}: base: {text}")
    if base is not Base.EVERY:
        for one in told:
            for text in _numbers(rule, one, checked=venue.checksum is not None):
                raise ShapeError(f"{place}: frames: {one.place}: {text}")


def _signs(venue: type[Venue], rule: Continuity, base: Base, kinds: set[str]) -> Iterator[str]:
    signs, scope = venue.proof.signs, venue.proof.scope
    needed = SIGNS.get(rule)
    if (
        needed is not None
        and needed not in signs
        and not (base is Base.EVERY and Sign.WHOLE in signs)
    ):
        yield f"by its rule, {rule.name}, it has {needed.name}"
    counted = "number" in kinds and scope is Scope.CONNECTION
    for sign in signs:
        if sign in SIGNS.values() and sign is not needed and not (sign is Sign.COUNTER and counted):
            more = ", and no frame has $conn" if sign is Sign.COUNTER else ""
            yield f"{sign.name}, and its rule is {rule.name}{more}"
    if "number" in kinds and not (counted and Sign.COUNTER in signs):
        yield "frames have $conn: that is COUNTER, and of Scope.CONNECTION"
    if Sign.WHOLE in signs and base is not Base.EVERY:
        yield f"WHOLE, and its base is {base.name}, not EVERY"


def _checksum(venue: type[Venue], rule: Continuity, told: Sequence[Meaning]) -> Iterator[str]:
    checksum = venue.checksum
    said, given_up = Sign.CHECKSUM in venue.proof.signs, venue.proof.note  # as the note says then
    if said != (checksum is not None) and (said or not given_up):
        yield "CHECKSUM goes with a `checksum`, and only with one"
    having = [one for one in told if Role.CHECKSUM in one.roles]
    if checksum is None:
        for one in having:
            yield f"$checksum in {one.place}, and no `checksum` says of what it is"
        return
    if not 0 < checksum.levels <= 50 or len(checksum.separator.encode()) > 1:
        yield f"{checksum}: of 1 to 50 levels, with one sign between numbers at most"
    if told and not having:
        yield "CHECKSUM, and no frame has $checksum"
    beside = {one.frame.kind for one in told} & {"checksum", "number"}
    if rule is Continuity.NONE and not beside:
        for one in told:
            if one.frame.kind in ("book", "snapshot") and Role.CHECKSUM not in one.needed:
                yield f"nothing but CHECKSUM, and $checksum need not come in {one.place}"


def _begins(rule: Continuity, base: Base, kinds: set[str], *, asked: bool) -> Iterator[str]:
    if not kinds & {"book", *_BEGINS}:
        return
    if base is Base.EVERY and ("full" not in kinds or kinds & {"book", "snapshot"}):
        yield "EVERY: each frame of a book is of kind 'full'"
    if base is Base.STREAM and not kinds & {*_BEGINS}:
        yield "STREAM, and no frame of kind 'snapshot' begins a book"
    if base is Base.REQUEST and rule is Continuity.NONE and "book" in kinds:
        yield "REQUEST, and by its rule, NONE, nothing says which changes follow what was asked for"
    if base is Base.REQUEST and not asked:
        yield "REQUEST, and no `book` says how one is asked for"


def _numbers(rule: Continuity, told: Meaning, *, checked: bool) -> Iterator[str]:
    """What the rule goes by. A change that may come without it would be believed by itself, unless
    it has a checksum then: one with neither is refused as it comes."""
    groups = _RULES.get(rule, ())
    there = told.roles.keys() | told.of_level.keys()
    if checked and Role.CHECKSUM in there:
        return
    if told.frame.kind == "book":
        needed = told.needed | told.needed_of_level
        for group in groups:
            if not group & needed:
                name = _NAMES.get(group, "$first")
                yield f"by its rule, {rule.name}, {name} has to come with each change"
    elif told.frame.kind in ("snapshot", "answer") and groups and not groups[0] & there:
        yield f"by its rule, {rule.name}, a book has {_NAMES[groups[0]]}"
