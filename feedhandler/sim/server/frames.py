"""WebSocket frames of a server (RFC 6455): unmasked, uncompressed, built once for all clients."""

from __future__ import annotations

TEXT = 0x1
BINARY = 0x2
PING = 0x9
PONG = 0xA
_FIN = 0x80


def _frame(first_byte: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first_byte, size)) + payload
    if size < 65536:
        return b"%c\x7e%b%b" % (first_byte, size.to_bytes(2, "big"), payload)
    return b"%c\x7f%b%b" % (first_byte, size.to_bytes(8, "big"), payload)


def encode(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole message in one frame. Control payloads are at most 125 bytes."""
    return _frame(_FIN | opcode, payload)


def encode_fragmented(payload: bytes, pieces: int, opcode: int = TEXT) -> bytes:
    """One message over several frames; cuts fall anywhere, also within a UTF-8 character."""
    step = max(1, -(-len(payload) // pieces))
    parts = [payload[at : at + step] for at in range(0, len(payload), step)] or [b""]
    last = len(parts) - 1
    return b"".join(
        _frame((opcode if i == 0 else 0) | (_FIN if i == last else 0), part)
        for i, part in enumerate(parts)
    )
