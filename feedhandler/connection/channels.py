"""The numbers by which a venue names, on one connection, what it was asked for (Bitfinex).

An acknowledgement teaches a number; the frames that follow, perhaps in the same read, carry nothing
else. So it is bound before the next frame is read, and until the session ends or the key is left.
"""

from collections.abc import Callable, Sequence

from feedhandler.adapter.venue import Venue
from feedhandler.connection.subscriptions import Subscriptions
from feedhandler.engine._engine import Connection as Native


class Channels:
    """`instrument`: the engine's of a key; None: it has none."""

    def __init__(
        self,
        venue: Venue,
        native: Native,
        subscriptions: Subscriptions,
        instrument: Callable[[str], int | None],
    ) -> None:
        self._venue = venue
        self._native = native
        self._subscriptions = subscriptions
        self._instrument = instrument

    def taught(self, keys: Sequence[str], number: int) -> None:
        """These keys have this number from now on."""
        for key in keys:
            self._subscriptions.taught(key, number)
            instrument = self._instrument(key)
            if instrument is not None:
                self._native.bind(number, instrument, self._venue.topic(key))

    def left(self, number: int) -> None:
        """Nothing comes by this number any more."""
        self._native.unbind(number)
