"""The Retry-After header (RFC 9110, 10.2.3): seconds, or a date."""

import time
from email.utils import parsedate_to_datetime

MAX_S = 86_400.0  #: nobody is believed that asks for more than a day


def parse_retry_after(value: str | None, now: float | None = None) -> float:
    """Seconds to wait; 0 for a header that is missing or makes no sense. `now`: unix time."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - (now or time.time())
        except (ValueError, TypeError):
            return 0.0
    return min(MAX_S, seconds) if seconds > 0 else 0.0
