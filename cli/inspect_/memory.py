"""Opening a venue's memory, and what its words mean to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedhandler.cli.errors import COMMAND, NOTHING, START, CliError

if TYPE_CHECKING:
    from shm._native import Instrument
    from shm.inspect import Memory


def open_venue(namespace: str, venue: str, epoch: int | None = None) -> Memory:
    """A venue's memory, dead or alive."""
    from shm.inspect import open_memory

    return open_memory(venue, namespace=namespace, epoch=epoch)


def venues_there(namespace: str) -> list[str]:
    """The venues that have memory in a namespace; an error when there are none."""
    from shm.inspect import list_objects

    found = list(dict.fromkeys(info.venue for info in list_objects(namespace)))
    if not found:
        raise nothing(namespace)
    return found


def nothing(namespace: str) -> CliError:
    """Nothing at all in a namespace."""
    return CliError(
        f"nothing is in shared memory of the namespace {namespace!r}",
        START,
        NOTHING,
    )


def find(memory: Memory, symbol: str) -> Instrument:
    """An instrument by the venue's name or by the normalised one. Raises a usage error."""
    listed = memory.instruments()
    for names in ({i.symbol: i for i in listed}, {i.name: i for i in listed if i.name}):
        if symbol in names:
            return names[symbol]
    import difflib

    upper = {n.upper(): n for i in listed for n in (i.symbol, i.name) if n}
    near = difflib.get_close_matches(symbol.upper(), upper, n=4, cutoff=0.5)
    hint = "did you mean " + " or ".join(upper[name] for name in near) + "?" if near else ""
    raise CliError(
        f"{memory.venue} has no instrument {symbol!r} among {len(listed)}",
        hint or f"list them: {COMMAND} inspect ls {memory.venue}",
    )


def ring_span_ns(memory: Memory) -> int | None:
    """How long a record stays in the ring at the present rate; of a dead writer at its last."""
    from shm.history.ring import Ring

    ring = Ring(memory.segment)
    return ring.span_ns(ring.now_ns if memory.writer == "alive" else ring.ends_ns)


def writer_words(memory: Memory) -> str:
    """The writer in a few words, for titles."""
    from feedhandler.number_text import duration
    from feedhandler.view.believable import silence_ns

    pid = memory.header()["writer_pid"]
    if memory.writer == "alive":
        return f"writer {pid} alive, heartbeat {duration(silence_ns(memory))} ago"
    return f"writer {pid} {memory.writer}, last heartbeat {duration(silence_ns(memory))} ago"
