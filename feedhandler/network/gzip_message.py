"""Messages that a venue sends as gzip members (RFC 1952), one in each frame, beside the compression
of the WebSocket."""

import zlib
from typing import Any

from feedhandler.network.deflate import DeflateError, MessageTooLong

_MAGIC = b"\x1f\x8b"  # never the beginning of a text: the second byte is none of UTF-8's first ones
_WBITS = 31


def is_gzip(message: Any) -> bool:
    """Whether a message says that it is a gzip member."""
    return bytes(message[:2]) == _MAGIC


def inflated(message: Any, limit: int) -> bytes:
    """What a whole member has. Raises DeflateError, and MessageTooLong for more than `limit` bytes:
    no more than those are ever held, whatever the message claims to be."""
    stream = zlib.decompressobj(_WBITS)
    try:
        plain = stream.decompress(message, limit + 1)
    except zlib.error as error:
        raise DeflateError(f"a gzip message that cannot be inflated: {error}") from None
    if len(plain) > limit:
        raise MessageTooLong(f"a gzip message that inflates to more than {limit >> 20} MiB")
    if not stream.eof:
        raise DeflateError("a gzip message that breaks off")
    if stream.unused_data:
        raise DeflateError("a gzip message with something behind it")
    return plain
