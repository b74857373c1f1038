"""Books whose stream has said nothing since their base was asked for: LIVE as long as the venue
says, whenever it is asked, that nothing has changed.

An answer with a book names no instrument, and a stream that says nothing may be quiet or dead. So a
book is believed without its stream if the venue's number has stood still for STILL_S, and an answer
that names the instrument has the same best levels; and it is asked about again every WATCH_S. When
the number has moved on and the stream has not spoken, the subscription is dead, and the book lost.
That costs requests for each such book, so that there are MOST of them at a time; the others wait
for their stream.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from time import time_ns

from feedhandler.adapter.venue import Venue
from feedhandler.engine import _engine
from feedhandler.instruments.universe import CarriedInstrument
from feedhandler.log import Throttle
from feedhandler.network.rest import Getter, RestError
from shm import Reason, State

STILL_S = 3.0  #: how long the number has to stand still
WATCH_S = 1.5  #: from one question to the next
GRACE_S = 0.5  #: that a stream has for what an answer was quicker to tell
MOST = 8
LOOK_S = 0.1
_UNCONFIRMED = (State.SYNCING, Reason.UNCONFIRMED)


@dataclass(slots=True)
class _Quiet:
    tracked: CarriedInstrument
    number: int
    since_ns: int
    due: float
    believed: bool = False
    moved: bool = False


class QuietBooks:
    """One venue's. `lost`: the book needs another subscription. `run` until cancelled."""

    def __init__(
        self,
        venue: Venue,
        engine: _engine.Engine,
        requests: Getter,
        lost: Callable[[CarriedInstrument], None],
    ) -> None:
        self._venue = venue
        self._engine = engine
        self._requests = requests
        self._lost = lost
        self._clock = asyncio.get_running_loop().time
        self._books: dict[int, _Quiet] = {}
        self._dead: dict[int, int] = {}  # whose silence was not quiet: since when, unix ns
        self._quiet = Throttle()

    def still(self, tracked: CarriedInstrument, number: int, since_ns: int) -> None:
        """The venue's number has stood still for STILL_S, and the stream has said nothing."""
        if tracked.id in self._books or len(self._books) >= MOST:
            return
        if self._heard(tracked) < self._dead.get(tracked.id, 0):
            return
        if self._venue.best_request(tracked.spec.symbol) is not None:
            self._books[tracked.id] = _Quiet(tracked, number, since_ns, self._clock())

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            now = self._clock()
            for row, book in list(self._books.items()):
                if not self._concerned(book):
                    del self._books[row]
                elif now >= book.due:
                    await self._ask(book)
            await asyncio.sleep(LOOK_S)

    def _heard(self, tracked: CarriedInstrument) -> int:
        """When the stream last said something of the book, unix ns."""
        return self._engine.heard(tracked.id, _engine.CHANNEL_BOOK)

    def _concerned(self, book: _Quiet) -> bool:
        state = self._engine.state(book.tracked.id)
        return (
            not book.tracked.closed
            and state == ((State.LIVE, Reason.NONE) if book.believed else _UNCONFIRMED)
            and self._engine.book(book.tracked.id)[2] == book.number
            and self._heard(book.tracked) < book.since_ns
        )

    async def _ask(self, book: _Quiet) -> None:
        tracked, symbol = book.tracked, book.tracked.spec.symbol
        venue = self._venue
        request = venue.number_request(symbol) if book.believed else venue.best_request(symbol)
        if request is None:
            return
        try:
            body = await self._requests.get(request)
            same = (
                venue.parse_book(body).sequence == book.number
                if book.believed
                else venue.parse_best(body, symbol) == self._best(tracked)
            )
        except (RestError, ValueError, NotImplementedError) as error:
            text = f"{symbol}: its quiet stream is not confirmed: {error}"
            self._quiet.warning("quiet", text, instrument=symbol)
            same = False
        book.due = self._clock() + (WATCH_S if same else GRACE_S)
        if not self._concerned(book):
            return
        if not book.believed:
            book.believed = same and self._engine.confirm(tracked.id)
            if not book.believed:
                del self._books[tracked.id]
        elif same:
            book.moved = False
        elif not book.moved:
            book.moved = True
        else:
            del self._books[tracked.id]
            self._dead[tracked.id] = time_ns()
            self._lost(tracked)

    def _best(self, tracked: CarriedInstrument) -> list[tuple[Decimal, Decimal]]:
        bids, asks, _, price, size = self._engine.book(tracked.id)
        return [
            (Decimal(int(side[0][0])).scaleb(price), Decimal(int(side[0][1])).scaleb(size))
            for side in (bids, asks)
            if len(side)
        ]
