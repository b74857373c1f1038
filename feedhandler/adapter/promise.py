"""What a venue's channel promises to bring, which tells a dumb subscription from a quiet market."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """Of one channel.

    `column`: where the engine notes that it spoke (`universe.CHANNEL`). `first_s`: it speaks within
    so long of its acknowledgement, whatever the market does; 0: it need not. `every_s`: and then at
    least so often; 0: when something changes. `moves`: it tells of every change of the best bid and
    offer, so that it speaks if another channel of the instrument shows such a change. `rhythm`:
    whether it has one.
    """

    column: str
    first_s: float = 0.0
    every_s: float = 0.0
    moves: bool = False
    rhythm: bool = True


NONE = Promise("")  #: of a channel of which nothing is known

#: Channels that all venues have, and that promise nothing but what happens.
TRADES = Promise("trades")
LIQUIDATIONS = Promise("liquidations", rhythm=False)
