"""What is asked of a venue over HTTP, or over a socket in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """A REST request: the path and query after the venue's `rest_url`.

    `levels`: of a book, how many a side are asked for; a side with fewer in the answer is whole.
    `body`: the JSON text that a POST carries. `symbol`: whose book is asked for, of venues with
    `socket_books`.
    """

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1
    levels: int = 0
    method: str = "GET"
    body: str = ""
    symbol: str = ""

    def __post_init__(self) -> None:
        if self.method not in ("GET", "POST"):
            raise ValueError(f"{self.path}: method {self.method!r}: GET and POST are allowed")
        if self.body and self.method == "GET":
            raise ValueError(f"{self.path}: a GET has no body")

    @property
    def posted(self) -> str | None:
        """What is posted, be it empty; None: it is no POST."""
        return self.body if self.method == "POST" else None
