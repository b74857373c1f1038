"""A venue whose frames do not have what it says of its books is refused at load, with the place."""

from __future__ import annotations

from typing import Any

import pytest

from feedhandler.adapter.checksum import Checksum, Number, Order
from feedhandler.adapter.declared import BookPath
from feedhandler.adapter.proof import Proof, Scope, Sign
from feedhandler.adapter.venue import Base, Continuity
from feedhandler.shape import Frame, ShapeError
from tests.adapter.declared_venues import Joined, Piece

CHECKSUM = Checksum(10, Order.ASKS, Number.DIGITS)
COUNTER = Proof((Sign.COUNTER,), scope=Scope.CONNECTION)


def frame(kind: str, more: str = "") -> Frame:
    sample = f'{{"t":"{kind}","s":"$symbol","b":$bids,"a":$asks{more}}}'
    return Frame(kind, sample, level='["$price","$size"]')


def books(more: str, change: str = "") -> tuple[Frame, ...]:
    return frame("snapshot", more), frame("book", more + change)


def declared(**facts: Any) -> None:
    venue = {
        "name": "proven", "ws_urls": Joined.ws_urls, "rest_url": Joined.rest_url,
        "statuses": Joined.statuses, "words": Joined.words, "listing": Joined.listing,
        "topics": {"book": "book:$symbol"}, "rule": Continuity.NONE, "base": Base.STREAM,
        "proof": Proof(),
    }  # fmt: skip
    type("Proven", (Piece,), venue | facts)


def ruled(rule: Continuity, sign: Sign, *frames: Frame) -> dict[str, Any]:
    return {"rule": rule, "proof": Proof((sign,)), "frames": frames}


NEXT = ruled(Continuity.NEXT, Sign.COUNTER, *books(',"u":$final'))
CHECKED_ONCE = {  # old frames have no numbers, the venue's new ones no checksum
    "rule": Continuity.PREVIOUS,
    "proof": Proof((Sign.CHAIN,), note="its checksum is 0 now"),
    "checksum": CHECKSUM,
    "frames": books(',"c?":$checksum,"u?":$final,"p?":$previous'),
}


@pytest.mark.parametrize(
    "facts",
    [
        {"frames": books("")},
        NEXT,
        CHECKED_ONCE,
        ruled(Continuity.PREVIOUS, Sign.CHAIN, *books(',"u":$final', ',"p":$previous')),
        ruled(Continuity.RANGE, Sign.RANGE, *books(',"u":$final', ',"f":$first')),
        ruled(Continuity.TIME, Sign.CLOCK, *books(',"e":$time_us')),
        {"base": Base.EVERY, "proof": Proof((Sign.WHOLE,)), "frames": (frame("full"),)},
        {"proof": COUNTER, "frames": (*books(""), Frame("number", '{"n":$conn}'))},
        {
            "proof": Proof((Sign.CHECKSUM,)),
            "checksum": CHECKSUM,
            "frames": books(',"c":$checksum'),
        },
        {
            "proof": Proof((Sign.CHECKSUM,)),
            "checksum": CHECKSUM,
            "frames": (*books(""), Frame("checksum", '{"t":"sum","s":"$symbol","c":$checksum}')),
        },
    ],
)
def test_what_is_proven_is_taken(facts: dict[str, Any]) -> None:
    declared(**facts)


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (
            ruled(Continuity.PREVIOUS, Sign.CHAIN, *books(',"u":$final')),
            r"frames: book .*PREVIOUS, \$previous has to come with each change",
        ),
        (
            ruled(Continuity.RANGE, Sign.RANGE, *books(',"u":$final', ',"f?":$first')),
            r"frames: book .*RANGE, \$first has to come with each change",
        ),
        (
            ruled(Continuity.NEXT, Sign.COUNTER, *books(',"u?":$final')),
            r"frames: book .*NEXT, \$final has to come with each change",
        ),
        (
            ruled(Continuity.NEXT, Sign.COUNTER, *books("", ',"u":$final')),
            r"frames: snapshot .*NEXT, a book has \$final",
        ),
        (
            ruled(Continuity.TIME, Sign.CLOCK, *books("")),
            r"frames: snapshot .*TIME, a book has \$time_ms",
        ),
        ({"proof": Proof((Sign.CHAIN,)), "frames": books("")}, "CHAIN, and its rule is NONE"),
        ({"proof": COUNTER, "frames": books("")}, r"no frame has \$conn"),
        (
            {"frames": (*books(""), Frame("number", '{"n":$conn}'))},
            r"frames have \$conn: that is COUNTER, and of Scope.CONNECTION",
        ),
        ({"proof": Proof((Sign.WHOLE,)), "frames": books("")}, "WHOLE, and its base is STREAM"),
        (
            {"proof": Proof((Sign.CHECKSUM,)), "checksum": CHECKSUM, "frames": books("")},
            r"CHECKSUM, and no frame has \$checksum",
        ),
        (
            {
                "proof": Proof((Sign.CHECKSUM,)),
                "checksum": CHECKSUM,
                "frames": books(',"c?":$checksum'),
            },
            r"nothing but CHECKSUM, and \$checksum need not come in snapshot",
        ),
        (
            {"frames": books(',"c":$checksum')},
            r"\$checksum in snapshot .*, and no `checksum` says of what it is",
        ),
        (
            NEXT
            | {
                "proof": Proof((Sign.COUNTER, Sign.CHECKSUM)),
                "checksum": Checksum(51, Order.ASKS, Number.DIGITS),
                "frames": books(',"u":$final,"c":$checksum'),
            },
            "of 1 to 50 levels",
        ),
        (NEXT | {"frames": NEXT["frames"][1:]}, "base: STREAM, and no frame of kind 'snapshot'"),
        (NEXT | {"base": Base.REQUEST}, "base: REQUEST, and no `book`"),
        (
            {
                "base": Base.REQUEST,
                "book": BookPath("/book/$symbol"),
                "frames": (frame("book"), frame("answer")),
            },
            "base: REQUEST, and by its rule, NONE, nothing says",
        ),
        (
            {
                "base": Base.EVERY,
                "proof": Proof((Sign.WHOLE,)),
                "frames": (frame("full"), frame("book")),
            },
            "base: EVERY: each frame of a book is of kind 'full'",
        ),
        ({"frames": (Frame("none", '{"t":"x"}'),)}, "there is a topic of books, and no frame"),
    ],
)
def test_what_is_not_proven_is_refused(facts: dict[str, Any], what: str) -> None:
    with pytest.raises(ShapeError, match=what):
        declared(**facts)
