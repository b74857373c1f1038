"""Why a connection did not come up, or did not stay, in words and as a reason."""

import errno
import os
import ssl
from collections.abc import Sequence
from http import HTTPStatus
from time import monotonic

import aiohttp
import aiohttp_socks
from picows import WSHandshakeError
from python_socks import ProxyError

from feedhandler.adapter.venue import Limits
from feedhandler.budgets.retry_after import PAUSE_S, ban_s, parse_retry_after
from feedhandler.budgets.token_bucket import Budget
from feedhandler.log import log
from feedhandler.network.deflate import ExtensionError
from feedhandler.network.tcp import NameNotFound
from feedhandler.one_line import one_line
from shm import Reason

CONNECT_TIMEOUT_S = 10.0
_UNREACHABLE = frozenset(
    (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ETIMEDOUT)
)
#: what failing proxies raise besides OSError and aiohttp's own errors
PROXY_ERRORS = (
    ProxyError,
    aiohttp_socks.ProxyError,
    aiohttp_socks.ProxyConnectionError,
    aiohttp_socks.ProxyTimeoutError,
)


class NoToken(Exception):  # noqa: N818
    """The venue gave out no connect. `wait_s`: not before; `nobody`: there was nobody to ask."""

    def __init__(
        self, reason: Reason, why: str, *, wait_s: float = 0.0, nobody: bool = False
    ) -> None:
        super().__init__(f"no token to connect with: {why}")
        self.reason = reason
        self.wait_s = wait_s
        self.nobody = nobody


def unreachable(error: Exception) -> bool:
    """Whether nobody was there to refuse us: no name, no route, nobody who listens or answers."""
    if isinstance(error, NoToken):
        return error.nobody
    if isinstance(error, NameNotFound) or (isinstance(error, TimeoutError) and not error.errno):
        return True
    return isinstance(error, OSError) and error.errno in _UNREACHABLE


def explain(error: Exception) -> tuple[Reason, str]:
    """The reason and the detail of a failure."""
    if isinstance(error, NoToken):
        return error.reason, one_line(error)
    if isinstance(error, WSHandshakeError) and error.response is not None:
        status = int(error.response.status)
        if status == HTTPStatus.SWITCHING_PROTOCOLS:
            why = one_line(str(error).removeprefix("cannot upgrade, "))
            return Reason.MALFORMED, f"a wrong WebSocket handshake: {why}"
        if 300 <= status < 400:
            elsewhere = one_line(error.response.headers.get("Location", "nowhere"), 60)
            text = f"HTTP {status}: sent on to {elsewhere}, where nobody connects"
            return Reason.DISCONNECTED, text
        reason = Reason.RATE_LIMIT if status in (418, 429) else Reason.DISCONNECTED
        return reason, f"the venue refused the WebSocket with HTTP {status}"
    if isinstance(error, TimeoutError) and not error.errno:
        return Reason.DISCONNECTED, f"no connection within {CONNECT_TIMEOUT_S:.0f} s"
    return Reason.DISCONNECTED, in_words(error)


def in_words(error: Exception) -> str:
    """What went wrong on the way to a venue, over WebSocket or HTTP: name, connection, proxy, TLS.

    They are told apart: what has to be mended differs.
    """
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refused: HTTP proxy rejected connection with status {error.status}"
    if isinstance(error, aiohttp_socks.ProxyConnectionError | aiohttp_socks.ProxyTimeoutError):
        return f"no way to the proxy: {error}"
    if isinstance(error, PROXY_ERRORS):
        return f"the proxy refused: {error}"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"no way to the proxy {error.host}:{error.port}: {_cause(error.os_error)}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name {error.host} does not resolve: {_cause(error.os_error)}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return in_words(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect: {in_words(error.os_error)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS certificate refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or _cause(error)}"
    if isinstance(error, ExtensionError):
        return f"the venue answered the offer of compression with {error}"
    if isinstance(error, OSError) and not isinstance(error, aiohttp.ClientError):
        return _cause(error)
    if isinstance(error, WSHandshakeError):
        return f"no WebSocket handshake: {one_line(error)}"
    log.debug("connection failed", exc_info=error)
    return one_line(f"{type(error).__name__}: {error}")


def _cause(error: OSError) -> str:
    """In the kernel's words, where a library put less in their place."""
    number = errno.ECONNRESET if isinstance(error, ConnectionResetError) else error.errno or 0
    said = error.strerror or (str(error) if error.args else "")
    if number > 0 and (not said or said.startswith("Connect call failed")):
        return os.strerror(number)
    return said or type(error).__name__


def refused(error: Exception, limits: Limits, connects: Sequence[Budget]) -> float:
    """Seconds that the venue asks for before the next try; 0 if it does not.

    All processes are told, by the budgets of its host.
    """
    if isinstance(error, NoToken):
        return error.wait_s
    if not isinstance(error, WSHandshakeError) or error.response is None:
        return 0.0
    status = int(error.response.status)
    body = getattr(error, "raw_body", None) or b""
    seconds = ban_s(status, error.response.headers, bytes(body), limits.bans)
    if not seconds:
        seconds = min(PAUSE_S, parse_retry_after(error.response.headers.get("Retry-After")))
    if seconds:
        for budget in connects:
            budget.hold(monotonic(), seconds, status)
    return seconds
