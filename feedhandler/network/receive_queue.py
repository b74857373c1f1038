"""What the kernel holds for a connection and nobody has read yet: how much, and since when.

A queue that stays and grows is a connection that cannot keep up. How much: SIOCINQ. Since when:
the kernel keeps no times, but it counts the bytes that came (`tcpi_bytes_received`); at each look
the count is remembered, and the oldest unread byte came before the first look that counted it.
"""

import fcntl
import socket
import struct
import termios
from collections import deque

from feedhandler.network import tcp

KEPT = 1024  #: looks; at four a second more than four minutes
_INT = struct.Struct("=i")
_U64 = struct.Struct("=Q")
_BYTES_RECEIVED_OFFSET = 128  # struct tcp_info, Linux 4.1


class ReceiveQueue:
    """Of one socket. `bytes` and `oldest_ns` are those of the last `look`.

    `oldest_ns`: the age of the oldest unread byte, 0 without one. It is a lower bound; the true
    age is more by less than the time between two looks. A number above 0 therefore means that a
    whole look ago there was already something that is unread still.
    """

    def __init__(self, connected: socket.socket) -> None:
        self.bytes = 0
        self.oldest_ns = 0
        self._socket = connected
        self._looks: deque[tuple[int, int]] = deque(maxlen=KEPT)  # (count, ns), both rising

    def look(self, now_ns: int) -> None:
        """Measure. `now_ns`: of a monotonic clock. Of a closed socket: nothing is waiting."""
        try:
            # In this order: what comes between the two makes the queue seem younger, never older.
            waiting = _INT.unpack(fcntl.ioctl(self._socket, termios.FIONREAD, bytes(4)))[0]
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
            received = _U64.unpack_from(info, _BYTES_RECEIVED_OFFSET)[0]
        except (OSError, ValueError, struct.error):
            waiting = received = 0
        self.bytes = waiting
        if not waiting:
            self._looks.clear()
            self.oldest_ns = 0
            return
        consumed = received - waiting
        while self._looks and self._looks[0][0] <= consumed:
            self._looks.popleft()
        if not self._looks or self._looks[-1][0] < received:
            if len(self._looks) == KEPT:  # forget a look between, not the oldest
                del self._looks[KEPT // 2]
            self._looks.append((received, now_ns))
        self.oldest_ns = now_ns - self._looks[0][1]

    def vanished(self) -> str:
        """Of a connection that is being lost: see `tcp.vanished`."""
        return tcp.vanished(self._socket)
