"""The connections of a feed: which keys each carries, in which row, and how far it has come.

Keys travel in bundles. A bundle is on as many connections at once as the configuration's
`redundancy` says, and on one more while one of them is being replaced. While a bundle is being
split its parts are on connections of their own beside it, and then take its place. A connection is
in step with a book when the book would stay right with this connection alone.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from time import monotonic, time_ns

from feedhandler.adapter.venue import Venue
from feedhandler.connection.connection import Connection
from feedhandler.connection.state import ConnectionState, is_open
from feedhandler.engine import _engine
from feedhandler.instruments.universe import CarriedInstrument, Universe
from feedhandler.planning.packing import CONNECTION_ROWS, fitting

IDLE_S = 5.0  #: keys that are to come may be carried by connections that have none any more
QUIET_NS = 2_000_000_000  #: a book that said nothing since the subscription began is in step


@dataclass(eq=False, slots=True)
class Bundle:
    """Keys that travel together, and the connections that all carry them, the eldest first.

    `books`: the instruments whose books they are; `parts`: what it is being split into, or was;
    `whole`: what this is to be a part of.
    """

    endpoint: str
    books: set[int] = field(default_factory=set)
    connections: list[Connection] = field(default_factory=list)
    parts: "list[Bundle]" = field(default_factory=list)
    whole: "Bundle | None" = None
    idle_since: float | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return self.connections[0].subscriptions.keys

    def affords(self, count: int) -> bool:
        """Whether each of its connections may subscribe to so many more keys now."""
        now = monotonic()
        return all(each.subscriptions.affords(count, now) for each in self.connections)


@dataclass(eq=False, slots=True)
class _Place:
    """A row of the connection table that is taken. `since`: when the venue acknowledged each book,
    unix ns; `behind`: the books that were not in step since it connected."""

    connection: Connection
    bundle: Bundle
    up: bool = False
    since: dict[int, int] = field(default_factory=dict)
    behind: set[int] = field(default_factory=set)


class Fleet:
    """All connections of one venue. `make`: (row, endpoint, keys) -> a connection, not started."""

    def __init__(
        self,
        venue: Venue,
        engine: _engine.Engine,
        universe: Universe,
        make: Callable[[int, str, Sequence[str]], Connection],
        redundancy: int = 1,
    ) -> None:
        self.bundles: list[Bundle] = []
        self._venue = venue
        self._engine = engine
        self._universe = universe
        self._make = make
        self._redundancy = redundancy
        self._places: dict[int, _Place] = {}
        self._homeless: set[int] = set()  # books for which there was no room

    def __iter__(self) -> Iterator[Connection]:
        return iter([self._places[row].connection for row in sorted(self._places)])

    def __len__(self) -> int:
        return len(self._places)

    @property
    def room(self) -> int:
        """How many more connections there may be."""
        allowed = self._venue.limits.connections or CONNECTION_ROWS
        return min(allowed, CONNECTION_ROWS) - len(self._places)

    # ---- opening and closing

    def open(self, endpoint: str, keys: Sequence[str]) -> bool:
        """Carry keys on connections of their own. False: there is no room for even one."""
        bundle = Bundle(endpoint, self._books(keys))
        for _ in range(min(self._redundancy, self.room)):
            self._add(bundle, keys)
        if not bundle.connections:
            self._homeless |= bundle.books
            return False
        self._homeless -= bundle.books
        self.bundles.append(bundle)
        return True

    def beside(self, connection: Connection) -> Connection | None:
        """Another connection with the same keys, to replace this one. None: there is no room."""
        if self.room <= 0:
            return None
        bundle = self._places[connection.row].bundle
        return self._add(bundle, bundle.keys)

    def begin_split(self, bundle: Bundle, parts: Sequence[Sequence[str]]) -> list[Connection]:
        """Carry parts of its keys on connections of their own beside it. Empty: no room."""
        if self.room < len(parts) * self._redundancy:
            return []
        for keys in parts:
            part = Bundle(bundle.endpoint, self._books(keys), whole=bundle)
            bundle.parts.append(part)
            for _ in range(self._redundancy):
                self._add(part, keys)
        return [connection for part in bundle.parts for connection in part.connections]

    def finish_split(self, bundle: Bundle) -> None:
        """The parts are in its place from now on."""
        at = self.bundles.index(bundle)
        self.bundles[at : at + 1] = bundle.parts
        for part in bundle.parts:
            part.whole = None

    def give_up_split(self, bundle: Bundle) -> None:
        """The parts are of no use: it stays in its place, and they are about to be closed."""
        bundle.parts = []

    def _add(self, bundle: Bundle, keys: Sequence[str]) -> Connection:
        row = next(row for row in range(CONNECTION_ROWS) if row not in self._places)
        connection = self._make(row, bundle.endpoint, keys)
        self._places[row] = _Place(connection, bundle)
        self._places[row].behind.update(bundle.books)
        bundle.connections.append(connection)
        connection.start()
        return connection

    def retire(self, connection: Connection) -> None:
        """It is about to be closed; another one of its bundle carries on."""
        self._places[connection.row].bundle.connections.remove(connection)

    def free(self, connection: Connection) -> None:
        """It is closed: its row may be taken again."""
        del self._places[connection.row]

    def idle(self, now: float, busy: Set[Connection]) -> list[Bundle]:
        """Bundles that have had no keys for IDLE_S; they are given up, their connections are the
        caller's to retire. `busy`: connections that are replaced or replace others now."""
        over = []
        for bundle in self.bundles:
            if len(bundle.connections[0].subscriptions) or not busy.isdisjoint(bundle.connections):
                bundle.idle_since = None
                continue
            if bundle.idle_since is None:
                bundle.idle_since = now
            if now - bundle.idle_since >= IDLE_S:
                over.append(bundle)
        self.bundles = [bundle for bundle in self.bundles if bundle not in over]
        return over

    # ---- keys

    def carry(self, endpoint: str, keys: Sequence[str]) -> bool:
        """Carry these keys too, together. False: there is no room.

        On a connection whose hour allows it: a new one has the whole of its own.
        """
        there = [each for each in self.bundles if each.endpoint == endpoint and not each.parts]
        bundle = self._with_room([each for each in there if each.affords(len(keys))], keys)
        if bundle is None:
            if self.open(endpoint, keys):
                return True
            bundle = self._with_room(there, keys)  # late, but carried
        if bundle is None:
            return False
        books = self._books(keys)
        self._homeless -= books
        bundle.books |= books
        for connection in bundle.connections:
            self._places[connection.row].behind |= books
            connection.add(keys)
        return True

    def _with_room(self, bundles: Sequence[Bundle], keys: Sequence[str]) -> Bundle | None:
        """The first that has room for these keys too."""
        found = fitting(keys, [bundle.keys for bundle in bundles], self._venue)
        return None if found is None else bundles[found]

    def drop(self, tracked: CarriedInstrument, keys: Sequence[str]) -> None:
        """Carry the instrument no more, and none of these keys."""
        self._homeless.discard(tracked.id)
        for taken in self._places.values():
            taken.bundle.books.discard(tracked.id)
            taken.behind.discard(tracked.id)
            taken.since.pop(tracked.id, None)
            carried = taken.connection.subscriptions
            taken.connection.remove([key for key in keys if key in carried])

    def _books(self, keys: Sequence[str]) -> set[int]:
        return {tracked.id for tracked in self._universe.books(keys)}

    def books(self, connection: Connection) -> list[CarriedInstrument]:
        """The instruments whose books it carries."""
        books = self._places[connection.row].bundle.books
        return [self._universe.by_id[row] for row in sorted(books)]

    def carries(self, connection: Connection, tracked: CarriedInstrument) -> bool:
        """Whether it carries the instrument's book."""
        return tracked.id in self._places[connection.row].bundle.books

    # ---- who is up, and who carries what

    def connected(self, connection: Connection) -> None:
        """Its socket is open: it begins from nothing."""
        self._places[connection.row].up = True

    def down(self, connection: Connection) -> None:
        """Its socket is gone."""
        taken = self._places[connection.row]
        taken.up = False
        taken.since.clear()
        taken.behind.update(taken.bundle.books)

    def acknowledged(self, connection: Connection, tracked: CarriedInstrument) -> None:
        """The venue took the subscription to the book."""
        self._places[connection.row].since[tracked.id] = time_ns()

    def is_up(self, connection: Connection) -> bool:
        """Whether its socket is open."""
        return self._places[connection.row].up

    def others(self, connection: Connection) -> list[Connection]:
        """Those with the same keys, or some of them, whose sockets are open."""
        bundle = self._places[connection.row].bundle
        siblings = [bundle, *bundle.parts, *filter(None, [bundle.whole])]
        same = [each for one in siblings for each in one.connections]
        return [each for each in same if each is not connection and self.is_up(each)]

    def best(self, tracked: CarriedInstrument) -> Connection | None:
        """Who can do something about a book: best one that has it, else one that is open."""
        homes = [part for one in self.bundles for part in (one, *one.parts)]
        carriers = [each for one in homes if tracked.id in one.books for each in one.connections]

        def worth(connection: Connection) -> tuple[bool, bool]:
            taken = self._places[connection.row]
            return taken.up, tracked.id in taken.since

        return max(carriers, key=worth, default=None)

    def unstreamed(self) -> list[CarriedInstrument]:
        """The instruments whose books are on no connection that is open."""
        homes = [(one, *one.parts) for one in self.bundles]
        down = set(self._homeless)
        for bundle, *parts in homes:
            if self._is_open(bundle):
                continue
            down |= bundle.books
            for part in parts:
                if self._is_open(part):
                    down -= part.books
        return [self._universe.by_id[row] for row in sorted(down)]

    @staticmethod
    def _is_open(bundle: Bundle) -> bool:
        return any(is_open(each.state) for each in bundle.connections)

    def speaking_for_venue(self) -> list[Connection]:
        """Those by which a venue without books is judged: of each bundle the live ones, if any."""
        found = []
        for bundle in self.bundles:
            live = [c for c in bundle.connections if c.state is ConnectionState.LIVE]
            found += live or bundle.connections
        return found

    # ---- in step

    def book_refused(self, connection: Connection, tracked: CarriedInstrument) -> None:
        """It will not bring this book: the venue refused it."""
        self._places[connection.row].behind.discard(tracked.id)

    def base_joined(self, tracked: CarriedInstrument) -> None:
        """A full book that was asked for is in: who was subscribed before continues it."""
        connection = self.best(tracked)
        if connection is None or self._engine.feeders(tracked.id):
            return
        if tracked.id in self._places[connection.row].since:
            self._engine.adopt(tracked.id, connection.row)

    def in_step(self, connection: Connection) -> bool:
        """Whether it is, or has been since it connected, in step with each of its books."""
        taken = self._places.get(connection.row)
        if taken is None or not taken.behind:
            return True
        # What nobody heard of since the subscription began has not changed.
        found = self._engine.following(connection.row, taken.behind, taken.since, QUIET_NS)
        taken.behind.difference_update(found)
        return not taken.behind
