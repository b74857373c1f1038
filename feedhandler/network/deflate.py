"""permessage-deflate (RFC 7692), the receiving half: the WebSocket library hands over compressed
frames as they are.

We offer it, the venue accepts or not, and a message whose first frame carries RSV1 is inflated. We
send nothing compressed, which is always allowed (RFC 7692, 6). Compression costs the venue's CPU
and ours and adds latency; it pays where the line is thin.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: `client_max_window_bits`: as browsers offer it; it binds only a client that compresses
OFFER = "permessage-deflate; client_max_window_bits"
HEADER = "Sec-WebSocket-Extensions"
_TAIL = b"\x00\x00\xff\xff"  # RFC 7692, 7.2.2: what the sender cut off
_WINDOW_BITS = range(8, 16)


class ExtensionError(ValueError):
    """The venue's answer is not one to our offer: the session must not be used (RFC 7692, 7.1)."""


class DeflateError(ValueError):
    """A message that cannot be inflated; nor can any after it."""


class MessageTooLong(DeflateError):  # noqa: N818
    """A message that inflates to more than the bound."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was negotiated of the venue's direction."""

    no_context_takeover: bool = False  #: each message is compressed for itself
    window_bits: int = 15


def agreement(headers: Iterable[str]) -> Agreement | None:
    """What the values of the response's Sec-WebSocket-Extensions agree to; None: no compression.

    Raises ExtensionError for an extension or a parameter that was not offered or makes no sense.
    """
    accepted = [text.strip() for header in headers for text in header.split(",") if text.strip()]
    if not accepted:
        return None
    name, *parameters = (part.strip() for part in accepted[0].split(";"))
    if len(accepted) > 1 or name.lower() != "permessage-deflate":
        raise ExtensionError(f"an extension that nobody asked for: {', '.join(accepted)!r}")
    seen: dict[str, str] = {}
    for parameter in parameters:
        key, _, value = (part.strip() for part in parameter.partition("="))
        if key in seen:
            raise ExtensionError(f"permessage-deflate with {key!r} twice")
        seen[key] = value.strip('"')
    takeover, bits = True, 15
    for key, value in seen.items():
        if key in ("server_no_context_takeover", "client_no_context_takeover") and not value:
            takeover = takeover and not key.startswith("server")
        elif key in ("server_max_window_bits", "client_max_window_bits") and _are_bits(value):
            bits = int(value) if key.startswith("server") else bits
        else:
            raise ExtensionError(f"permessage-deflate with {key!r} = {value!r}")
    return Agreement(no_context_takeover=not takeover, window_bits=bits)


def _are_bits(value: str) -> bool:
    return value.isascii() and value.isdigit() and int(value) in _WINDOW_BITS


class Inflater:
    """The messages of one session, in their order. `limit`: bytes that one may inflate to."""

    def __init__(self, agreed: Agreement, limit: int) -> None:
        self._agreed = agreed
        self._limit = limit
        self._stream = self._new()

    def _new(self) -> Any:
        # zlib refuses 8 for raw streams of its own making; a larger window reads smaller ones
        return zlib.decompressobj(-max(9, self._agreed.window_bits))

    def message(self, payload: Any) -> bytes:
        """Inflate one whole message. Raises DeflateError; then the session is over.

        Never holds more than `limit` bytes, whatever the message claims to be.
        """
        stream = self._stream
        try:
            inflated: bytes = stream.decompress(b"".join((payload, _TAIL)), self._limit + 1)
        except zlib.error as error:
            raise DeflateError(f"a compressed message that cannot be inflated: {error}") from None
        if len(inflated) > self._limit:
            raise MessageTooLong(
                f"a compressed message that inflates to more than {self._limit >> 20} MiB"
            )
        if self._agreed.no_context_takeover:
            self._stream = self._new()
        elif stream.eof:  # a final block; the window that the next message refers to is gone
            raise DeflateError("a compressed message that ends the stream it should continue")
        return inflated
