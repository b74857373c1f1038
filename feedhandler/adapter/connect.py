"""How a venue's WebSocket is come by, and what has to come on it before anything is asked."""

import re
from dataclasses import dataclass

from feedhandler.adapter.request import Request
from feedhandler.shape.errors import ShapeError
from feedhandler.shape.tree import Node, holes, parsed

HOLE = re.compile(r"\$(\w+)")


@dataclass(frozen=True, slots=True)
class Token:
    """A connect that is asked for over REST, anew for each try.

    `answer`: a sample of what `request` is answered with (`shape/tree.py`). `url`: made of its
    holes; `$endpoint` as it is said, others escaped; `$id` is another one each time. The holes
    `$period_ms` and `$cut_ms` are the heartbeat of the session, if they make sense as one.
    """

    request: Request
    answer: str
    url: str = "$endpoint?token=$token&connectId=$id"

    def __post_init__(self) -> None:
        said = {hole.name for hole in holes(self.tree)} | {"id"}
        missing = [name for name in HOLE.findall(self.url) if name not in said]
        if missing:
            raise ShapeError(f"the token's url has ${missing[0]}, its answer has not")

    @property
    def tree(self) -> Node:
        return parsed(self.answer, "the token's answer")


@dataclass(frozen=True, slots=True)
class Welcome:
    """A frame of this shape comes before the first subscription is sent, or the session is of no
    use. What is sent as soon as the socket is open does not wait for it: it may be its answer."""

    sample: str
    within_s: float = 5.0

    def __post_init__(self) -> None:
        _ = self.tree

    @property
    def tree(self) -> Node:
        return parsed(self.sample, "the welcome")
