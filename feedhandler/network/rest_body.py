"""The body of a REST answer, within a bound whatever the venue claims: of what comes over the wire,
and of what it inflates to. What is more is not read.

Inflating is done here, not by the HTTP library, in small steps between which the event loop goes
on: a few kilobytes can stand for gigabytes.
"""

import asyncio
import zlib

import aiohttp

from feedhandler import heap

#: what we can inflate; asked for so that nothing else is sent
ACCEPTED = "gzip, deflate"
_STEP = 1 << 18  # bytes inflated before others have their turn
_LARGE_BYTES = 1 << 21  # the memory of an answer with more is given back
_GIVE_BACK_S = 5.0  # after it came: whoever asked for it has made something of it by then
_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15, "identity": 0, "": 0}


class TooLarge(ValueError):  # noqa: N818
    """More than the bound."""


async def read(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole body, inflated. Raises TooLarge, and ValueError for what cannot be inflated."""
    if (answer.content_length or 0) > most:
        raise TooLarge(f"an answer of {answer.content_length} bytes: more than {most} are not read")
    coding = answer.headers.get("Content-Encoding", "").strip().lower()
    if coding not in _WBITS:
        raise ValueError(f"an answer with Content-Encoding {coding[:40]!r}")
    inflater = _Inflater(_WBITS[coding], most) if _WBITS[coding] else None
    parts: list[bytes] = []
    size = 0
    try:
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size > most:
                raise TooLarge(f"an answer of more than {most} bytes")
            if inflater is None:
                parts.append(chunk)
            else:
                await inflater.take(chunk)
        return b"".join(parts) if inflater is None else inflater.whole()
    finally:  # also where it was cut off, or took too long
        if max(size, inflater.size if inflater is not None else 0) > _LARGE_BYTES:
            asyncio.get_running_loop().call_later(_GIVE_BACK_S, heap.give_back)


class _Inflater:
    def __init__(self, wbits: int, most: int) -> None:
        self._wbits = wbits
        self._most = most
        self._stream = zlib.decompressobj(wbits)
        self._parts: list[bytes] = []
        self.size = 0  #: of what it was inflated to

    async def take(self, chunk: bytes) -> None:
        if not self.size and self._wbits == 15 and chunk[0] & 15 != 8:
            self._stream = zlib.decompressobj(-15)  # some send `deflate` without its frame
        rest = chunk
        try:
            while not self._stream.eof:
                part = self._stream.decompress(rest, _STEP)
                self._add(part)
                rest = self._stream.unconsumed_tail
                if not rest and len(part) < _STEP:  # else there may be more of what was taken in
                    return
                await asyncio.sleep(0)
        except zlib.error as error:
            raise ValueError(f"an answer that cannot be inflated: {error}") from None

    def whole(self) -> bytes:
        if self.size and not self._stream.eof:
            raise ValueError("a compressed answer that has no end")
        return b"".join(self._parts)

    def _add(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > self._most:
            raise TooLarge(f"an answer that inflates to more than {self._most} bytes")
        self._parts.append(part)
