"""How long a venue that refused us wants to be left alone.

The Retry-After header (RFC 9110, 10.2.3) says seconds, or a date; Binance says in the body until
when an address is banned, in unix milliseconds (rest-api.md, "IP Limits").
"""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

MAX_S = 86_400.0  #: nobody is believed that asks for more than a day
PAUSE_S = 600.0  #: of a failure that is no ban: venues come back sooner than they said
MAX_BAN_S = 3 * 86_400.0  #: but bans of an address are for up to three
_BANNED_UNTIL = re.compile(rb"banned until (\d{13})\b")


def parse_retry_after(value: str | None, now: float | None = None) -> float:
    """Seconds to wait; 0 for a header that is missing or makes no sense. `now`: unix time."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - (now or time.time())
        except (ValueError, TypeError, OverflowError, OSError, IndexError):
            return 0.0
    return min(MAX_S, seconds) if seconds > 0 else 0.0


def ban_s(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    bans: Mapping[int, float],
    now: float | None = None,
) -> float:
    """Seconds without a request after this answer; 0: it is no ban. `bans`: `Limits.bans`."""
    if status not in bans:
        return 0.0
    found = _BANNED_UNTIL.search(body)
    until = int(found[1]) / 1000 - (now or time.time()) if found else 0.0
    said = max(min(MAX_BAN_S, until), parse_retry_after(headers.get("Retry-After"), now))
    return said if said > 0 else bans[status]
