"""Who listens to what, and the way of a data message to them, through the faults."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from feedhandler.sim.faults.in_force import Delivery, Faults
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.frames import encode, encode_fragmented


class Broadcast:
    """Channels and their subscribers. Faults are applied here, once for all of a channel."""

    faults: Faults

    def __init__(self) -> None:
        self._subscribers: defaultdict[str, list[Client]] = defaultdict(list)
        self._held: dict[str, bytes] = {}

    def symbol_of(self, channel: str) -> str | None:
        """The instrument that a channel of `subscribe` names."""
        raise NotImplementedError

    def wants(self, channel: str) -> bool:
        """Whether anybody listens to a channel: nothing is built for nobody."""
        return bool(self._subscribers.get(channel))

    def listeners(self, channel: str) -> list[Client]:
        """Those who listen to a channel."""
        return list(self._subscribers.get(channel, ()))

    def heard(self, prefix: str = "") -> list[str]:
        """The channels with listeners whose name begins so."""
        return [channel for channel in self._subscribers if channel.startswith(prefix)]

    def subscribe(self, client: Client, channel: str) -> bool:
        """Add a subscription; False if it was there."""
        if channel in client.channels:
            return False
        client.channels.add(channel)
        dumb = self.faults.of("dumb")
        if dumb and self.faults.take("dumb", self.symbol_of(channel), channel) is not None:
            return False  # nor a first message
        self._subscribers[channel].append(client)
        return True

    def unsubscribe(self, client: Client, channel: str) -> bool:
        """Remove a subscription; False if there was none."""
        if channel not in client.channels:
            return False
        client.channels.discard(channel)
        listeners = self._subscribers.get(channel, [])
        if client not in listeners:  # it was dumb
            return True
        listeners.remove(client)
        if not listeners:
            del self._subscribers[channel]
            self._held.pop(channel, None)
        return True

    def push(self, channel: str, symbol: str, payload: bytes) -> None:
        """Queue one data message for all who listen to a channel."""
        if (changed := self.changed(channel, symbol, payload)) is not None:
            self.deliver(self._subscribers[channel], *changed)

    def send_data(self, client: Client, channel: str, symbol: str, payload: bytes) -> None:
        """Queue one data message for one client, faults applied (a snapshot, a first ticker)."""
        if (changed := self.changed(channel, symbol, payload)) is not None:
            self.deliver((client,), *changed)

    def deliver(self, clients: Iterable[Client], payload: bytes, pieces: int = 1) -> None:
        """Queue one message, in so many frames, for some clients."""
        frame = self.framed(payload, pieces)
        for client in clients:
            client.out.append(frame)

    def framed(self, payload: bytes, pieces: int = 1) -> bytes:
        """A message as it goes over the wire."""
        return encode_fragmented(payload, pieces) if pieces > 1 else encode(payload)

    def changed(self, channel: str, symbol: str, payload: bytes) -> tuple[bytes, int] | None:
        """A data message as the faults have it, and in how many frames; None: not at all."""
        if not self.faults.active:
            return payload, 1
        if self.faults.silences(symbol, channel):
            return None
        if self.faults.of("far"):
            payload = self.far(channel, symbol, payload)
        if self.faults.of("malform"):
            payload = self.faults.malformed(symbol, channel, payload)
        return payload, self.faults.spend_fragment()

    def far(self, name: str, symbol: str, payload: bytes) -> bytes:
        """The message with a number far ahead, if a fault has it so."""
        raise NotImplementedError

    def verdict(self, channel: str, symbol: str) -> Delivery:
        """What a fault does to the next book message of a channel."""
        if not self.faults.active or channel in self._held:
            return Delivery.SEND
        return self.faults.on_book(symbol)

    def push_book(self, channel: str, symbol: str, payload: bytes, verdict: Delivery) -> None:
        """`push` one book message as the verdict has it."""
        if verdict is Delivery.SKIP:
            return
        if verdict is Delivery.LATER:
            self._held[channel] = payload
            return
        if verdict is Delivery.CUT:
            payload = payload[: len(payload) // 2]
        self.push(channel, symbol, payload)
        if verdict is Delivery.TWICE:
            self.push(channel, symbol, payload)
        if self._held and (late := self._held.pop(channel, None)) is not None:
            self.push(channel, symbol, late)


def ahead(payload: bytes, key: str, by: int) -> bytes:
    """The message with the number under a key raised."""
    number = rb'("%b":"?)(\d+)' % key.encode()
    return re.sub(number, lambda found: found[1] + b"%d" % (int(found[2]) + by), payload)
