"""Whether there are descriptors enough for all connections."""

from __future__ import annotations

from feedhandler.config.keys import Config
from feedhandler.doctor.check import Check, fine, problem
from feedhandler.doctor.facts import Facts
from feedhandler.number_text import plural
from feedhandler.planning.packing import CONNECTION_ROWS

_OTHERS = 64  # libraries, memory, pipes, REST, name resolution


def files(config: Config, facts: Facts) -> Check:
    """An IO process may have a connection a row, two while one takes over."""
    name = "open files"
    needed = 2 * CONNECTION_ROWS + _OTHERS
    if facts.files is None or facts.files >= needed:
        limit = "no limit" if facts.files is None else f"{facts.files:,} a process"
        return fine(name, f"{limit}, {needed} needed at most")
    return problem(
        name,
        f"{facts.files:,} a process, {needed} needed by a busy feed of "
        + plural(len(config.venues), "venue"),
        f"ulimit -n {needed} before the start; LimitNOFILE={needed} (systemd)",
    )
