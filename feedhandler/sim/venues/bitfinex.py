"""A simulated Bitfinex: what it declares, and that only a connection that has asked for them has
numbers and checksums. Each `conf` replaces the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

import orjson

from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.declared.server import DeclaredServer

_SEQ_ALL: Final = 65_536
_OB_CHECKSUM: Final = 131_072


class BitfinexServer(DeclaredServer):
    """Flags are of a connection."""

    first_number: ClassVar[int] = 1

    def on_text(self, client: Client, text: str) -> None:
        """Also `conf`, whatever flags it has."""
        flags = _flags(text)
        if flags is None:
            super().on_text(client, text)
            return
        client.memory["flags"] = flags
        client.send(orjson.dumps({"event": "conf", "status": "OK", "flags": flags}))

    def numbered(self, client: Client, payload: bytes) -> bytes:
        """As far as it was asked for."""
        wanted = client.memory.get("flags", 0) & _SEQ_ALL
        return super().numbered(client, payload) if wanted else payload

    def deliver(self, clients: Iterable[Client], payload: bytes, pieces: int = 1) -> None:
        """A checksum goes to those only who have asked for them."""
        if b',"cs",' in payload[:32]:
            clients = [one for one in clients if one.memory.get("flags", 0) & _OB_CHECKSUM]
        super().deliver(clients, payload, pieces)


def _flags(text: str) -> int | None:
    """Of a `conf`; None: it is none."""
    try:
        asked = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(asked, dict) or asked.get("event") != "conf":
        return None
    flags = asked.get("flags")
    return flags if isinstance(flags, int) else 0
