"""`feedhandler inspect`: look into shared memory, one file per command."""

from __future__ import annotations

import click

from feedhandler.cli.lazy import LazyGroup

_COMMANDS = {
    name: f"feedhandler.cli.inspect_.{name}:{name}"
    for name in (
        *("ls", "stat", "tail", "book", "chain", "slots", "connections", "readers", "verify"),
        "abi",
    )
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def inspect() -> None:
    """Look into shared memory, read-only, while the writer lives or after it died.

    Nothing here needs the writer's cooperation or can disturb it.

    \b
    feedhandler inspect ls                       what is there
    feedhandler inspect ls deribit               a venue's instruments
    feedhandler inspect book deribit BTC-PERPETUAL --watch
    feedhandler inspect chain deribit BTC        options, strike by strike
    feedhandler inspect tail okx -f -i BTC-USDT --kind trade
    feedhandler inspect readers                  readers, their lag and losses
    feedhandler inspect verify                   check it against the contract
    feedhandler inspect abi                      the contract itself
    """
