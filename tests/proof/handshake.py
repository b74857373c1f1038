"""The sleep/wake handshake under weak memory: every interleaving and every stale value.

Here both sides store (`sleepers` is the writer's and every reader's), so the machine is a
state-space search: threads interleave, a load returns any store that its view allows, and a store
may take any place in its location's order of stores after those that its thread knows of.
Sequentially consistent fences join a global view (Kang et al., POPL 2017). `FUTEX_WAIT` compares
and queues, and `FUTEX_WAKE` takes any from the queue, under the kernel's bucket lock: a critical
section sees what was done before the one before it, and who is woken sees what his waker did.

Without promises, so no load is ordered after a later store of its own thread: every error that is
found is real; for the recipe as it is nothing is missed, because each load there that precedes a
store is an acquire load, or of the same location, or a full fence is between them.

The readers have no time-out here: a wake-up that is lost is a state in which nobody can step and a
reader sleeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from tests.proof.recipe import Op, Order, Recipe

PUBLISHED, WAKE, SLEEPERS, SUPERSEDED = range(4)
_PLACES = {
    "published": PUBLISHED,
    "wake": WAKE,
    "&header->wake": WAKE,
    "&header->published": PUBLISHED,
    "&header->superseded": SUPERSEDED,
    "&w->header->published": PUBLISHED,
    "w->sleepers": SLEEPERS,
    "sleepers": SLEEPERS,
}

View = tuple[int, int, int, int]  # by place: the index of the oldest store that may be read
_START: View = (0, 0, 0, 0)


class Message(NamedTuple):
    value: int
    view: View


Histories = tuple[tuple[Message, ...], ...]


class Actor(NamedTuple):
    """A thread: where it is, what it holds, what it may see."""

    pc: int
    view: View
    pending: View  # taken over at the next acquire fence
    released: View  # as of the last release fence
    word: int  # reader: the futex word, asleep: that under which it sleeps; writer: the batch
    seen: int  # reader: the last `published` that it acted on; writer: the flag
    asleep: bool


class State(NamedTuple):
    histories: Histories
    full: View  # of sequentially consistent fences
    lock: View  # of the futex's bucket lock
    actors: tuple[Actor, ...]


class Model:
    """One writer that publishes `batches` times and wakes, readers that sleep until all is seen."""

    def __init__(self, recipe: Recipe, *, batches: int, readers: int, ends: bool = False) -> None:
        self.batches, self.readers = batches, readers
        wake = recipe["fh_wake"]
        wake = tuple(op for op in wake if "counters" not in op.place and op.place != "fh_pace")
        (look,) = (i for i, op in enumerate(wake) if op.what == "load")
        self.writer = (*recipe["fh_publish"], *wake)
        self.branch = len(recipe["fh_publish"]) + look
        self.end = recipe["fh_supersede"] if ends else ()
        self.reader = recipe["fh_wait"]
        waits = [op.place for op in self.reader].index("fh_futex")
        self.naps = {op.place: op.order for op in recipe["fh_doze"] if op.what == "load"}
        self.woken = (waits + 1) % len(self.reader)  # where who was woken goes on

    # ---- memory ----

    def _load(
        self, state: State, who: int, place: int, order: Order
    ) -> Iterator[tuple[Actor, int]]:
        actor = state.actors[who]
        floor = actor.view[place]
        for at, message in enumerate(state.histories[place][floor:], floor):
            view = _put(actor.view, place, at)
            pending = actor.pending
            if order is Order.ACQUIRE:
                view = _join(view, message.view)
            else:
                pending = _join(pending, message.view)
            yield actor._replace(view=view, pending=pending), message.value

    def _store(
        self, state: State, who: int, place: int, value: int, order: Order
    ) -> Iterator[tuple[State, Actor]]:
        first = state.actors[who].view[place] + 1
        last = len(state.histories[place])
        if place != SLEEPERS:
            first = last  # one thread stores here
        for at in range(first, last + 1):
            moved = _make_room(state, place, at) if at < last else state
            actor = moved.actors[who]
            view = _put(actor.view, place, at)
            carried = view if order is Order.RELEASE else _put(actor.released, place, at)
            history = moved.histories[place]
            history = (*history[:at], Message(value, carried), *history[at:])
            histories = (*moved.histories[:place], history, *moved.histories[place + 1 :])
            yield moved._replace(histories=histories), actor._replace(view=view)

    def _fence(self, state: State, who: int, order: Order) -> State:
        actor = state.actors[who]
        view, full, released = actor.view, state.full, actor.released
        if order in (Order.ACQUIRE, Order.FULL):
            view = _join(view, actor.pending)
        if order is Order.FULL:
            view = full = _join(view, full)
        if order in (Order.RELEASE, Order.FULL):
            released = view
        return _with(state._replace(full=full), who, actor._replace(view=view, released=released))

    # ---- steps ----

    def start(self) -> State:
        initial = (Message(0, _START),)
        actor = Actor(0, _START, _START, _START, 1, 0, False)
        reader = actor._replace(word=0)
        return State((initial,) * 4, _START, _START, (actor, *[reader] * self.readers))

    def _writer_step(self, state: State) -> Iterator[State]:
        actor = state.actors[0]
        ending = actor.word > self.batches
        program = self.end if ending else self.writer
        if actor.pc >= len(program):
            return
        op = program[actor.pc]
        for after in self._operation(state, 0, op):
            mine = after.actors[0]
            pc = mine.pc + 1
            if not ending and actor.pc == self.branch and mine.seen == 0:
                pc = len(program)
            if not ending and pc == len(program):
                mine = mine._replace(word=mine.word + 1)
                pc = 0
            yield _with(after, 0, mine._replace(pc=pc))

    def _operation(self, state: State, who: int, op: Op) -> Iterator[State]:
        """The writer's or the reader's line; a load's value goes to `seen` (writer), see below."""
        if op.what == "fence":
            yield self._fence(state, who, op.order)
        elif op.what == "call":
            count = self.readers if "INT_MAX" in op.text else 1
            yield from self._wake(state, who, count, self._asleep(state))
        elif op.what == "store":
            place = _PLACES[op.place]
            value = self._value(state, op, place)
            for after, actor in self._store(state, who, place, value, op.order):
                yield _with(after, who, actor)
        else:
            for actor, value in self._load(state, who, _PLACES[op.place], op.order):
                yield _with(state, who, actor._replace(seen=value))

    def _value(self, state: State, op: Op, place: int) -> int:
        if place == WAKE:  # one thread stores here: it knows its last one
            return state.histories[WAKE][-1].value + 1
        if place == PUBLISHED:
            return state.actors[0].word
        return int(op.value)

    def _asleep(self, state: State) -> list[int]:
        return [who for who, actor in enumerate(state.actors) if actor.asleep]

    def _wake(self, state: State, who: int, count: int, able: list[int]) -> Iterator[State]:
        """FUTEX_WAKE: so many of those who sleep and may be woken, whichever."""
        state = self._locked(state, who)
        for chosen in combinations(able, min(count, len(able))):
            after = state
            for one in chosen:
                sleeper = after.actors[one]
                view = _join(sleeper.view, state.lock)
                awake = sleeper._replace(asleep=False, pc=self.woken, view=view)
                after = _with(after, one, awake)
            yield after

    def _locked(self, state: State, who: int) -> State:
        """The bucket lock taken and released: the kernel's barriers are full ones."""
        state = self._fence(state, who, Order.FULL)
        actor = state.actors[who]
        view = _join(actor.view, state.lock)
        return _with(state._replace(lock=view), who, actor._replace(view=view))

    def _done(self, actor: Actor) -> bool:
        return actor.seen == (self.batches + 1 if self.end else self.batches)

    def _reader_step(self, state: State, who: int) -> Iterator[State]:
        """fh_wait in a loop. Its line `published` differs from what was seen: act on it, again."""
        actor = state.actors[who]
        if actor.asleep or self._done(actor):
            return
        op = self.reader[actor.pc]
        on = (actor.pc + 1) % len(self.reader)
        if op.what == "fence":
            state = self._fence(state, who, op.order)
            yield _with(state, who, state.actors[who]._replace(pc=on))
        elif op.what == "store":
            for stored, after in self._store(state, who, SLEEPERS, 1, op.order):
                yield _with(stored, who, after._replace(pc=on))
        elif op.what == "load":
            place = _PLACES[op.place]
            for after, value in self._load(state, who, place, op.order):
                if place == WAKE:
                    after = after._replace(word=value)
                elif place == SUPERSEDED and value:
                    after = after._replace(seen=self.batches + 1)
                elif place == PUBLISHED and value != actor.seen:
                    yield _with(state, who, after._replace(seen=value, pc=0))
                    continue
                yield _with(state, who, after._replace(pc=on))
        elif op.place == "fh_doze":
            yield _with(state, who, actor._replace(pc=on))
            yield from self._nap(state, who)
        elif op.place == "fh_futex_wake":
            able = [one for one in self._asleep(state) if _under(op, state.actors[one], actor)]
            for woke in self._wake(state, who, 2, able):
                yield _with(woke, who, woke.actors[who]._replace(pc=on))
        else:
            state = self._locked(state, who)
            for after, value in self._load(state, who, WAKE, Order.RELAXED):
                slept = value == actor.word
                yield _with(state, who, after._replace(asleep=slept, pc=0))

    def _nap(self, state: State, who: int) -> Iterator[State]:
        """What a look before or between naps finds, if it finds anything."""
        actor = state.actors[who]
        for place, ended in (("&header->published", False), ("&header->superseded", True)):
            for after, value in self._load(state, who, _PLACES[place], self.naps[place]):
                if value if ended else value != actor.seen:
                    seen = self.batches + 1 if ended else value
                    yield _with(state, who, after._replace(seen=seen, pc=0))

    def steps(self, state: State) -> Iterator[State]:
        for after in self._writer_step(state):
            yield self._plain(after)
        for who in range(1, self.readers + 1):
            for after in self._reader_step(state, who):
                yield self._plain(after)

    def _plain(self, state: State) -> State:
        """The state without what can never matter again, so that equal ones are found equal."""
        top: View = tuple(len(history) - 1 for history in state.histories)  # type: ignore[assignment]
        actors = []
        for who, actor in enumerate(state.actors):
            if who and self._done(actor):
                actor = actor._replace(pc=0, view=top, pending=top, released=top, word=0)
            elif who and actor.pc == 0 and not actor.asleep:
                actor = actor._replace(word=0)
            elif who == 0 and actor.pc != self.branch + 1:
                actor = actor._replace(seen=0)
            actors.append(actor._replace(pending=_join(actor.pending, actor.view)))
        floors = [min(actor.view[place] for actor in actors) for place in range(4)]

        def down(view: View) -> View:
            a, b, c, d = (max(0, at - floor) for at, floor in zip(view, floors, strict=True))
            return (a, b, c, d)

        plain = [
            actor._replace(
                view=down(actor.view), pending=down(actor.pending), released=down(actor.released)
            )
            for actor in actors
        ]
        return State(
            tuple(
                tuple(Message(m.value, down(m.view)) for m in history[floor:])
                for history, floor in zip(state.histories, floors, strict=True)
            ),
            down(state.full),
            down(state.lock),
            tuple(plain[:1] + sorted(plain[1:])),  # readers are alike
        )

    def sleeps_for_ever(self, most: int = 400_000) -> State | None:
        """A state in which nobody can step and a reader sleeps; None: there is none."""
        start = self.start()
        known, stack = {start}, [start]
        while stack:
            state = stack.pop()
            stuck = True
            for after in self.steps(state):
                stuck = False
                if after not in known:
                    known.add(after)
                    stack.append(after)
            if stuck and any(actor.asleep for actor in state.actors[1:]):
                return state
            if len(known) > most:
                raise MemoryError(f"more than {most} states")
        self.states = len(known)
        return None


def _under(op: Op, sleeper: Actor, waker: Actor) -> bool:
    """Whether a reader that was woken wakes this one: not if it slept under the word of now."""
    return (sleeper.word != waker.word) is ("~" in op.text)


def _put(view: View, place: int, at: int) -> View:
    changed = list(view)
    changed[place] = at
    a, b, c, d = changed
    return (a, b, c, d)


def _join(one: View, other: View) -> View:
    a, b, c, d = map(max, one, other)
    return (a, b, c, d)


def _make_room(state: State, place: int, at: int) -> State:
    """Every view of the stores at `at` and after it, moved up by one."""

    def up(view: View) -> View:
        return _put(view, place, view[place] + 1) if view[place] >= at else view

    return State(
        tuple(tuple(Message(m.value, up(m.view)) for m in history) for history in state.histories),
        up(state.full),
        up(state.lock),
        tuple(
            actor._replace(
                view=up(actor.view), pending=up(actor.pending), released=up(actor.released)
            )
            for actor in state.actors
        ),
    )


def _with(state: State, who: int, actor: Actor) -> State:
    return state._replace(actors=(*state.actors[:who], actor, *state.actors[who + 1 :]))
