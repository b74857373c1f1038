"""Request ids on venues whose answers carry nothing but the id.

The answer to a subscription and to its end look alike there, so the id itself says which of the
two was asked. They stay within 31 bits; ids of requests over the socket are the 2^31 above.
"""

_UNSUBSCRIBE = 1 << 30
MAX_REQUEST_ID = _UNSUBSCRIBE - 3
ON_CONNECT = (1 << 31) - 1  #: of what is sent when the socket opens; nobody waits for its answer
HEARTBEAT = (1 << 31) - 2  #: of our answers to the venue's heartbeat questions
_SOCKET = 1 << 31


def message_id(request_id: int, *, unsubscribe: bool = False) -> int:
    """The id to put into the message. Raises ValueError outside 0..MAX_REQUEST_ID."""
    if not 0 <= request_id <= MAX_REQUEST_ID:
        raise ValueError(f"request id {request_id}: 0 to {MAX_REQUEST_ID} are allowed")
    return request_id | (_UNSUBSCRIBE if unsubscribe else 0)


def split_id(message: object) -> tuple[int, bool]:
    """(request id, whether it was an unsubscription) of an id that the venue sent back.

    (-1, False) for an id that we cannot have sent.
    """
    if isinstance(message, str) and message.isascii() and message.isdigit():
        message = int(message[:20])
    if not isinstance(message, int) or isinstance(message, bool):
        return -1, False
    if not 0 <= message < 2 * _UNSUBSCRIBE or message in (ON_CONNECT, HEARTBEAT):
        return -1, False
    return message & (_UNSUBSCRIBE - 1), bool(message & _UNSUBSCRIBE)


def socket_id(number: int) -> int:
    """The id of a request over the socket; `number` counts up."""
    return _SOCKET | (number % _SOCKET)


def socket_number(message: object) -> int | None:
    """The number of the request over the socket that has this id; None: it is of none."""
    if not isinstance(message, int) or not _SOCKET <= message < 2 * _SOCKET:
        return None
    return message - _SOCKET
