"""Why a connection did not come up, or did not stay, in words and as a reason."""

import ssl
from collections.abc import Sequence
from time import monotonic

from picows import WSHandshakeError

from feedhandler.budget import Budget
from feedhandler.log import log
from feedhandler.retry_after import ban_s, parse_retry_after
from feedhandler.venues.base import Limits
from shm import Reason

CONNECT_TIMEOUT_S = 10.0


def explain(error: Exception) -> tuple[Reason, str]:
    """The reason and the detail of a failure."""
    if isinstance(error, WSHandshakeError) and error.response is not None:
        status = int(error.response.status)
        reason = Reason.RATE_LIMIT if status in (418, 429) else Reason.DISCONNECTED
        return reason, f"the venue refused the WebSocket with HTTP {status}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return Reason.DISCONNECTED, f"TLS certificate refused: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return Reason.DISCONNECTED, f"no connection within {CONNECT_TIMEOUT_S:.0f} s"
    if isinstance(error, OSError):
        return Reason.DISCONNECTED, error.strerror or str(error)
    log.debug("connection failed", exc_info=error)
    return Reason.DISCONNECTED, f"{type(error).__name__}: {error}"


def refused(error: Exception, limits: Limits, connects: Sequence[Budget]) -> float:
    """Seconds that the venue asks for before the next try; 0 if it does not.

    All processes are told, by the budgets of its host.
    """
    if not isinstance(error, WSHandshakeError) or error.response is None:
        return 0.0
    status = int(error.response.status)
    body = getattr(error, "raw_body", None) or b""
    seconds = ban_s(status, error.response.headers, bytes(body), limits.bans)
    if seconds:
        for budget in connects:
            budget.hold(monotonic(), seconds, status)
    return seconds or parse_retry_after(error.response.headers.get("Retry-After"))
