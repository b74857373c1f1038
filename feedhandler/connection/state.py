"""The states of a connection, as the connection table in shared memory numbers them."""

from enum import IntEnum


class ConnectionState(IntEnum):
    """The life of one connection; every transition has a reason and is counted and stamped.

    Where a number is one of `shm.State` it means the same there (BACKOFF: STALE).
    """

    IDLE = 0  #: not started
    CONNECTING = 7  #: asking for a token, handshakes, or waiting for a budget of the host
    SUBSCRIBING = 8  #: open; keys without an answer are left
    SYNCING = 1  #: every key is answered; not every book is in step yet
    LIVE = 2  #: every book was in step
    DRAINING = 9  #: being closed in order
    CLOSED = 6  #: ended in order
    BACKOFF = 3  #: down; waiting before the next try


_OPEN = (ConnectionState.SUBSCRIBING, ConnectionState.SYNCING, ConnectionState.LIVE)


def is_open(state: ConnectionState) -> bool:
    """Whether data may come in this state."""
    return state in _OPEN
