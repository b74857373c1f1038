"""The C floor of the decode benchmark: frames of the exact recorded format, nothing checked."""

PADDING: int
"""Bytes behind a frame that can be read."""

class Floor:
    def __init__(self, venue: str, slots: int = 1 << 17) -> None:
        """ValueError where there is no floor for the venue."""

    @property
    def levels(self) -> int: ...
    @property
    def records(self) -> int: ...
    def depth(self) -> int:
        """Levels in all books: to see that it did the work."""

    def snapshot(self, symbol: bytes, body: bytes) -> None:
        """Start a book from Binance's answer to a depth request."""

    def feed(self, frames: list[bytes]) -> None:
        """Frames with `PADDING` bytes more behind each."""
