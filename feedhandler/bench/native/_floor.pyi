"""The C floor of the decode benchmark: frames of the exact recorded format, as little as can be."""

PADDING: int
"""Zeros behind a frame: so many the engine asks for where it reads frames where they lie."""

class Floor:
    def __init__(self, venue: str, slots: int = 1 << 17) -> None:
        """ValueError where there is no floor for the venue."""

    @property
    def levels(self) -> int: ...
    @property
    def records(self) -> int: ...
    def depth(self) -> int:
        """Levels in all books: to see that it did the work."""

    def book(self, symbol: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int]], int, int]:
        """Bids and asks (price, size), best first, and how many places prices and sizes have."""

    def counters(self) -> dict[str, int]:
        """Frames that changed nothing: `refused`, `copies`; and `gaps`."""

    def begin(self) -> None:
        """Another session: books, and what numbers they are at, begin anew."""

    def snapshot(self, symbol: bytes, body: bytes) -> None:
        """Start a book from Binance's answer to a depth request; ValueError where that is none."""

    def feed(self, frames: list[bytes]) -> None:
        """Frames with `PADDING` bytes more behind each."""
