"""A C11 memory with one storing thread per object, and every execution of a loading thread.

The model is view-based, the strong release/acquire and relaxed fragment of RC11 (Lahav, Vafeiadis,
Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11", PLDI 2017) in the operational
form of Kang et al., "A promising semantics for relaxed-memory concurrency", POPL 2017, without its
promises. A location is the history of all stores to it; a thread has a view, the oldest store of
each location that it may still read; a load may return *any* store that its view allows. So a
load that is executed early, late, out of a stale cache line or out of a store buffer is the
choice of an older or a newer store, and trying all choices is trying all reorderings of loads and
of stores which the orderings permit. Stores carry views: a release store all that its thread did
before, a relaxed store all before that thread's last release fence; an acquire load takes the
view over, a relaxed one does so at the thread's next acquire fence.

Why it is enough here:
* The objects of the protocol have one storing thread, and their readers store nothing: the order
  of stores of a location is that thread's program order, interleavings need no enumeration (a
  reader that runs early is one that chooses old stores), and load buffering, which promises are
  there for, cannot occur. Within this fragment the enumeration is exact, not sampled.
* A relaxed store does not continue a release sequence (C++20); C11's rule permits less.

Where it ends:
* It is bounded: so many records, slots and words as a scenario has. Words are interchangeable
  (each is compared with its own message), so two stand for seven or a thousand.
* It proves the source under the C11 model; that the compiler keeps to it is the compiler's duty,
  and `test_disassembly.py` looks at the result.
* Non-atomic accesses are not modelled; the lint (`test_lint.py`) keeps them out.
* Sequentially consistent fences and flags that both sides store to are in `handshake.py`.

Death is not in a view: a dead writer's stores all arrive. What it leaves behind is in `remains`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field

from tests.proof.recipe import Order

View = dict[str, int]


@dataclass(frozen=True)
class Message:
    value: int
    view: View = field(compare=False)


@dataclass(frozen=True)
class StoreEvent:
    """One executed store, and how many fences that order stores its thread had passed."""

    place: str
    value: int
    release: bool
    fences: int


@dataclass(frozen=True)
class Request:
    """What a reader's program asks of the machine: a load, or a fence (no place)."""

    place: str
    order: Order


Program = Generator[Request, int, str]


def join(one: View, other: View) -> View:
    joined = dict(one)
    for place, at in other.items():
        if joined.get(place, 0) < at:
            joined[place] = at
    return joined


class Memory:
    """Histories of all locations; every location starts as 0."""

    def __init__(self) -> None:
        self.histories: dict[str, list[Message]] = {}

    def history(self, place: str) -> list[Message]:
        return self.histories.setdefault(place, [Message(0, {})])


class Thread:
    """A storing thread. `after`: a thread whose every store happens before this one's start."""

    def __init__(self, memory: Memory, after: Thread | None = None, limit: int = 1 << 30) -> None:
        self.memory = memory
        self.view: View = dict(after.view) if after else {}
        self.fence_view: View = {}
        self.events: list[StoreEvent] = []
        self._fences = 0
        self._limit = limit  # it is killed before its store number `limit`

    def load(self, place: str) -> int:
        """Of a location that only this thread stores to."""
        return self.memory.history(place)[-1].value

    def store(self, place: str, value: int, order: Order) -> None:
        if len(self.events) >= self._limit:
            raise KilledError
        history = self.memory.history(place)
        self.view[place] = len(history)
        release = order in (Order.RELEASE, Order.FULL)
        base = self.view if release else self.fence_view
        history.append(Message(value, {**base, place: len(history)}))
        self.events.append(StoreEvent(place, value, release, self._fences))

    def fence(self, order: Order) -> None:
        if order in (Order.RELEASE, Order.FULL):
            self.fence_view = dict(self.view)
        if order is not Order.ACQUIRE:
            self._fences += 1


class KilledError(Exception):
    """The storing thread dies here."""


@dataclass(frozen=True)
class Run:
    """One execution of a reader: its verdict and what each load returned."""

    verdict: str
    trace: tuple[tuple[str, int], ...]


def executions(memory: Memory, program: Callable[[], Program]) -> Iterator[Run]:
    """Every execution of a reader against all the stores of `memory`."""
    picks: list[int] = []
    while True:
        counts: list[int] = []
        trace: list[tuple[str, int]] = []
        view: View = {}
        pending: View = {}
        reader = program()
        try:
            request = next(reader)
            while True:
                if not request.place:
                    if request.order in (Order.ACQUIRE, Order.FULL):
                        view = join(view, pending)
                    request = reader.send(0)
                    continue
                history = memory.history(request.place)
                floor = view.get(request.place, 0)
                depth = len(counts)
                counts.append(len(history) - floor)
                if depth == len(picks):
                    picks.append(0)
                at = floor + picks[depth]
                message = history[at]
                view[request.place] = at
                if request.order is Order.ACQUIRE:
                    view = join(view, message.view)
                else:
                    pending = join(pending, message.view)
                trace.append((request.place, message.value))
                request = reader.send(message.value)
        except StopIteration as stop:
            yield Run(str(stop.value), tuple(trace))
        while picks and picks[-1] + 1 >= counts[len(picks) - 1]:
            picks.pop()
        if not picks:
            return
        picks[-1] += 1


def verdicts(memory: Memory, program: Callable[[], Program]) -> dict[str, Run]:
    """The verdicts that are possible, each with one execution that shows it."""
    found: dict[str, Run] = {}
    for run in executions(memory, program):
        found.setdefault(run.verdict, run)
    return found


def remains(events: Sequence[StoreEvent], *, as_written: bool) -> Iterator[dict[str, int]]:
    """Every memory that a storing thread can leave behind, wherever it is killed.

    A kill cuts the instruction stream anywhere; the processor completes what was executed before
    and nothing else. `as_written`: the compiler emits atomic stores in the order of the source, as
    GCC and Clang do. Otherwise it emits them in any order that C11 permits it: two stores keep
    theirs if they are to one location, if the later one is a release, or if a release fence or
    a compiler fence is between them; what is left is any set that is closed under "before".
    """
    before = [
        [
            i
            for i in range(j)
            if as_written
            or events[i].place == events[j].place
            or events[j].release
            or events[i].fences != events[j].fences
        ]
        for j in range(len(events))
    ]
    seen: set[frozenset[int]] = set()
    stack: list[frozenset[int]] = [frozenset()]
    while stack:
        done = stack.pop()
        if done in seen:
            continue
        seen.add(done)
        memory: dict[str, int] = {}
        for i in sorted(done):
            memory[events[i].place] = events[i].value
        yield memory
        stack.extend(
            done | {j}
            for j in range(len(events))
            if j not in done and all(i in done for i in before[j])
        )


def settled(memory: dict[str, int], program: Program) -> str:
    """The reader's verdict on a memory where nothing happens any more."""
    try:
        request = next(program)
        while True:
            request = program.send(memory.get(request.place, 0) if request.place else 0)
    except StopIteration as stop:
        return str(stop.value)
