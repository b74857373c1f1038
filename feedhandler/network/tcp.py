"""How a TCP socket to a venue is made: name, address family, and what notices a vanished peer.

A peer that vanished without a FIN (its host died, a NAT forgot us, a cable) sends nothing ever
again, and TCP by itself waits for hours. With the options set here the kernel ends the connection:
an idle one after USER_TIMEOUT_S by its keep-alive probes, one with unanswered bytes of ours
USER_TIMEOUT_S after the first of them; together at most VANISHED_S after the peer's last sign. The
heartbeat (`connection/heartbeat.py`) notices a silent venue earlier where the venue speaks; this is
the net below it, which needs no cooperation of the venue's software.
"""

import asyncio
import socket
import struct
from collections.abc import Sequence

import aiohappyeyeballs

from feedhandler import number_text

NAME_TIMEOUT_S = 5.0
FAMILY_DELAY_S = 0.25  #: RFC 8305, 5: the other address is tried beside the first after so long
KEEPALIVE_IDLE_S = 4
KEEPALIVE_INTERVAL_S = 2
KEEPALIVE_PROBES = 3
USER_TIMEOUT_S = 10  #: RFC 5482; replaces the number of probes
VANISHED_S = 2 * USER_TIMEOUT_S + KEEPALIVE_INTERVAL_S
_LAST_ACK = struct.Struct("=I")
_LAST_ACK_OFFSET = 56  # struct tcp_info.tcpi_last_ack_recv, ms

#: (family, type, protocol, canonical name, address), as `socket.getaddrinfo` gives it
Address = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


class NameNotFound(OSError):  # noqa: N818
    """The host's name gives no address: no such name, or no answer from DNS. Distinct from an
    address that refuses."""


async def connect(host: str, port: int) -> socket.socket:
    """A connected socket, non-blocking, with the options of `make`.

    Every address of the name is tried, the families in turn, a new one each FAMILY_DELAY_S while
    those before it have not answered (RFC 8305): a host with only one family of connectivity loses
    no time. Raises NameNotFound, or OSError with what every address said. No time-out of its own
    once the name is resolved.
    """
    addresses = await resolve(host, port)
    return await aiohappyeyeballs.start_connection(
        addresses,
        happy_eyeballs_delay=FAMILY_DELAY_S,
        interleave=1,
        socket_factory=make,
    )


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Every address of a name, both families. Raises NameNotFound."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(NAME_TIMEOUT_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        text = f"no answer from DNS for {host} within {NAME_TIMEOUT_S:g} s"
        raise NameNotFound(None, text) from None
    except (socket.gaierror, UnicodeError) as error:
        cause = error.strerror if isinstance(error, socket.gaierror) else error
        raise NameNotFound(None, f"the name {host} does not resolve: {cause}") from None
    return found  # type: ignore[return-value]


def make(address: Address) -> socket.socket:
    """A socket for an address, not connected yet, that will notice a vanished peer."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)
        set_options(made)
    except OSError:
        made.close()
        raise
    return made


def set_options(made: socket.socket) -> None:
    """TCP_NODELAY, keep-alive, and the user time-out, which also bounds the SYN."""
    tcp = socket.IPPROTO_TCP
    made.setsockopt(tcp, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(tcp, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    made.setsockopt(tcp, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S)
    made.setsockopt(tcp, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    made.setsockopt(tcp, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_S * 1000)


def vanished(connected: socket.socket) -> str:
    """Why a connection was lost, if it was because the peer sent not even an ACK; else "".

    To be asked when it is lost, before the socket is closed: its keep-alive makes a peer that is
    there say so every few seconds, so that a long time without an ACK is a peer that is not there.
    """
    try:
        info = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    except OSError:
        return ""
    if len(info) < _LAST_ACK_OFFSET + _LAST_ACK.size:
        return ""
    seconds = _LAST_ACK.unpack_from(info, _LAST_ACK_OFFSET)[0] / 1e3
    if seconds < USER_TIMEOUT_S - 1:
        return ""
    return f"the peer vanished: not even a TCP acknowledgement for {number_text.seconds(seconds)}"
