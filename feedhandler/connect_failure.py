"""Why a connection did not come up, or did not stay, in words and as a reason."""

import ssl

from picows import WSHandshakeError

from feedhandler.log import log
from feedhandler.retry_after import parse_retry_after
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


def retry_after(error: Exception) -> float:
    """Seconds that the venue asks for before the next try; 0 if it does not."""
    if isinstance(error, WSHandshakeError) and error.response is not None:
        return parse_retry_after(error.response.headers.get("Retry-After"))
    return 0.0
