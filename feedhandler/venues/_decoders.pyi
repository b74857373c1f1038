"""The venues' decoders, native: what reads a venue's frames. The engine is handed one of them."""

from feedhandler.engine._engine import Decoder

def names() -> list[str]:
    """Of every decoder there is."""

def find(name: str, frames: bytes = b"") -> Decoder:
    """`frames`: the venue's shapes (`feedhandler.shape.compiled`).

    Raises ValueError for a name that no decoder has.
    """
